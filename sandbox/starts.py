"""Opening a session: whether the station takes one, at which connector, and a charger that gives up at once."""

import secrets
from datetime import datetime

from sandbox import exceptions, sessions
from sandbox.clock import seconds
from sandbox.model import AVAILABLE, FAILED, Connector, Session, Station
from sandbox.sessions import Refused
from sandbox.world import World


def start(
    world: World,
    *,
    station: Station,
    now: datetime,
    connector_id: int | None = None,
    reference: str | None = None,
    webhook_url: str | None = None,
    source: str = "api",
    reply_lost: bool = False,
) -> Session:
    """Open a session at a free connector: the named one, else one with a car, else the lowest. Refused: 409, 422."""
    _check_service(station)
    connector = _choose(station, connector_id)
    if connector.fault_code:
        raise Refused(422, "faulted", f"Connector {connector.number} of {station.station_id} is out of order.")
    session = Session(
        session_id=f"ses_{secrets.token_hex(6)}",
        environment=station.environment,
        station_id=station.station_id,
        connector_id=connector.number,
        source=source,
        fee=world.fees[station.fee_id],
        requested_at=now,
        expires_at=now + seconds(station.start_limit_s),
        external_reference=reference,
        webhook_url=webhook_url,
        reply_lost=reply_lost,
    )
    connector.session_id = session.session_id
    world.put(session)
    world.touch(station)
    world.schedule(session.expires_at, sessions.advance, session.session_id)
    if world.faults.start_fails(station.station_id):
        _fail_start(world, session, now)
    else:
        sessions.meet(world, session, now)
    return session


def _check_service(station: Station) -> None:
    if station.offline_at:
        raise Refused(422, "offline", f"Station {station.station_id} is not connected.")
    if station.priority_status != AVAILABLE:
        raise Refused(422, "unavailable", f"Station {station.station_id} is set to {station.priority_status}.")


def _choose(station: Station, connector_id: int | None) -> Connector:
    if connector_id is not None:
        named = [connector for connector in station.connectors if connector.number == connector_id]
        if not named:
            raise Refused(400, "invalid", f"Station {station.station_id} has no connector {connector_id}.")
        if named[0].session_id:
            raise Refused(409, "inSession", f"Connector {connector_id} of {station.station_id} is in session.")
        return named[0]
    free = [connector for connector in station.connectors if not connector.session_id]
    if not free:
        raise Refused(409, "inSession", f"Station {station.station_id} is in session.")
    return min(free, key=lambda connector: (connector.fault_code is not None, connector.car is None, connector.number))


def _fail_start(world: World, session: Session, now: datetime) -> None:
    sessions.finish(world, session, status=FAILED, reason="StartFailed", now=now)
    exceptions.open_alarm(
        world,
        environment=session.environment,
        type="sessionStartFailed",
        station_id=session.station_id,
        connector_id=session.connector_id,
        session_id=session.session_id,
        message="The charger did not start the session.",
        now=now,
        momentary=True,
    )
