"""Takes a world that was loaded from disk up again: timetable, open bays, webhooks that never went out."""

from sandbox import bays, jobs, sessions
from sandbox.model import ENDED, Session, Station
from sandbox.world import World


def resume(world: World) -> None:
    """Schedule everything that is due or still to come. What fell due while nobody ran, happens at its own time."""
    for station in world.stations.values():
        _resume_station(world, station)
    for session in world.sessions.values():
        _resume_session(world, session)
    for job in world.jobs.values():
        jobs.schedule(world, job, job.created_at)
        if job.finished_at and not job.webhooks:
            world.sender.send("job", job.webhook_url, jobs.document(job), job)


def _resume_station(world: World, station: Station) -> None:
    for connector in station.connectors:
        if connector.car and connector.car.leaves_at:
            bay = sessions.bay_name(station, connector.number)
            world.schedule(connector.car.leaves_at, sessions.leave, bay)
    if station.repairs_at:
        world.schedule(station.repairs_at, bays.repair_when_due, f"{station.environment}/{station.station_id}")


def _resume_session(world: World, session: Session) -> None:
    if session.status in ENDED:
        if not session.webhooks and session.view is None:
            sessions.notify(world, session)
        return
    # From its start on, a session finds its further turning points by itself.
    for due_at in (session.begins_at, session.started_at, session.stops_at, session.expires_at):
        if due_at:
            world.schedule(due_at, sessions.advance, session.session_id)
