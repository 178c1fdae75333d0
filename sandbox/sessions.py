"""The life of a charging session once it is open: expire, charge, suspend, stop, complete.

How one is opened is in `starts`, cars and cables in `bays`, what flows when in `physics`, what can be read of it in
`readings`.
"""

from datetime import datetime, timedelta

from sandbox import physics, readings
from sandbox.clock import seconds
from sandbox.model import (
    CHARGING,
    COMPLETED,
    ENDED,
    EXPIRED,
    FAILED,
    PENDING,
    STOPPED,
    STOPPING,
    SUSPENDED,
    Car,
    Connector,
    Profile,
    Session,
    Station,
)
from sandbox.world import World

REMOTE, DISCONNECTED, TIMED_OUT, INTERRUPTED = "Remote", "EVDisconnected", "StartTimeout", "Faulted"


class Refused(Exception):
    """The vendor says no: HTTP status, error code, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def place(world: World, session: Session) -> tuple[Station, Connector]:
    """Where a session takes place."""
    station = world.stations[session.environment, session.station_id]
    return station, station.connectors[session.connector_id - 1]


def meet(world: World, session: Session, now: datetime) -> None:
    """Begin, at once or after the charger's handshake, if session and car are both there. Safe to call in vain."""
    station, connector = place(world, session)
    if session.status != PENDING or connector.car is None or station.offline_at or connector.fault_code:
        return
    # A planned stay counts from the accepted start, so nothing may lie between.
    delay_s = 0 if connector.car.plan else station.handshake_s
    session.begins_at = now + seconds(delay_s)
    world.touch(session)
    if delay_s:
        world.schedule(session.begins_at, advance, session.session_id)
    else:
        _begin(world, session, connector.car, station, now)


def _begin(world: World, session: Session, car: Car, station: Station, now: datetime) -> None:
    session.started_at = now
    session.profile = profile_for(car, station)
    if car.plan:
        car.leaves_at = now + timedelta(microseconds=round(car.plan.duration_s * physics.US_PER_S))
        world.schedule(car.leaves_at, leave, bay_name(station, session.connector_id))
        world.touch(station)
    _follow_profile(world, session, now)


def bay_name(station: Station, number: int) -> str:
    """A connector's name in the timetable."""
    return f"{station.environment}/{number}/{station.station_id}"


def leave(world: World, bay: str, now: datetime) -> None:
    """The car that stands at this connector unplugs if its time has come; an event."""
    environment, number, station_id = bay.split("/", 2)
    station = world.stations.get((environment, station_id))
    connector = station.connectors[int(number) - 1] if station else None
    if station and connector and connector.car and connector.car.leaves_at and now >= connector.car.leaves_at:
        depart(world, station, connector, now)


def depart(world: World, station: Station, connector: Connector, now: datetime) -> None:
    """The cable comes out; that completes a session that had begun."""
    connector.car = None
    world.touch(station)
    if connector.session_id:
        complete(world, world.sessions[connector.session_id], now)


def profile_for(car: Car, station: Station) -> Profile:
    """What this car will take from this station, pauses of its own included."""
    if car.plan:
        return physics.from_plan(car.plan)
    profile = physics.from_vehicle(car.vehicle, limit_kw=station.rated_kw, level=station.level)
    if car.declines_for_s:
        return physics.pause(
            profile,
            at_us=car.declines_after_s * physics.US_PER_S,
            for_us=car.declines_for_s * physics.US_PER_S,
            activity=physics.SUSPENDED_EV,
        )
    return profile


def advance(world: World, session_id: str, now: datetime) -> None:
    """Whatever is due for this session at `now`; an event."""
    session = world.sessions.get(session_id)
    if session is None or session.status in ENDED:
        return
    if session.status == PENDING:
        _advance_pending(world, session, now)
    elif session.status == STOPPING and session.stops_at and now >= session.stops_at:
        _confirm_stop(world, session, now)
    elif session.status in (CHARGING, SUSPENDED):
        _follow_profile(world, session, now)


