"""Rows of a table of items (a station and one command of it): what was and is wanted in words, the lamps, what waits.

The page of a command and that of a station show the same rows; each adds its own columns in its template.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from fleet import command_lamps, command_words
from fleet.command_lamps import Lamp
from fleet.command_progress import MOVING_ITEMS
from fleet.models import CommandItem
from fleet.models.command import DONE_ITEMS, DROPPED_ITEMS, WRONG_ITEMS, ItemState
from fleet.models.station import CommandKind
from fleet.retries import RETRIED
from people.actor import Actor

SHOWN = {"open": MOVING_ITEMS, "done": DONE_ITEMS, "wrong": WRONG_ITEMS, "out": DROPPED_ITEMS}


@dataclass(frozen=True)
class Row:
    """`lamps` come with whether their moment is on the day of the command, by the site's clock."""

    item: CommandItem
    mark: str
    lamps: list[tuple[Lamp, bool]]
    wanted: str
    before: str
    why: str
    is_retried: bool


def narrow(items: "QuerySet[CommandItem]", given: Mapping[str, str]) -> tuple["QuerySet[CommandItem]", str]:
    """Those of `show` (a name of SHOWN, or one state), of an error's `code`, of a `station` by id or name; and in words
    what narrows them beside SHOWN. What makes no sense is left out."""
    show, code, station = (given.get(name, "").replace("\0", "").strip() for name in ("show", "code", "station"))
    only = str(ItemState(show).label) if show in ItemState.values else ""
    if states := SHOWN.get(show, (ItemState(show),) if only else ()):
        items = items.filter(state__in=states)
    if code:
        items = items.filter(error_code=code)
    if station:
        items = items.filter(of_station(station))
    return items, " · ".join(filter(None, (only, code, station)))


def of_station(text: str) -> Q:
    """Of items: a part of the id or name of their station."""
    return Q(station__vendor_id__icontains=text) | Q(station__name__icontains=text)


def with_facts(items: "QuerySet[CommandItem]") -> "QuerySet[CommandItem]":
    """With what `of` looks at: command, station and site, and `hold`, the time until its command goes out."""
    return items.select_related("command", "station__site").annotate(hold=F("command__held_until") - Now())


def of(actor: Actor, items: Sequence[CommandItem]) -> list[Row]:
    """Of items from `with_facts`. One query, for the names of tariffs."""
    tariffs = [item for item in items if item.kind == CommandKind.TARIFF]
    asked = {value for item in tariffs for value in (item.value_before, item.wanted_value) if value}
    names = command_words.tariff_names(actor, asked)
    return [_row(item, names) for item in items]


def _row(item: CommandItem, names: dict[str, str]) -> Row:
    zone = item.station.site.zone
    day = item.command.requested_at.astimezone(zone).date()
    hold = item.hold  # type: ignore[attr-defined]
    return Row(
        item=item,
        mark=command_lamps.mark(item.state),
        lamps=[
            (one, one.at is not None and one.at.astimezone(zone).date() == day) for one in command_lamps.lamps(item)
        ],
        wanted=command_words.value(item.kind, item.wanted_value, names),
        before=command_words.value(item.kind, item.value_before, names),
        why=command_lamps.why(item, item.command, is_held=hold is not None and hold.total_seconds() > 0),
        is_retried=item.state in RETRIED,
    )
