"""Cars, cables and broken chargers: plug, unplug, break, repair, withhold.

What a session makes of it is in `sessions`.
"""

from datetime import datetime

from sandbox import exceptions, physics, readings, sessions
from sandbox.clock import seconds
from sandbox.model import AVAILABLE, CHARGING, ENDED, SUSPENDED, Car, Connector, Session, Station
from sandbox.world import World

A_YEAR_US = 366 * 24 * 3600 * physics.US_PER_S


class Impossible(Exception):
    """Cannot be done in this world now; the sentence says why."""


def find(world: World, environment: str, station_id: str) -> Station:
    """A station, or Impossible."""
    station = world.stations.get((environment, station_id))
    if station is None:
        raise Impossible(f"There is no station {station_id!r} in {environment}.")
    return station


def connector_of(station: Station, number: int) -> Connector:
    """A connector by its number from 1, or Impossible."""
    if not 1 <= number <= len(station.connectors):
        raise Impossible(f"Station {station.station_id} has no connector {number}.")
    return station.connectors[number - 1]


def plug(world: World, station: Station, number: int, car: Car, now: datetime) -> None:
    """Put a car's cable in. A pending session there begins."""
    connector = connector_of(station, number)
    if connector.car is not None:
        raise Impossible(f"A car stands at connector {number} of {station.station_id} already; unplug it first.")
    connector.car = car
    world.touch(station)
    if car.leaves_at:
        world.schedule(car.leaves_at, sessions.leave, sessions.bay_name(station, number))
    if connector.session_id:
        sessions.meet(world, world.sessions[connector.session_id], now)


def unplug(world: World, station: Station, number: int, now: datetime) -> None:
    """Pull the cable: completes a session that had begun."""
    connector = connector_of(station, number)
    if connector.car is None:
        raise Impossible(f"No car stands at connector {number} of {station.station_id}; plug one in first.")
    sessions.depart(world, station, connector, now)


def go_offline(world: World, station: Station, now: datetime) -> None:
    """The vendor hears nothing more: charging goes on, readings grow old, completions wait."""
    if station.offline_at:
        return
    for session in at_station(world, station):
        session.view = readings.read(session, now) if session.started_at else None
        world.touch(session)
    station.offline_at = now
    world.touch(station)
    _raise_alarm(world, station, None, "stationOffline", None, "The station is not connected.", now)


def fault(world: World, station: Station, number: int | None, code: str, now: datetime) -> None:
    """One connector, or all of them, out of order: energy stops, waiting starts fail."""
    chosen = station.connectors if number is None else [connector_of(station, number)]
    for connector in chosen:
        if connector.fault_code is None:
            connector.fault_code = code
            world.touch(station)
            _raise_alarm(world, station, connector, "connectorFaulted", code, f"The charger reports {code}.", now)
            if connector.session_id:
                _interrupt(world, station, connector, code, now)


def _interrupt(world: World, station: Station, connector: Connector, code: str, now: datetime) -> None:
    session = world.sessions[connector.session_id or ""]
    had_begun = session.started_at is not None
    sessions.interrupt(world, session, now)
    kind = "sessionInterrupted" if had_begun else "sessionStartFailed"
    _raise_alarm(world, station, connector, kind, code, "The fault ended the session.", now, session=session)


def _raise_alarm(
    world: World,
    station: Station,
    connector: Connector | None,
    type: str,
    code: str | None,
    message: str,
    now: datetime,
    session: Session | None = None,
) -> None:
    exceptions.open_alarm(
        world,
        environment=station.environment,
        type=type,
        station_id=station.station_id,
        connector_id=connector.number if connector else None,
        session_id=session.session_id if session else None,
        error_code=code,
        message=message,
        now=now,
        momentary=session is not None,
    )


def repair(world: World, station: Station, number: int | None, now: datetime) -> None:
    """All well again at one connector, or at the whole station with its connection. News that waited goes out."""
    for connector in station.connectors:
        if connector.fault_code and number in (None, connector.number):
            connector.fault_code = None
            _clear(world, station, "connectorFaulted", connector.number, now)
    station.repairs_at = None
    world.touch(station)
    if number is None and station.offline_at:
        station.offline_at = None
        _clear(world, station, "stationOffline", None, now)
        _tell(world, station, now)


def _clear(world: World, station: Station, type: str, connector_id: int | None, now: datetime) -> None:
    exceptions.clear_where(
        world,
        environment=station.environment,
        station_id=station.station_id,
        type=type,
        connector_id=connector_id,
        now=now,
    )


def _tell(world: World, station: Station, now: datetime) -> None:
    for session in world.sessions.values():
        if (session.environment, session.station_id) == (station.environment, station.station_id) and session.view:
            session.view = None
            world.touch(session)
            if session.status in ENDED:
                sessions.notify(world, session)
    for session in at_station(world, station):
        sessions.meet(world, session, now)


def at_station(world: World, station: Station) -> list[Session]:
    """The open sessions of a station."""
    return [world.sessions[c.session_id] for c in station.connectors if c.session_id]


def withhold(world: World, station: Station, number: int, now: datetime, for_s: float | None = None) -> None:
    """The charger gives no energy for a while (SuspendedEVSE), or until `release`."""
    session = _charging(world, station, number)
    span_us = A_YEAR_US if for_s is None else round(for_s * physics.US_PER_S)
    session.profile = physics.pause(
        session.profile,
        at_us=readings.elapsed_us(session, now),
        for_us=span_us,
        activity=physics.SUSPENDED_EVSE,
    )
    sessions.advance(world, session.session_id, now)


def release(world: World, station: Station, number: int, now: datetime) -> None:
    """End what `withhold` began."""
    session = _charging(world, station, number)
    session.profile = physics.resume(session.profile, readings.elapsed_us(session, now))
    sessions.advance(world, session.session_id, now)


def _charging(world: World, station: Station, number: int) -> Session:
    connector = connector_of(station, number)
    session = world.sessions.get(connector.session_id or "")
    if session is None or session.status not in (CHARGING, SUSPENDED) or session.charging_ended_at:
        raise Impossible(f"No car charges at connector {number} of {station.station_id}.")
    return session


def state_of(world: World, station: Station, connector: Connector) -> str:
    """One word for a connector, as somebody who stands before it would say."""
    if connector.fault_code:
        return "faulted"
    if station.offline_at:
        return "offline"
    if connector.session_id:
        return world.sessions[connector.session_id].status
    if connector.car:
        return "preparing"
    return "available" if station.priority_status == AVAILABLE else "unavailable"


def repair_when_due(world: World, place: str, now: datetime) -> None:
    """Repair a station that the world itself broke, when its time has come; an event."""
    environment, _, station_id = place.partition("/")
    station = world.stations.get((environment, station_id))
    if station and station.repairs_at and now >= station.repairs_at:
        repair(world, station, None, now)


def break_for_a_while(
    world: World, station: Station, *, kind: str, number: int | None, code: str, for_s: float, now: datetime
) -> None:
    """Trouble that mends itself after `for_s` business seconds."""
    if kind == "offline":
        go_offline(world, station, now)
    else:
        fault(world, station, number, code, now)
    station.repairs_at = now + seconds(for_s)
    world.touch(station)
    world.schedule(station.repairs_at, repair_when_due, f"{station.environment}/{station.station_id}")
