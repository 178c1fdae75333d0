"""What a connector is doing, derived from what we know about it. The vendor never reports it (contract, "What the
contract does not let us know"), so silence is "no news" and never "available".

The published table: the first line that holds is the state.

| state          | holds when                                                     | since         | source           |
|----------------|----------------------------------------------------------------|---------------|------------------|
| planned        | the station is planned                                         | -             | record           |
| decommissioned | the station is decommissioned                                  | -             | record           |
| blocked        | the start of the session that holds it has an unknown outcome  | the start     | unknown start    |
| in session     | a session holds it                                             | the start     | session          |
| blocked        | a past unknown start may still hold it (`blocked_until` > now) | the start     | unknown start    |
| unavailable    | the last finished `priorityStatus` job took it out of service  | the job's end | finished command |
| faulted        | an exception about it or its whole station is open             | its beginning | open exception   |
| offline        | a `stationOffline` exception is open                           | its beginning | open exception   |
| no news        | nothing of the above                                           | last news     | silence          |
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

AVAILABLE = "available"  # the priorityStatus that gives a station back; every other value takes it away
UNKNOWN_START = "unknown"  # the session state whose start nobody answered


class Source(models.TextChoices):
    RECORD = "record", _("station record")
    SESSION = "session", _("session")
    UNKNOWN_START = "unknown_start", _("start without an answer")
    COMMAND = "command", _("last finished command")
    EXCEPTION = "exception", _("open exception")
    SILENCE = "silence", _("last sign of life")


class State(StrEnum):
    IN_SESSION = "in_session"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
    OFFLINE = "offline"
    NO_NEWS = "no_news"
    PLANNED = "planned"
    DECOMMISSIONED = "decommissioned"


@dataclass(frozen=True)
class Facts:
    """Everything the table looks at. Times are business time; None is "never" or "not now"."""

    lifecycle: str = "active"
    session_state: str = ""
    busy_since: datetime | None = None
    blocked_until: datetime | None = None
    fault_code: str = ""
    fault_since: datetime | None = None
    station_fault_code: str = ""
    station_fault_since: datetime | None = None
    offline_since: datetime | None = None
    priority_status: str | None = None  # the value of the last finished job
    priority_finished_at: datetime | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True)
class ConnectorState:
    """`detail` is the fault code, the session's state or the status a command set. `until` only where it is known."""

    state: State
    since: datetime | None
    source: Source
    detail: str = ""
    until: datetime | None = None

    @property
    def mark(self) -> str:
        """The key of the shape and word that shows it: in session it is the session's own state."""
        return self.detail or "charging" if self.state is State.IN_SESSION else str(self.state)

    @property
    def rank(self) -> int:
        """What needs a person first comes first, for counting and sorting."""
        return RANK.index(self.state)


RANK = (
    State.FAULTED,
    State.OFFLINE,
    State.BLOCKED,
    State.IN_SESSION,
    State.UNAVAILABLE,
    State.NO_NEWS,
    State.PLANNED,
    State.DECOMMISSIONED,
)


def derive(facts: Facts, now: datetime) -> ConnectorState:
    """The state by the table above; `now` is business time."""
    return _of_record(facts) or _of_session(facts, now) or _of_reports(facts) or _silent(facts)


def _of_record(facts: Facts) -> ConnectorState | None:
    if facts.lifecycle in (State.PLANNED, State.DECOMMISSIONED):
        return ConnectorState(State(facts.lifecycle), None, Source.RECORD)
    return None


def _of_session(facts: Facts, now: datetime) -> ConnectorState | None:
    blocked = facts.blocked_until is not None and facts.blocked_until > now
    if facts.session_state == UNKNOWN_START or (blocked and not facts.session_state):
        return ConnectorState(State.BLOCKED, facts.busy_since, Source.UNKNOWN_START, until=facts.blocked_until)
    if facts.session_state:
        return ConnectorState(State.IN_SESSION, facts.busy_since, Source.SESSION, facts.session_state)
    return None


def _of_reports(facts: Facts) -> ConnectorState | None:
    if facts.priority_status and facts.priority_status != AVAILABLE:
        return ConnectorState(State.UNAVAILABLE, facts.priority_finished_at, Source.COMMAND, facts.priority_status)
    if facts.fault_since is not None:
        return ConnectorState(State.FAULTED, facts.fault_since, Source.EXCEPTION, facts.fault_code)
    if facts.station_fault_since is not None:
        return ConnectorState(State.FAULTED, facts.station_fault_since, Source.EXCEPTION, facts.station_fault_code)
    if facts.offline_since is not None:
        return ConnectorState(State.OFFLINE, facts.offline_since, Source.EXCEPTION)
    return None


def _silent(facts: Facts) -> ConnectorState:
    return ConnectorState(State.NO_NEWS, facts.last_seen_at, Source.SILENCE)
