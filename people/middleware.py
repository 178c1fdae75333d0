"""Gives each request of a signed-in person its actor: the membership chosen in the session, else the first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from people.access import actor_for
from people.models import Membership

ORGANISATION = "organisation_id"  # the session's key


def actor(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.actor = None  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            membership = _membership(request)
            if membership is not None:
                request.membership = membership  # type: ignore[attr-defined]
                request.actor = actor_for(membership)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def _membership(request: HttpRequest) -> Membership | None:
    assert request.user.is_authenticated
    mine = Membership.objects.filter(user=request.user).select_related("user", "organisation").order_by("pk")
    chosen = request.session.get(ORGANISATION)
    rows = list(mine)
    return next((row for row in rows if row.organisation_id == chosen), rows[0] if rows else None)
