"""What a command would do, station by station: the dry run. Pure; its facts are read in fleet/command_facts.py."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from fleet.models.command import InSession


class Outcome(StrEnum):
    """What would become of a station. The first letters differ: the digest keeps them."""

    SEND = "send"
    WAIT = "wait"  # in session: it is sent when the station is free
    LEFT_OUT = "left_out"  # in session, and such stations are to be left out
    ALREADY = "already"  # nothing to send: everything asked holds already
    DROPPED = "dropped"  # not in service any more


AFFECTED = (Outcome.SEND, Outcome.WAIT)


class Setting(NamedTuple):
    """What is known of one command at one station. `now` is the last finished value, None where there is none.

    `under_way`: the newest wish whose end is not known yet; it waits for its turn, or `has_left` and may still be done.
    `seen_otherwise`: evidence speaks against `now`.
    """

    now: str | None = None
    under_way: str | None = None
    has_left: bool = False
    by: str = ""
    seen_otherwise: bool = False


NOTHING = Setting()


@dataclass(frozen=True)
class Facts:
    """One station as it is: `is_blocked` by a start of unknown outcome, `is_offline` by an open exception."""

    station_id: int
    name: str
    account_id: int
    in_service: bool = True
    is_busy: bool = False
    is_blocked: bool = False
    is_offline: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)
    site_id: int = 0

    @property
    def is_held(self) -> bool:
        return self.is_busy or self.is_blocked


class Change(NamedTuple):
    """One command at one station: from the value now to the wanted one."""

    kind: str
    wanted: str
    setting: Setting
    is_equal: bool  # already right, and it is not to be sent all the same

    @property
    def is_one_way(self) -> bool:
        """There is no known value to go back to."""
        return self.setting.now is None


@dataclass(frozen=True, eq=False)
class Treatment:
    """What would be done at a station. Stations of which the same holds share one, and it is worked out once."""

    outcome: Outcome
    changes: tuple[Change, ...]

    @cached_property
    def is_affected(self) -> bool:
        return self.outcome in AFFECTED

    @cached_property
    def sent(self) -> tuple[Change, ...]:
        """What would leave for this station."""
        return tuple(change for change in self.changes if not change.is_equal) if self.is_affected else ()

    @cached_property
    def is_one_way(self) -> bool:
        return any(change.is_one_way for change in self.sent)

    @cached_property
    def mark(self) -> str:
        """A few characters that change when what would be done here changes; the first one tells the outcome."""
        asked = [
            (change.kind, change.wanted, change.is_equal, change.setting.now, change.setting.under_way)
            for change in self.changes
        ]
        return self.outcome[0] + hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:6]


class Line(NamedTuple):
    facts: Facts
    treatment: Treatment

    @property
    def outcome(self) -> Outcome:
        return self.treatment.outcome

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.treatment.changes

    @property
    def is_affected(self) -> bool:
        return self.treatment.is_affected

    @property
    def sent(self) -> tuple[Change, ...]:
        return self.treatment.sent

    @property
    def is_one_way(self) -> bool:
        return self.treatment.is_one_way

    @property
    def mark(self) -> str:
        return self.treatment.mark


@dataclass(frozen=True)
class Plan:
    """`gone`: chosen stations that the actor does not find any more."""

    lines: tuple[Line, ...]
    gone: int = 0

    @cached_property
    def affected(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.is_affected)

    @cached_property
    def counts(self) -> Mapping[Outcome, int]:
        return Counter(line.outcome for line in self.lines)

    @cached_property
    def treatments(self) -> Mapping[Treatment, int]:
        """How many stations each is for."""
        return Counter(line.treatment for line in self.lines)

    def of(self, *outcomes: Outcome) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.outcome in outcomes)

    def requests(self, stations_per_call: Mapping[int, int]) -> dict[int, int]:
        """Manage calls by account id: stations with equal wishes share one, as many as the account's calls carry."""
        return requests(self.affected, stations_per_call)


def plan(
    facts: Iterable[Facts],
    wanted: Mapping[int, Mapping[str, str]],
    *,
    in_session: InSession,
    send_equal: bool = False,
) -> Plan:
    """What these wishes, by station id, would do. A wished-for station without facts is `gone`.

    A station held by a session, or by a start of unknown outcome, is guarded as `in_session` says.
    """
    alike: dict[tuple[object, ...], Treatment] = {}
    lines = []
    for row in facts:
        values = wanted[row.station_id]
        settings = tuple(row.settings.get(kind, NOTHING) for kind in values)
        key = (*values.items(), settings, row.in_service, row.is_held)
        if (found := alike.get(key)) is None:
            found = alike[key] = _treatment(row, values, in_session, send_equal=send_equal)
        lines.append(Line(row, found))
    return Plan(tuple(lines), gone=len(wanted) - len(lines))


def requests(lines: Iterable[Line], stations_per_call: Mapping[int, int]) -> dict[int, int]:
    """As Plan.requests, for some of its lines."""
    treated = Counter((line.facts.account_id, line.treatment) for line in lines)
    alike: Counter[tuple[int, frozenset[tuple[str, str]]]] = Counter()
    for (account_id, treatment), stations in treated.items():
        alike[account_id, frozenset((change.kind, change.wanted) for change in treatment.sent)] += stations
    found: Counter[int] = Counter()
    for (account_id, _values), stations in alike.items():
        found[account_id] += -(-stations // stations_per_call[account_id])
    return dict(found)


def is_right(setting: Setting, wanted: str) -> bool:
    """The station has the wanted value, and nothing under way would take it away again."""
    holds = setting.now == wanted and not setting.seen_otherwise
    return holds and setting.under_way in (None, wanted)


def _treatment(facts: Facts, values: Mapping[str, str], in_session: InSession, *, send_equal: bool) -> Treatment:
    changes = []
    for kind, wanted in values.items():
        setting = facts.settings.get(kind, NOTHING)
        changes.append(Change(kind, wanted, setting, is_equal=not send_equal and is_right(setting, wanted)))
    return Treatment(_outcome(facts, changes, in_session), tuple(changes))


def _outcome(facts: Facts, changes: Iterable[Change], in_session: InSession) -> Outcome:
    if not facts.in_service:
        return Outcome.DROPPED
    if all(change.is_equal for change in changes):
        return Outcome.ALREADY
    if facts.is_held and in_session != InSession.PROCEED:
        return Outcome.WAIT if in_session == InSession.WAIT else Outcome.LEFT_OUT
    return Outcome.SEND
