"""What goes wrong at stations, as Eevion lists and posts it.

Marks in the docstrings: D documented, D* capability documented and key or shape assumed, A assumed.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from eevion.document import Document, decode
from eevion.reader import Drift, Reader
from eevion.sessions import CONNECTOR_LIMIT

PATH: Final = "/exceptions"


class ExceptionType(StrEnum):
    """All values A."""

    STATION_OFFLINE = "stationOffline"
    CONNECTOR_FAULTED = "connectorFaulted"
    SESSION_START_FAILED = "sessionStartFailed"
    SESSION_STOP_FAILED = "sessionStopFailed"
    SESSION_INTERRUPTED = "sessionInterrupted"
    COMMAND_FAILED = "commandFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationException:
    """One exception, posted on open and again on clear (A), or listed (D* section "List exceptions"); keys A.

    `severity` is an open list. `error_code` is OCPP's for a faulted connector. Open as long as `cleared_at` is None.
    """

    exception_id: str
    type: ExceptionType | None
    type_text: str | None
    severity: str | None
    station_id: str | None
    connector_id: int | None
    session_id: str | None
    error_code: str | None
    message: str | None
    started_at: datetime | None
    cleared_at: datetime | None
    raw: Document
    drift: tuple[Drift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionPage:
    """One page of the list (D*; cursor A)."""

    exceptions: tuple[StationException, ...]
    next_cursor: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


def read_exception(reader: Reader) -> StationException:
    """Raises UnexpectedPayload without an exceptionId."""
    reader.expect("type")
    return StationException(
        exception_id=reader.identity("exceptionId"),
        type=reader.choice("type", ExceptionType),
        type_text=reader.label("type"),
        severity=reader.label("severity"),
        station_id=reader.label("stationId"),
        connector_id=reader.count("connectorId", CONNECTOR_LIMIT),
        session_id=reader.label("sessionID"),
        error_code=reader.label("errorCode"),
        message=reader.text("message"),
        started_at=reader.moment("startedAt"),
        cleared_at=reader.moment("clearedAt"),
        raw=reader.document,
        drift=reader.drift(),
    )


def read_page(document: Document, http_status: int | None = None) -> ExceptionPage:
    reader = Reader(document)
    return ExceptionPage(
        exceptions=reader.page("exceptions", read_exception),
        next_cursor=reader.label("nextCursor"),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def parse_exception_webhook(body: bytes) -> StationException:
    """The body of the account's exception webhook. Raises UnexpectedPayload."""
    return read_exception(Reader(decode(body)))
