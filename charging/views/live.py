"""The live page: what happens now, and the rows that changed since."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from charging import attention, board, live_figures, places
from fleet.models import Account
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission


@require(Permission.VIEW)
def live(request: HttpRequest) -> HttpResponse:
    """The whole page; without a script it is as true as its moment."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    wanted = board.Filter.read(request.GET)
    version = _version(actor)  # before the rows: see board.version
    context = _context(actor, wanted) | {"version": version, "rows_href": _rows_href(wanted)}
    if not context["figures"].connectors:
        context["accounts"] = Account.objects.visible_to(actor).exists()
    return render(request, "charging/live.html", context)


@require(Permission.VIEW)
def live_rows(request: HttpRequest) -> HttpResponse:
    """204 if nothing changed since X-Since; else the changed rows, and the figures around them out of band."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    since, beat = board.parse_version(request.headers.get("X-Since", ""))
    version = _version(actor)
    wanted = board.Filter.read(request.GET)
    nothing = since and version.endswith(f".{beat}") and not board.changed(actor, since).exists()
    if nothing:
        return HttpResponse(status=204, headers={"X-Version": version})
    context = _context(actor, wanted, since) | {"partial": True}
    answer = render(request, "charging/_live_rows.html", context)
    answer["X-Version"] = version
    return answer


def _version(actor: Actor) -> str:
    return f"{board.version()}.{board.pulse(actor)}"


def _rows_href(wanted: board.Filter) -> str:
    return f"{reverse('live_rows')}?{urlencode({'tab': wanted.tab, 'q': wanted.text, 'sort': wanted.sort})}"


def _context(actor: Actor, wanted: board.Filter, since: int = 0) -> dict[str, Any]:
    """One context for the page and for its update."""
    now = clock.now()
    cards = places.cards(actor, now)
    gap_s = board.gap_s(settings.READ_EVERY_S, clock.speed())
    gone: list[int] = []
    if since:
        rows, gone = board.update(actor, wanted, since, now, gap_s)
    else:
        rows = board.rows(actor, wanted, now, gap_s)
    return {
        "now": now,
        "wanted": wanted,
        "rows": rows,
        "gone": gone,
        "shown": board.count(actor, wanted),
        "limit": board.ROWS,
        "tabs": board.tabs(actor),
        "cards": cards,
        "figures": live_figures.read(actor, cards, now),
        "attention": attention.items(actor),
        "may_control": actor.can(Permission.CONTROL_SESSIONS),
        "may_manage": actor.can(Permission.MANAGE_FLEET),
    }
