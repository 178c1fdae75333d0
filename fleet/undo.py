"""Undo: which stations get back what they had before a command, and why the others do not. Sends nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.models import Command, CommandItem, Station, StationSetting
from fleet.models.command import DONE_ITEMS, OPEN_ITEMS, ItemState
from fleet.models.station import Lifecycle

# What happened, or may have: an undo of it has something to take back.
MAY_BE_DONE = (*DONE_ITEMS, ItemState.SENDING, ItemState.ACCEPTED, ItemState.TIMED_OUT, ItemState.UNKNOWN)
NAMED = 5  # stations of a reason before it only counts

WAITS = gettext_lazy("not sent yet, so it can be cancelled instead")
NOT_DONE = gettext_lazy("it was not carried out there")
OUT_OF_SERVICE = gettext_lazy("no longer in service")
NOT_KNOWN = gettext_lazy("what it was before is not known")
SAME = gettext_lazy("it was so before")
BACK = gettext_lazy("it is back already")
CHANGED = gettext_lazy("changed since by a later command")


@dataclass(frozen=True)
class Fact:
    """One item and what became of its station since. `value_now` is the last finished value; None: not known."""

    station_id: int
    name: str
    kind: str
    state: str
    wanted: str
    before: str | None
    value_now: str | None
    has_later: bool
    in_service: bool = True


@dataclass(frozen=True)
class LeftOut:
    why: str
    names: tuple[str, ...]  # of stations, once each

    def __str__(self) -> str:
        more = _(" and %d more") % (len(self.names) - NAMED) if len(self.names) > NAMED else ""
        return f"{', '.join(self.names[:NAMED])}{more}: {self.why}"


@dataclass(frozen=True)
class Found:
    """`groups` are those of a draft: stations with equal wishes together."""

    groups: list[dict[str, Any]]
    left_out: list[LeftOut]


def wishes(command: Command, stations: "QuerySet[Station]") -> Found:
    """What would take the command back at these of its stations."""
    return decide(facts(command, stations))


def decide(known: Iterable[Fact]) -> Found:
    """Per item: the value before, or why not. Pure."""
    back: dict[int, dict[str, str]] = {}
    reasons: list[tuple[str, str]] = []
    for fact in known:
        if why := _obstacle(fact):
            reasons.append((why, fact.name))
        else:
            back.setdefault(fact.station_id, {})[fact.kind] = fact.before or ""
    return Found(group(back), gather(reasons))


def facts(command: Command, stations: "QuerySet[Station]") -> list[Fact]:
    """The command's items at these stations, in the order of their names. One query."""
    others = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"))
    # The portal's jobs are read late: theirs is a later one only if it also ended later.
    ended_later = Q(state__in=DONE_ITEMS) & (
        Q(finished_at__gte=OuterRef("finished_at")) | Q(finished_at=None) | ~Q(command__origin="portal")
    )
    later = others.filter(Q(state__in=OPEN_ITEMS) | ended_later, pk__gt=OuterRef("pk"))
    # A command that was under way when this one was asked for, and done since, is what this one replaced.
    between = others.filter(
        pk__lt=OuterRef("pk"), state__in=DONE_ITEMS, finished_at__gte=OuterRef("command__requested_at")
    )
    setting = StationSetting.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"))
    rows = command.items.filter(station__in=stations).annotate(
        has_later=Exists(later),
        between=Subquery(between.order_by("-pk").values("wanted_value")[:1]),
        value_now=Subquery(setting.values("finished_value")[:1]),
        lifecycle=F("station__lifecycle"),
        name=F("station__vendor_id"),
    )
    return [
        Fact(
            station_id=row.station_id,
            name=row.name,
            kind=row.kind,
            state=row.state,
            wanted=row.wanted_value,
            before=row.value_before if row.between is None else row.between,
            value_now=row.value_now,
            has_later=row.has_later,
            in_service=row.lifecycle == Lifecycle.ACTIVE,
        )
        for row in rows.order_by("station__vendor_id", "pk")
    ]


def _obstacle(fact: Fact) -> str:
    """Why there is nothing to take back here; empty: there is."""
    is_done = fact.state in DONE_ITEMS
    checks = (
        (fact.state == ItemState.QUEUED, WAITS),
        (fact.state not in MAY_BE_DONE, NOT_DONE),
        (not fact.in_service, OUT_OF_SERVICE),
        (fact.before is None, NOT_KNOWN),
        (fact.before == fact.wanted, SAME),
        (fact.has_later, CHANGED),
        (is_done and fact.value_now == fact.before, BACK),
        (is_done and fact.value_now != fact.wanted, CHANGED),
    )
    return next((str(words) for holds, words in checks if holds), "")


def group(wanted: dict[int, dict[str, str]]) -> list[dict[str, Any]]:
    """By station id what is wanted, as a draft keeps it: stations with equal wishes together."""
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for station_id, values in wanted.items():
        alike.setdefault(tuple(sorted(values.items())), []).append(station_id)
    return [{"values": dict(values), "station_ids": station_ids} for values, station_ids in alike.items()]


def gather(reasons: Sequence[tuple[str, str]]) -> list[LeftOut]:
    """Pairs of reason and station, by reason."""
    found: dict[str, dict[str, None]] = {}
    for why, name in reasons:
        found.setdefault(why, {})[name] = None
    return [LeftOut(why, tuple(names)) for why, names in found.items()]
