"""Exceptions that the vendor reported: open and cleared, the address to paste into its portal, stations to adopt."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from charging.models import StationException
from fleet import accounts
from fleet.models import Account, UnknownStation
from lib import clock, paging
from people.access import require
from people.actor import Actor
from people.roles import Permission

PAGE = 50
TABS = ("", "cleared")


@require(Permission.VIEW)
def exceptions(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    state = request.GET.get("state", "")
    mine = StationException.objects.visible_to(actor)
    found = mine.exclude(cleared_at=None) if state == "cleared" else mine.filter(cleared_at=None)
    page = paging.newest_first(
        found.select_related("site", "station", "connector", "session", "account"),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    context = {
        "now": clock.now(),
        "state": state if state in TABS else "",
        "page": page,
        "open_count": mine.filter(cleared_at=None).count(),
        "unknown": _unknown(actor),
        "addresses": _addresses(actor),
        "may_manage": actor.can(Permission.MANAGE_FLEET),
    }
    return render(request, "charging/exceptions.html", context)


@require_POST
@require(Permission.MANAGE_FLEET)
def exceptions_unknown_station(request: HttpRequest, pk: int) -> HttpResponse:
    """Dismiss a station that is not ours; it stays away until somebody adopts it. Who is not offered it meets a 404."""
    notice = get_object_or_404(_offered(request.actor), pk=pk)  # type: ignore[attr-defined]
    UnknownStation.objects.filter(pk=notice.pk, dismissed_at=None).update(dismissed_at=clock.now())
    return redirect("exceptions")


def _offered(actor: Actor) -> QuerySet[UnknownStation]:
    """Their site is not known, so they are for people who see every site."""
    found = UnknownStation.objects.visible_to(actor)
    return found if actor.can(Permission.MANAGE_FLEET) and actor.site_ids is None else found.none()


def _unknown(actor: Actor) -> list[UnknownStation]:
    found = _offered(actor).filter(dismissed_at=None).select_related("account")
    return list(found.order_by("-last_seen_at", "-id")[:PAGE])


def _addresses(actor: Actor) -> list[dict[str, Any]]:
    """Per account the exception address: a secret, for those who manage accounts."""
    if not actor.can(Permission.MANAGE_ACCOUNTS):
        return []
    mine = list(Account.objects.visible_to(actor))
    urls = accounts.exception_urls(mine)
    return [{"account": account, "url": urls[account.pk]} for account in mine]
