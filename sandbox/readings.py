"""What can be known of a session at a moment, for the contract and for the ledger. Changes nothing."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox import physics
from sandbox.clock import iso, microseconds, seconds
from sandbox.model import CHARGING, STOPPING, Session


def elapsed_us(session: Session, now: datetime) -> int:
    """Microseconds of business time since the session began; 0 before."""
    return microseconds(now - session.started_at) if session.started_at else 0


def energy_kwh(session: Session, now: datetime) -> Decimal:
    """Energy delivered until now."""
    return physics.energy_kwh(session.profile, elapsed_us(session, now))


def power_kw(session: Session, now: datetime) -> Decimal:
    """Power at this moment."""
    if session.started_at is None or session.status not in (CHARGING, STOPPING):
        return Decimal(0)
    segment = physics.running(session.profile, elapsed_us(session, now))
    return segment.power_kw if segment else Decimal(0)


def duration_s(session: Session, now: datetime) -> int:
    """Whole seconds of connection since the start, until completion."""
    if session.started_at is None:
        return 0
    return int(((session.completed_at or now) - session.started_at) // seconds(1))


def cost(session: Session, now: datetime) -> Decimal:
    """What the session costs until now, by the fee structure it started with; nothing before it began."""
    if session.started_at is None:
        return Decimal("0.00")
    return physics.cost(session.fee, energy_kwh=energy_kwh(session, now), duration_s=duration_s(session, now))


def read(session: Session, now: datetime) -> dict[str, Any]:
    """`GET session/{id}`: what the vendor knows, which is old news while the station is offline."""
    if session.view is not None:
        return session.view
    reason = {"statusReason": session.status_reason} if session.status_reason else {}
    return {
        "sessionID": session.session_id,
        "stationId": session.station_id,
        "status": session.status,
        **reason,
        "cost": cost(session, now),
        "currency": session.fee.currency,
        "energy": energy_kwh(session, now),
        "power": power_kw(session, now),
        "duration": duration_s(session, now),
        "startedAt": iso(session.started_at),
        "updatedAt": iso(session.completed_at or now),
        "chargingEndedAt": iso(session.charging_ended_at),
        "completedAt": iso(session.completed_at),
        "endReason": session.end_reason,
        "externalReference": session.external_reference,
    }


def ledger_entry(session: Session, now: datetime) -> dict[str, Any]:
    """What really happened, offline or not, told or not."""
    return {
        "sessionID": session.session_id,
        "environment": session.environment,
        "stationId": session.station_id,
        "connectorId": session.connector_id,
        "source": session.source,
        "externalReference": session.external_reference,
        "status": session.status,
        "requestedAt": iso(session.requested_at),
        "startedAt": iso(session.started_at),
        "chargingEndedAt": iso(session.charging_ended_at),
        "completedAt": iso(session.completed_at),
        "energy": energy_kwh(session, now),
        "power": power_kw(session, now),
        "duration": duration_s(session, now),
        "cost": cost(session, now),
        "currency": session.fee.currency,
        "feeId": session.fee.fee_id,
        "endReason": session.end_reason,
        "replyLost": session.reply_lost,
        "webhooks": session.webhooks,
    }
