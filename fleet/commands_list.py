"""Commands as a list: which ones a filter means, one page of them by cursor, and what each row of the list shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fleet import command_progress, command_scope, command_standing, command_words
from fleet.command_progress import Progress
from fleet.command_standing import Standing
from fleet.models import Command, CommandItem, Station
from fleet.models.command import OPEN_ITEMS, WRONG_ITEMS, ItemState, Origin
from fleet.models.station import CommandKind
from lib import paging
from people.actor import Actor

PAGE = 50
FILTERS = ("state", "site", "kind", "origin", "who", "station")
STATES = {
    "open": _("Open"), "held": _("Held"), "paused": _("Paused"), "wrong": _("Went wrong"), "portal": _("Not ours"),
}  # fmt: skip
ITEMS_OF = {
    "open": OPEN_ITEMS, "wrong": WRONG_ITEMS, "held": (ItemState.QUEUED,), "paused": (ItemState.QUEUED,),
}  # fmt: skip
BY_ITEMS = ("site", "station")  # with these, and with a state of items, the list is not counted
CURSOR = re.compile(r"(-?\d{1,12})\.(\d{6})-(\d{1,18})")


@dataclass(frozen=True)
class Row:
    command: Command
    said: list[tuple[str, str]]
    progress: Progress
    standing: Standing
    scope: str

    @property
    def can_undo(self) -> bool:
        return command_standing.is_ours(self.command) and self.progress.may_be_done > 0


def filters(given: Mapping[str, str]) -> dict[str, str]:
    """Those of a query that the list knows, each a text; what makes no sense is dropped."""
    found = {name: given.get(name, "").strip() for name in FILTERS}
    known = {"state": STATES, "kind": CommandKind.values, "origin": Origin.values}
    return {
        name: value if value and value in known.get(name, (value,)) and "\0" not in value else ""
        for name, value in found.items()
    }


def matching(actor: Actor, wanted: Mapping[str, str]) -> QuerySet[Command]:
    """Visible commands; a site or a station narrows them to those that were asked of it."""
    found = _by_items(actor, wanted)
    if kind := wanted.get("kind"):
        found = found.filter(values__has_key=kind)
    if origin := wanted.get("origin"):
        found = found.filter(origin=origin)
    if who := wanted.get("who"):
        found = found.filter(requested_by_label__icontains=who)
    state = wanted.get("state", "")
    if state == "portal":
        found = found.filter(origin=Origin.PORTAL)
    if state == "held":
        found = found.filter(held_until__gt=Now())
    if state == "paused":
        found = found.filter(paused_at__isnull=False)
    return found


def _by_items(actor: Actor, wanted: Mapping[str, str]) -> QuerySet[Command]:
    """Visible ones with an item at least in the state, at the site or station, that the filter means."""
    found, states, where = Command.objects.visible_to(actor), ITEMS_OF.get(wanted.get("state", "")), _where(wanted)
    items = CommandItem.objects.filter(command=OuterRef("pk"))
    if states is not None:
        # An item of a station that is seen makes its command visible: asking for both would cost twice.
        seen = Station.objects.visible_to(actor).filter(where, pk=OuterRef("station_id"))
        return Command.objects.filter(organisation_id=actor.organisation_id).filter(
            Exists(items.filter(Exists(seen), state__in=states))
        )
    if where:
        # Ids, read first: with them the unique index of the items is asked, and no join is planned wrongly.
        ids = Station.objects.visible_to(actor).filter(where).order_by().values_list("pk", flat=True)
        return found.filter(Exists(items.filter(station_id__in=list(ids))))
    return found


def _where(wanted: Mapping[str, str]) -> Q:
    """The stations of a filter; empty for all."""
    site, station, where = wanted.get("site", ""), wanted.get("station", ""), Q()
    if site:
        where &= Q(site_id=int(site)) if site.isdecimal() and len(site) < 18 else Q(pk=None)
    if station:
        where &= Q(vendor_id__icontains=station) | Q(name__icontains=station)
    return where


# --- one page ---------------------------------------------------------------------------------------------------------
def page(found: QuerySet[Command], cursors: Mapping[str, str], *, counted: bool) -> paging.Page[Command]:
    """Newest first, by when it was asked. `after` goes on below a cursor, `before` above one; each row has `hold`."""
    rows = with_hold(found)
    above, below = _point(cursors.get("before", "")), _point(cursors.get("after", ""))
    if above:
        newer = list(rows.filter(_beyond(above, "gt")).order_by("requested_at", "id")[: PAGE + 1])
        shown, has_newer = newer[:PAGE][::-1], len(newer) > PAGE
        has_older = bool(shown)
    else:
        rows = rows.filter(_beyond(below, "lt")) if below else rows
        older = list(rows.order_by("-requested_at", "-id")[: PAGE + 1])
        shown, has_newer, has_older = older[:PAGE], bool(below), len(older) > PAGE
    if not shown:
        return paging.Page([], "", "", "")
    ahead = found.filter(_beyond(_of(shown[0]), "gt")).order_by("requested_at", "id") if has_newer else None
    everything = found.order_by("-requested_at", "-id") if has_older else None
    label = paging.place(shown, ahead=ahead, everything=everything) if counted or not (has_newer or has_older) else ""
    return paging.Page(shown, _cursor(shown[0]) if has_newer else "", _cursor(shown[-1]) if has_older else "", label)


def with_hold(found: QuerySet[Command]) -> QuerySet[Command]:
    """With `hold`, the time until it goes out by the database's clock, and its parent."""
    return found.annotate(hold=F("held_until") - Now()).select_related("parent")


def is_countable(actor: Actor, wanted: Mapping[str, str]) -> bool:
    """The whole list can be counted cheaply where no item has to be looked at."""
    by_items = wanted.get("state") in ITEMS_OF or any(wanted.get(name) for name in BY_ITEMS)
    return actor.site_ids is None and not by_items


def _beyond(point: tuple[datetime, int], side: str) -> Q:
    """The first condition alone lets the index serve; the second is the exact order."""
    at, pk = point
    return Q(**{f"requested_at__{side}e": at}) & (Q(**{f"requested_at__{side}": at}) | Q(**{f"id__{side}": pk}))


def _of(row: Command) -> tuple[datetime, int]:
    return row.requested_at, row.pk


def _cursor(row: Command) -> str:
    at, pk = _of(row)
    return f"{int(at.timestamp())}.{at.microsecond:06d}-{pk}"


def _point(cursor: str) -> tuple[datetime, int] | None:
    found = CURSOR.fullmatch(cursor)
    if not found:
        return None
    try:
        return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=int(found[2])), int(found[3])
    except (OverflowError, ValueError, OSError):
        return None


# --- what the rows show -----------------------------------------------------------------------------------------------
def rows(actor: Actor, commands: Sequence[Command]) -> list[Row]:
    """Five queries for any number of commands: progress, names of tariffs, stations and sites, refused keys."""
    progress = command_progress.of(actor, commands)
    names = command_words.tariff_names(actor, command_words.fee_ids(row.values for row in commands))
    places = command_scope.places(actor, progress.values())
    return [
        Row(
            command=row,
            said=command_words.said(row.values, names, row.origin),
            progress=progress[row.pk],
            standing=command_standing.say(row, progress[row.pk], hold_left_s=hold_left_s(row)),
            scope=command_scope.words(progress[row.pk], places),
        )
        for row in commands
    ]


def hold_left_s(command: Command) -> float:
    """Wall seconds until it goes out, as the database counted when with_hold read it; 0.0: it is not held."""
    hold = getattr(command, "hold", None)
    return max(0.0, hold.total_seconds()) if hold is not None else 0.0
