"""The live page: what happens now, and the rows that changed since."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe

from charging import attention, board, changes, estimate_quality, live_figures, places
from charging.board import Filter
from charging.changes import Mark
from charging.views import board_html
from fleet.models import Account
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission


@dataclass(frozen=True)
class Seen:
    """What a browser says it holds: all up to a mark, whether what stands around the rows may be older than that, and
    the digests of its parts. An address without it: nothing."""

    mark: Mark
    is_late: bool = False
    digests: str = ""

    def __str__(self) -> str:
        return f"{self.mark}.{int(self.is_late)}.{self.digests}"

    @classmethod
    def read(cls, text: str) -> "Seen":
        fields = text.split(".")
        late, digests = [*fields[3:], "", ""][:2]
        return cls(Mark.read(".".join(fields[:3])), late == "1", digests)


@require(Permission.VIEW)
def live(request: HttpRequest) -> HttpResponse:
    """The whole page; without a script it is as true as its moment."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    wanted, now = Filter.read(request.GET), clock.now()
    board_html.watch(actor, wanted)
    mark = changes.look(actor, Mark()).mark  # before the rows
    cards = places.cards(actor, now)
    context = _frame(actor, wanted, board.tabs(actor)) | {
        "now": now,
        "version": Seen(mark),
        "rows_href": f"{reverse('live_rows')}?{_query(wanted)}",
        "rows": [mark_safe(row) for row in board_html.rows(actor, board.page(actor, wanted), now)],  # noqa: S308  drawn by templates
        "cards": cards,
        "figures": live_figures.read(actor, cards, now),
        "attention": attention.items(actor),
        "quality": estimate_quality.this_week(actor, now),
        "may_control": actor.can(Permission.CONTROL_SESSIONS),
        "may_manage": actor.can(Permission.MANAGE_FLEET),
    }
    if not context["figures"].connectors:
        context["accounts"] = Account.objects.visible_to(actor).exists()
    return render(request, "charging/live.html", context)


@require(Permission.VIEW)
def live_rows(request: HttpRequest) -> HttpResponse:
    """204 if nothing changed since X-Since; else the changed rows, and out of band what differs around them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    seen, wanted = Seen.read(request.headers.get("X-Since", "")), Filter.read(request.GET)
    board_html.watch(actor, wanted)
    news = changes.look(actor, seen.mark)
    if seen.mark.xid and not news and not seen.is_late:
        return _answer(Seen(news.mark, False, seen.digests))
    now = clock.now()
    shown, gone = board.update(actor, wanted, news) if seen.mark.xid else (board.page(actor, wanted), [])
    rows = board_html.rows(actor, shown, now)
    rows += [f'<tr id="s-{pk}" data-gone></tr>' for pk in gone]
    around = board_html.around(actor, news.mark, now)
    key = None if wanted.is_narrow else wanted
    frame = board_html.frame(around, key, lambda: _frame(actor, wanted, around.tabs) | {"quality": around.quality})
    other, digests = board_html.unlike([*around.parts, *frame], seen.digests)
    is_late = around.at_ms < (news.mark.at_ms if news else seen.mark.at_ms)
    return _answer(Seen(news.mark, is_late, digests), [*rows, *other])


def _answer(seen: Seen, pieces: list[str] | None = None) -> HttpResponse:
    headers = {"X-Version": str(seen)}
    return HttpResponse("\n".join(pieces), headers=headers) if pieces else HttpResponse(status=204, headers=headers)


def _query(wanted: Filter, **changed: Any) -> str:
    """The filter as an address says it; what is as usual is left out."""
    fields = {"tab": wanted.tab, "q": wanted.text, "site": wanted.site, "sort": wanted.sort} | changed
    if fields["sort"] == board.FIRST:
        fields["sort"] = ""
    return urlencode({name: value for name, value in fields.items() if value})


def _frame(actor: Actor, wanted: Filter, tabs: dict[str, int]) -> dict[str, Any]:
    return {
        "wanted": wanted,
        "tabs": [(name, count, _query(wanted, tab=name)) for name, count in tabs.items()],
        "shown": board.count(actor, wanted, tabs),
        "limit": board.ROWS,
    }
