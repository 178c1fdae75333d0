"""The published table, line by line, and which line wins."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.connector_state import ConnectorState, Facts, Source, State, derive

NOW = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)
THEN = NOW - timedelta(hours=1)
LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), ConnectorState(State.NO_NEWS, None, Source.SILENCE)),
        (Facts(last_seen_at=THEN), ConnectorState(State.NO_NEWS, THEN, Source.SILENCE)),
        (Facts(lifecycle="planned"), ConnectorState(State.PLANNED, None, Source.RECORD)),
        (Facts(lifecycle="decommissioned"), ConnectorState(State.DECOMMISSIONED, None, Source.RECORD)),
        (
            Facts(session_state="suspended", busy_since=THEN),
            ConnectorState(State.IN_SESSION, THEN, Source.SESSION, "suspended"),
        ),
        (
            Facts(session_state="unknown", busy_since=THEN, blocked_until=LATER),
            ConnectorState(State.BLOCKED, THEN, Source.UNKNOWN_START, until=LATER),
        ),
        (Facts(blocked_until=LATER), ConnectorState(State.BLOCKED, None, Source.UNKNOWN_START, until=LATER)),
        (Facts(blocked_until=NOW), ConnectorState(State.NO_NEWS, None, Source.SILENCE)),
        (
            Facts(priority_status="outOfService", priority_finished_at=THEN),
            ConnectorState(State.UNAVAILABLE, THEN, Source.COMMAND, "outOfService"),
        ),
        (
            Facts(priority_status="available", priority_finished_at=THEN),
            ConnectorState(State.NO_NEWS, None, Source.SILENCE),
        ),
        (
            Facts(fault_code="GroundFailure", fault_since=THEN),
            ConnectorState(State.FAULTED, THEN, Source.EXCEPTION, "GroundFailure"),
        ),
        (
            Facts(station_fault_code="OtherError", station_fault_since=THEN),
            ConnectorState(State.FAULTED, THEN, Source.EXCEPTION, "OtherError"),
        ),
        (Facts(offline_since=THEN), ConnectorState(State.OFFLINE, THEN, Source.EXCEPTION)),
    ],
)
def test_each_line(facts: Facts, expected: ConnectorState) -> None:
    assert derive(facts, NOW) == expected


def test_the_first_line_that_holds_wins() -> None:
    everything = {
        "session_state": "charging",
        "blocked_until": LATER,
        "priority_status": "unavailable",
        "fault_since": THEN,
        "offline_since": THEN,
        "last_seen_at": THEN,
    }
    order = []
    for gone in ("session_state", "blocked_until", "priority_status", "fault_since", "offline_since", "last_seen_at"):
        order.append(derive(Facts(**everything), NOW).state)
        del everything[gone]
    assert order == ["in_session", "blocked", "unavailable", "faulted", "offline", "no_news"]
    assert derive(Facts(lifecycle="planned", session_state="charging"), NOW).state == State.PLANNED


def test_a_session_shows_its_own_mark_and_the_rest_theirs() -> None:
    assert derive(Facts(session_state="stopped"), NOW).mark == "stopped"
    assert derive(Facts(offline_since=THEN), NOW).mark == "offline"
