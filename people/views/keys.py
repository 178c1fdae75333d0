"""Settings, API keys: made, shown once, revoked."""

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from lib import clock
from people import api_keys, forms
from people.access import ActorRequest, require
from people.models import ApiKey
from people.roles import Permission


@require(Permission.MANAGE_KEYS)
def settings_keys(request: ActorRequest) -> HttpResponse:
    form = forms.Key(request.POST or None)
    plain = ""
    if request.method == "POST" and form.is_valid():
        _key, plain = api_keys.create(actor=request.actor, name=form.cleaned_data["name"], now=clock.now())
        form = forms.Key()
    rows = ApiKey.objects.visible_to(request.actor).select_related("membership__user")
    keys = list(rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at")[:200])
    response = render(request, "people/settings_keys.html", {"form": form, "keys": keys, "plain": plain})
    if plain:
        response.headers["Cache-Control"] = "no-store"  # the page shows a secret
    return response


@require(Permission.MANAGE_KEYS)
def settings_key_revoke(request: ActorRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey.objects.visible_to(request.actor), pk=pk)
    if request.method != "POST":
        context = {"title": _("Revoke “%(name)s”?") % {"name": key.name}, "cancel_url": reverse("settings_keys")}
        return render(request, "people/settings_key_revoke.html", context | {"key": key})
    api_keys.revoke(actor=request.actor, key=key, now=clock.now())
    messages.success(request, _("“%(name)s” no longer works.") % {"name": key.name})
    return redirect("settings_keys")
