"""Gives each request of a signed-in person its actor: the membership chosen in the session, else the first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from people.access import actor_for
from people.models import Membership

ORGANISATION = "organisation_id"  # the session's key


def actor(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.actor = None  # type: ignore[attr-defined]
        if request.user.pk is not None:
            membership = _membership(request, request.user.pk)
            if membership is not None:
                request.membership = membership  # type: ignore[attr-defined]
                request.actor = actor_for(membership)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def _membership(request: HttpRequest, user_id: int) -> Membership | None:
    mine = Membership.objects.filter(user_id=user_id).select_related("user", "organisation").order_by("pk")
    chosen = request.session.get(ORGANISATION)
    rows = list(mine)
    return next((row for row in rows if row.organisation_id == chosen), rows[0] if rows else None)
