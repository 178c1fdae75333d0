"""The state strip of a station: per connector, what is known of each moment of the last day, week or month. Pure.

It tells the past by the order of fleet/connector_state.py: a session before a command that took the station out of
service, that before a fault, a fault before an offline station. What nobody said is no news, and never available. Where
the facts come from: charging/strip_facts.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from charging.models.session import ENDED, State


class Kind(StrEnum):
    """Also the key of the mark that shows it (lib.icons)."""

    CHARGING = "charging"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    PENDING = "pending"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
    OFFLINE = "offline"
    NO_NEWS = "no-news"


K = Kind
KIND_OF = {
    State.REQUESTED: K.PENDING,
    State.PENDING: K.PENDING,
    State.UNKNOWN: K.BLOCKED,
    State.CHARGING: K.CHARGING,
    State.STOPPING: K.CHARGING,  # energy may still flow
    State.SUSPENDED: K.SUSPENDED,
    State.STOPPED: K.STOPPED,
}
DAYS = {"24h": 1, "7d": 7, "30d": 30}


@dataclass(frozen=True)
class Stretch:
    """Half-open; `words` say more where more is known: a reference, a fault's code."""

    kind: Kind
    begin_at: datetime
    end_at: datetime
    words: str = ""

    @property
    def duration(self) -> timedelta:
        return self.end_at - self.begin_at

    def within(self, begin_at: datetime, end_at: datetime) -> "Stretch | None":
        begin, end = max(self.begin_at, begin_at), min(self.end_at, end_at)
        return replace(self, begin_at=begin, end_at=end) if begin < end else None


@dataclass(frozen=True)
class SessionFacts:
    """`moves`: when which state began, oldest first; `silences`: from the last answer to the next one."""

    connector_id: int | None
    requested_at: datetime
    ended_at: datetime | None
    moves: tuple[tuple[datetime, str], ...]
    silences: tuple[tuple[datetime, datetime], ...] = ()
    state: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Alarm:
    """An exception, or the time for which a command took the station out of service; `end_at` None while that lasts.
    Without a connector it speaks of the whole station."""

    connector_id: int | None
    kind: Kind
    begin_at: datetime
    end_at: datetime | None
    words: str = ""


def window(span: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """24 hours are just that; 7 and 30 days begin at a local midnight, so the present day is the last one."""
    if span == "24h":
        return now - timedelta(hours=24), now
    first = now.astimezone(zone).date() - timedelta(days=DAYS[span] - 1)
    return _midnight(first, zone), now


def days(begin_at: datetime, end_at: datetime, zone: ZoneInfo) -> list[tuple[date, datetime, datetime]]:
    """The local days of a window, each with its own length: 23, 24 or 25 hours."""
    found, day = [], begin_at.astimezone(zone).date()
    while (midnight := _midnight(day, zone)) < end_at:
        after = day + timedelta(days=1)
        found.append((day, max(midnight, begin_at), min(_midnight(after, zone), end_at)))
        day = after
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """In UTC: between two moments of one zone Python counts what clocks on the wall show, not time that passes."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def of(
    connector_id: int | None,
    sessions: Iterable[SessionFacts],
    alarms: Iterable[Alarm],
    begin_at: datetime,
    end_at: datetime,
) -> list[Stretch]:
    """What is known of one connector, without a hole: from begin_at to end_at, oldest first."""
    mine = [one for one in sessions if one.connector_id == connector_id]
    known = _in_order(stretch for one in mine for stretch in _of_session(one, end_at))
    about = [one for one in alarms if one.connector_id in (None, connector_id)]
    for kind in (K.UNAVAILABLE, K.FAULTED, K.OFFLINE):
        told = (Stretch(kind, one.begin_at, one.end_at or end_at, one.words) for one in about if one.kind is kind)
        known = _under(known, _in_order(told))
    inside = [part for one in known if (part := one.within(begin_at, end_at))]
    return _joined(_under(inside, [Stretch(K.NO_NEWS, begin_at, end_at)]))


def sums(stretches: Sequence[Stretch], begin_at: datetime, end_at: datetime) -> dict[Kind, int]:
    """Seconds of each kind within a period."""
    found: dict[Kind, float] = {}
    for one in stretches:
        if part := one.within(begin_at, end_at):
            found[part.kind] = found.get(part.kind, 0) + (part.end_at - part.begin_at).total_seconds()
    return {kind: int(seconds) for kind, seconds in found.items()}


def _of_session(facts: SessionFacts, now: datetime) -> list[Stretch]:
    """Its states one after the other; where nobody answered for long there is nothing."""
    first = State.UNKNOWN if facts.state == State.UNKNOWN else State.PENDING
    last_at = facts.ended_at or now
    moves = [(facts.requested_at, str(first)), *(move for move in facts.moves if move[0] < last_at), (last_at, "")]
    found = [
        Stretch(KIND_OF[State(state)], at, until, facts.reference)
        for (at, state), (until, _next) in pairwise(moves)
        if state not in ENDED and at < until
    ]
    for silence in facts.silences:
        found = [part for one in found for part in _without(one, *silence)]
    return found


def _without(one: Stretch, begin_at: datetime, end_at: datetime) -> list[Stretch]:
    parts = (one.within(one.begin_at, begin_at), one.within(end_at, one.end_at))
    return [part for part in parts if part]


def _in_order(stretches: Iterable[Stretch]) -> list[Stretch]:
    """By their beginning; of two that overlap the earlier one holds."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda stretch: (stretch.begin_at, stretch.end_at)):
        free_at = found[-1].end_at if found else one.begin_at
        if part := one.within(free_at, one.end_at):
            found.append(part)
    return found


def _under(known: Sequence[Stretch], more: Sequence[Stretch]) -> list[Stretch]:
    """`more` fills what `known` leaves free. Both are in order and do not overlap."""
    found = list(known)
    for one in more:
        begin_at = one.begin_at
        for over in known:
            if over.end_at <= begin_at or over.begin_at >= one.end_at:
                continue
            if begin_at < over.begin_at:
                found.append(replace(one, begin_at=begin_at, end_at=over.begin_at))
            begin_at = max(begin_at, over.end_at)
        if begin_at < one.end_at:
            found.append(replace(one, begin_at=begin_at))
    return sorted(found, key=lambda stretch: stretch.begin_at)


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours that say the same are one."""
    found: list[Stretch] = []
    for one in stretches:
        last = found[-1] if found else None
        if last and (last.kind, last.words, last.end_at) == (one.kind, one.words, one.begin_at):
            found[-1] = replace(last, end_at=one.end_at)
        else:
            found.append(one)
    return found
