"""A charging session as Eevion tells it: the answers to start, read and stop, and the body of the completion webhook.

Marks in the docstrings: D documented, D* the quantity is documented and its key or unit assumed, A assumed after peer
networks, - not documented at all. Energy is in kWh, power in kW, durations in s, money in major units.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from eevion.document import Document, decode
from eevion.errors import UnexpectedPayload
from eevion.reader import Drift, Reader

PATH: Final = "/session"

# Beyond these a figure is taken for a mistake of the sender, not for a charging session.
COST_LIMIT = Decimal(1_000_000)
ENERGY_LIMIT_KWH = Decimal(100_000)
POWER_LIMIT_KW = Decimal(10_000)
DURATION_LIMIT_S = 10 * 366 * 86_400
CONNECTOR_LIMIT = 1_000


class SessionStatus(StrEnum):
    """All values A."""

    PENDING = "pending"
    CHARGING = "charging"
    SUSPENDED = "suspended"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    """Answer to a start (D*): sessionID D*, stationId D*, status A. `http_status` is that of the answer."""

    session_id: str
    station_id: str | None
    status: SessionStatus | None
    status_text: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStopped:
    """Answer to a stop (path D, shape A): 202 `stopping`, or 200 with the status of a session that is already over."""

    session_id: str
    status: SessionStatus | None
    status_text: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDocument:
    """A session as read (D*) or as its completion webhook tells it (D that cost, energy and duration come, shape A).

    D*: status, cost, energy_kwh, power_kw, duration_s. A: everything else. None means "not said", never zero; a status
    the contract does not know is None with its text beside it. A webhook's figures are a hint (no signature, mark -).
    """

    session_id: str
    station_id: str | None
    status: SessionStatus | None
    status_text: str | None
    status_reason: str | None
    cost: Decimal | None
    currency: str | None
    energy_kwh: Decimal | None
    power_kw: Decimal | None
    duration_s: int | None
    started_at: datetime | None
    updated_at: datetime | None
    charging_ended_at: datetime | None
    completed_at: datetime | None
    end_reason: str | None
    external_reference: str | None
    connector_id: int | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None

    @property
    def measured_at(self) -> datetime | None:
        """The vendor's moment of this reading: updatedAt, else startedAt + duration, else not known."""
        if self.updated_at is not None:
            return self.updated_at
        if self.started_at is None or self.duration_s is None:
            return None
        return self.started_at + timedelta(seconds=self.duration_s)


def start_request(
    *, station_id: str, webhook_url: str | None, connector_id: int | None, external_reference: str | None
) -> Document:
    """Body of a start: stationId D*, webhookOnSessionComplete (name D, place A), connectorId A, externalReference A."""
    said: Document = {
        "stationId": station_id,
        "webhookOnSessionComplete": webhook_url,
        "connectorId": connector_id,
        "externalReference": external_reference,
    }
    return {key: value for key, value in said.items() if value is not None}


def read_started(document: Document, http_status: int | None = None) -> SessionStarted:
    reader = Reader(document)
    reader.ignore("connectorId", "externalReference", "webhookOnSessionComplete")
    reader.expect("status")
    return SessionStarted(
        session_id=reader.identity("sessionID"),
        station_id=reader.label("stationId"),
        status=reader.choice("status", SessionStatus),
        status_text=reader.label("status"),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def read_stopped(document: Document, http_status: int | None = None, *, asked_id: str) -> SessionStopped:
    """Raises UnexpectedPayload when the answer is about another session than the one asked to stop."""
    session = read_session(document, http_status, asked_id=asked_id)
    return SessionStopped(
        session_id=session.session_id,
        status=session.status,
        status_text=session.status_text,
        raw=document,
        drift=session.drift,
        http_status=http_status,
    )


def read_session(document: Document, http_status: int | None = None, *, asked_id: str | None = None) -> SessionDocument:
    """Raises UnexpectedPayload without a sessionID, or when it is not the one that was asked for."""
    reader = Reader(document)
    reader.ignore("webhookOnSessionComplete")
    reader.expect("status", *(["currency"] if document.get("cost") is not None else []))
    session_id = reader.identity("sessionID")
    if asked_id is not None and session_id != asked_id:
        raise UnexpectedPayload("The answer is about another session.", status=http_status)
    return SessionDocument(
        session_id=session_id,
        station_id=reader.label("stationId"),
        status=reader.choice("status", SessionStatus),
        status_text=reader.label("status"),
        status_reason=reader.label("statusReason"),
        cost=reader.amount("cost", COST_LIMIT),
        currency=reader.currency("currency"),
        energy_kwh=reader.amount("energy", ENERGY_LIMIT_KWH),
        power_kw=reader.amount("power", POWER_LIMIT_KW),
        duration_s=reader.seconds("duration", DURATION_LIMIT_S),
        started_at=reader.moment("startedAt"),
        updated_at=reader.moment("updatedAt"),
        charging_ended_at=reader.moment("chargingEndedAt"),
        completed_at=reader.moment("completedAt"),
        end_reason=reader.label("endReason"),
        external_reference=reader.label("externalReference"),
        connector_id=reader.count("connectorId", CONNECTOR_LIMIT),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def parse_session_webhook(body: bytes) -> SessionDocument:
    """The body of webhookOnSessionComplete. Raises UnexpectedPayload; what it says is a hint until read back."""
    return read_session(decode(body))
