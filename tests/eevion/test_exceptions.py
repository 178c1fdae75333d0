"""Exceptions from the webhook and from the list."""

import json
from datetime import UTC, datetime

import pytest

from eevion import (
    Document,
    Drift,
    DriftKind,
    ExceptionType,
    StationException,
    UnexpectedPayload,
    exceptions,
    parse_exception_webhook,
)

FULL: Document = {
    "exceptionId": "exc_1",
    "type": "connectorFaulted",
    "severity": "high",
    "stationId": "HC-1",
    "connectorId": 1,
    "sessionID": "ses_1",
    "errorCode": "GroundFailure",
    "message": "Ground fault on connector 1",
    "startedAt": "2026-01-08T17:02:11Z",
    "clearedAt": None,
}


def test_a_full_exception_is_read_without_drift() -> None:
    assert parse_exception_webhook(json.dumps(FULL).encode()) == StationException(
        exception_id="exc_1",
        type=ExceptionType.CONNECTOR_FAULTED,
        type_text="connectorFaulted",
        severity="high",
        station_id="HC-1",
        connector_id=1,
        session_id="ses_1",
        error_code="GroundFailure",
        message="Ground fault on connector 1",
        started_at=datetime(2026, 1, 8, 17, 2, 11, tzinfo=UTC),
        cleared_at=None,
        raw=FULL,
        drift=(),
    )


def test_an_unknown_type_keeps_its_text() -> None:
    exception = parse_exception_webhook(json.dumps(FULL | {"type": "cableStolen"}).encode())
    assert (exception.type, exception.type_text) == (None, "cableStolen")
    assert exception.drift == (Drift("type", DriftKind.UNKNOWN_VALUE, '"cableStolen"'),)


def test_an_exception_without_its_id_is_unexpected() -> None:
    with pytest.raises(UnexpectedPayload, match="exceptionId"):
        parse_exception_webhook(b'{"type":"stationOffline"}')


def test_a_page_keeps_its_good_exceptions_and_notes_the_others() -> None:
    page = exceptions.read_page({"exceptions": [{"type": "stationOffline"}, FULL], "nextCursor": 2})
    assert [exception.exception_id for exception in page.exceptions] == ["exc_1"]
    assert page.next_cursor == "2"
    assert page.drift == (Drift("exceptions[]", DriftKind.BAD_VALUE, '{"type": "stationOffline"}'),)


def test_a_page_without_its_list_is_unexpected() -> None:
    with pytest.raises(UnexpectedPayload, match="no list exceptions"):
        exceptions.read_page({"error": "later"})
