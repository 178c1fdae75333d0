"""Tariffs: the list, adding and changing one. Which stations carry it is asked by a command."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import tariffs as domain
from fleet.forms import TariffForm
from fleet.models import Account, Tariff
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.VIEW)
def tariffs(request: ActorRequest) -> HttpResponse:
    rows = Tariff.objects.visible_to(request.actor).select_related("account").annotate(used_by=Count("stations"))
    context = {
        "rows": rows,
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "has_account": Account.objects.visible_to(request.actor).exists(),
        "may_add_account": request.actor.can(Permission.MANAGE_ACCOUNTS),
    }
    return render(request, "fleet/tariffs.html", context)


@require(Permission.MANAGE_FLEET)
def tariff_new(request: ActorRequest) -> HttpResponse:
    return _form(request, Tariff(organisation_id=request.actor.organisation_id), _("Add a tariff"))


@require(Permission.MANAGE_FLEET)
def tariff_edit(request: ActorRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Tariff.objects.visible_to(request.actor), pk=pk)
    return _form(request, found, _("Change %s") % found.name)


def _form(request: ActorRequest, found: Tariff, title: str) -> HttpResponse:
    form = TariffForm(request.POST or None, instance=found, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        saved = domain.save(actor=request.actor, tariff=form.save(commit=False), now=clock.now())
        messages.success(request, _("%s is saved.") % saved.name)
        return redirect("tariffs")
    context = {"form": form, "title": title, "tariff": found if found.pk else None}
    return render(request, "fleet/tariff_form.html", context)
