"""The gate of every page: who is asking, and may they? Absent, foreign and forbidden all look alike: 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from people.actor import Actor
from people.models import ApiKey, Membership, Organisation
from people.roles import Permission, Role

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
GatedView = Callable[Concatenate[Any, P], HttpResponseBase]


class ActorRequest(HttpRequest):
    """A request that passed the gate."""

    actor: Actor


def actor_for(membership: Membership, *, api_key: ApiKey | None = None) -> Actor:
    """The membership's user must be loaded. A key acts as its membership."""
    return Actor(
        organisation_id=membership.organisation_id,
        role=Role(membership.role),
        site_ids=None if membership.site_ids is None else frozenset(membership.site_ids),
        label=str(membership.user) if api_key is None else f"{api_key.name} (API)",
        user_id=membership.user_id,
        membership_id=membership.pk,
        api_key_id=api_key.pk if api_key else None,
    )


def require(permission: Permission) -> Callable[[GatedView[P]], View[P]]:
    """A view behind the gate. Signed out: to sign-in (a poll gets 401 with HX-Redirect). Without the right: 404."""

    def decorate(view: GatedView[P]) -> View[P]:
        @wraps(view)
        def gated(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            actor: Actor | None = getattr(request, "actor", None)
            if actor is None:
                return render(request, "people/no_organisation.html", status=403)
            if not actor.can(permission):
                raise Http404
            return view(request, *args, **kwargs)

        gated.permission = permission  # type: ignore[attr-defined]
        return cast(View[P], gated)

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    is_poll = "HX-Request" in request.headers or "X-Since" in request.headers
    is_form = request.method not in ("GET", "HEAD")
    if is_form:
        words = _("You were signed out meanwhile, so nothing was changed. Sign in and do it again.")
        messages.warning(request, words, fail_silently=True)
    redirect = redirect_to_login(_page_in_view(request) if is_poll or is_form else request.get_full_path())
    return HttpResponse(status=401, headers={"HX-Redirect": redirect.url}) if is_poll else redirect


def _page_in_view(request: HttpRequest) -> str:
    """Where to go on after signing in: what a form or a poll asks is a fragment, or no page at all."""
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(page)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


def organisation_of(actor: Actor) -> Organisation:
    return Organisation.objects.get(pk=actor.organisation_id)