def _advance_pending(world: World, session: Session, now: datetime) -> None:
    station, connector = place(world, session)
    if session.begins_at and now >= session.begins_at and connector.car and not station.offline_at:
        _begin(world, session, connector.car, station, now)
    elif now >= session.expires_at:
        finish(world, session, status=EXPIRED, reason=TIMED_OUT, now=now)


def _follow_profile(world: World, session: Session, now: datetime) -> None:
    began_at = session.started_at or now
    elapsed_us = readings.elapsed_us(session, now)
    segment = physics.running(session.profile, elapsed_us)
    if segment is None:
        session.status, session.status_reason = SUSPENDED, physics.SUSPENDED_EV
        session.charging_ended_at = began_at + timedelta(microseconds=physics.length_us(session.profile))
    elif segment.activity == physics.CHARGING:
        session.status, session.status_reason = CHARGING, None
    else:
        session.status, session.status_reason = SUSPENDED, segment.activity
    edge_us = physics.next_edge_us(session.profile, elapsed_us)
    if edge_us is not None:
        world.schedule(began_at + timedelta(microseconds=edge_us), advance, session.session_id)
    world.touch(session)


def stop(world: World, session: Session, now: datetime) -> bool:
    """Ask the charger to stop. False when there is nothing left to stop. Refused 422: it goes on."""
    if session.status in ENDED or session.status == STOPPED:
        return False
    station, _ = place(world, session)
    if station.offline_at:
        raise Refused(422, "offline", f"Station {station.station_id} is not connected; the session goes on.")
    if session.stops_at is None:
        session.stops_at = now + seconds(world.settings.stop_delay_s)
        session.status, session.status_reason = STOPPING, None
        world.touch(session)
        world.schedule(session.stops_at, advance, session.session_id)
    return True


def _confirm_stop(world: World, session: Session, now: datetime) -> None:
    if session.started_at is None:
        finish(world, session, status=FAILED, reason=REMOTE, now=now)
        return
    cut(session, now)
    session.status, session.end_reason = STOPPED, REMOTE
    world.touch(session)


def cut(session: Session, now: datetime) -> None:
    """No energy flows after `now`."""
    if session.started_at and session.charging_ended_at is None:
        session.profile, _ = physics.split(session.profile, readings.elapsed_us(session, now))
        session.charging_ended_at = now


def interrupt(world: World, session: Session, now: datetime) -> None:
    """The connector broke: energy stops, or a start that waited fails."""
    if session.started_at is None:
        finish(world, session, status=FAILED, reason=INTERRUPTED, now=now)
    elif session.status in (CHARGING, SUSPENDED, STOPPING):
        cut(session, now)
        session.status, session.status_reason, session.end_reason = STOPPED, None, INTERRUPTED
        world.touch(session)


def complete(world: World, session: Session, now: datetime) -> None:
    """The cable is out: totals are final. A pending session goes on waiting for a car until it expires."""
    if session.started_at is not None and session.status not in ENDED:
        cut(session, now)
        finish(world, session, status=COMPLETED, reason=session.end_reason or DISCONNECTED, now=now)


def finish(world: World, session: Session, *, status: str, reason: str, now: datetime) -> None:
    """It is over: the connector is free, and the one who started it is told."""
    session.status, session.status_reason, session.end_reason = status, None, reason
    session.completed_at = now
    station, connector = place(world, session)
    connector.session_id = None
    world.touch(session)
    world.touch(station)
    # An offline charger keeps the news to itself until it is back.
    if session.view is None:
        notify(world, session)


def notify(world: World, session: Session) -> None:
    """Send webhookOnSessionComplete."""
    reading = readings.read(session, session.completed_at or session.requested_at)
    names = ("sessionID", "stationId", "status", "cost", "currency", "energy", "duration")
    ends = ("startedAt", "completedAt", "endReason")
    world.sender.send("session", session.webhook_url, {name: reading[name] for name in names + ends}, session)
