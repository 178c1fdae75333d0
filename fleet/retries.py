"""Another try: of one item, of all that went wrong alike, or of all that went wrong. The old rows keep their truth.

What finished and was then seen otherwise is tried again too, though the vendor reports that the station has it already.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy

from fleet import items, undo
from fleet.models import Command, CommandItem, Station, StationSetting
from fleet.models.command import ItemState
from fleet.models.station import Lifecycle
from fleet.undo import Found

RETRIED = (ItemState.FAILED, ItemState.REJECTED, ItemState.EXPIRED, ItemState.TIMED_OUT, ItemState.CONTRADICTED)
NEWER = gettext_lazy("a newer command asks something of it")
RIGHT = gettext_lazy("it is so already")


@dataclass(frozen=True)
class Fact:
    """One item that went wrong. `has_newer`: somebody has wished the same kind of the station since. `is_right`: the
    last finished value is the wanted one, and nothing outside shows the opposite."""

    station_id: int
    name: str
    kind: str
    wanted: str
    has_newer: bool
    in_service: bool = True
    is_right: bool = False


def wishes(
    command: Command,
    stations: "QuerySet[Station]",
    *,
    item_id: int | None = None,
    state: str | None = None,
    error_code: str | None = None,
) -> Found:
    """What is tried again at these stations: one item, those of the state, with the code, or all that went wrong."""
    return decide(facts(command, stations, item_id=item_id, state=state, error_code=error_code))


def decide(known: Iterable[Fact]) -> Found:
    """Per item: the same wish again, or why not. Pure."""
    again: dict[int, dict[str, str]] = {}
    reasons: list[tuple[str, str]] = []
    for fact in known:
        if not fact.in_service:
            reasons.append((str(undo.OUT_OF_SERVICE), fact.name))
        elif fact.has_newer:
            reasons.append((str(NEWER), fact.name))
        elif fact.is_right:
            reasons.append((str(RIGHT), fact.name))
        else:
            again.setdefault(fact.station_id, {})[fact.kind] = fact.wanted
    return Found(undo.group(again), undo.gather(reasons))


def facts(
    command: Command,
    stations: "QuerySet[Station]",
    *,
    item_id: int | None = None,
    state: str | None = None,
    error_code: str | None = None,
) -> list[Fact]:
    """Those of the command's items that went wrong, in the order of their stations' names. One query."""
    others = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    # What was taken back, or left out before it was asked, is no wish; what was right already is one that came true.
    dropped = Q(state=ItemState.CANCELLED) | (Q(state=ItemState.SKIPPED) & ~Q(error_code=items.ALREADY))
    rows = command.items.filter(state__in=RETRIED, station__in=stations)
    if item_id is not None:
        rows = rows.filter(pk=item_id)
    if state is not None:
        rows = rows.filter(state=state)
    if error_code is not None:
        rows = rows.filter(error_code=error_code)
    setting = StationSetting.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"))
    rows = rows.annotate(
        has_newer=Exists(others.exclude(dropped)),
        value_now=Subquery(setting.values("finished_value")[:1]),
        lifecycle=F("station__lifecycle"),
        name=F("station__vendor_id"),
    )
    return [
        Fact(
            station_id=row.station_id,
            name=row.name,
            kind=row.kind,
            wanted=row.wanted_value,
            has_newer=row.has_newer,
            in_service=row.lifecycle == Lifecycle.ACTIVE,
            is_right=row.value_now == row.wanted_value and row.state != ItemState.CONTRADICTED,
        )
        for row in rows.order_by("station__vendor_id", "pk")
    ]
