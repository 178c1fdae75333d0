"""Commands to stations as jobs that take business time: queued, run, finished with a result per station and command."""

import secrets
from datetime import datetime
from typing import Any

from sandbox import exceptions
from sandbox.clock import iso, seconds
from sandbox.model import Job, Station
from sandbox.world import World

COMMANDS = ("tariffId", "priorityStatus", "setMessage")
SENTENCES = {
    "offline": "The station is not connected.",
    "rejected": "The station rejected the command.",
    "timeout": "The station did not answer in time.",
    "notSupported": "The station does not support the command.",
}


def request(
    world: World,
    *,
    environment: str,
    station_ids: list[str],
    commands: dict[str, str],
    now: datetime,
    source: str = "api",
    webhook_url: str | None = None,
    reply_lost: bool = False,
) -> Job:
    """Queue a job. Stations and commands must have been checked."""
    job = Job(
        job_id=f"job_{secrets.token_hex(6)}",
        sequence=len(world.jobs) + 1,
        environment=environment,
        source=source,
        station_ids=station_ids,
        commands=commands,
        created_at=now,
        finishes_at=now + seconds(world.random.uniform(world.settings.job_min_s, world.settings.job_max_s)),
        webhook_url=webhook_url,
        reply_lost=reply_lost,
    )
    world.put(job)
    schedule(world, job, now)
    return job


def schedule(world: World, job: Job, now: datetime) -> None:
    """Put an unfinished job on the timetable."""
    if job.finished_at is None:
        world.schedule(now, begin, job.job_id)
        world.schedule(job.finishes_at, finish, job.job_id)


def begin(world: World, job_id: str, now: datetime) -> None:
    """The vendor takes the job up; an event."""
    job = world.jobs.get(job_id)
    if job and job.status == "queued":
        job.status = "running"
        world.touch(job)


def finish(world: World, job_id: str, now: datetime) -> None:
    """Give the commands to the stations, note each result and post the job; an event."""
    job = world.jobs.get(job_id)
    if job is None or job.finished_at is not None:
        return
    for station_id in job.station_ids:
        station = world.stations[job.environment, station_id]
        error = "offline" if station.offline_at else world.faults.job(station_id)
        for command, value in job.commands.items():
            _settle(world, job, station, command, value, error, now)
    failures = sum(result["status"] == "failed" for result in job.results)
    job.status = "succeeded" if not failures else "failed" if failures == len(job.results) else "partiallyFailed"
    job.finished_at = now
    world.touch(job)
    world.sender.send("job", job.webhook_url, document(job), job)


def _settle(
    world: World, job: Job, station: Station, command: str, value: str, error: str | None, now: datetime
) -> None:
    result: dict[str, Any] = {"stationId": station.station_id, "command": command, "status": "succeeded", "error": None}
    if error:
        message = SENTENCES.get(error, "The command failed.")
        result |= {"status": "failed", "error": {"code": error, "message": message}}
        exceptions.open_alarm(
            world,
            environment=station.environment,
            type="commandFailed",
            station_id=station.station_id,
            error_code=error,
            message=f"{command}: {message}",
            now=now,
            momentary=True,
        )
    elif command == "tariffId":
        station.fee_id = value
    elif command == "priorityStatus":
        station.priority_status = value
    else:
        station.message = value
    world.touch(station)
    job.results.append(result)


def document(job: Job) -> dict[str, Any]:
    """The job as the contract spells it."""
    return {
        "jobId": job.job_id,
        "createdAt": iso(job.created_at),
        "finishedAt": iso(job.finished_at),
        "source": job.source,
        "stationIds": job.station_ids,
        **job.commands,
        "status": job.status,
        "results": job.results,
    }


def ledger_entry(job: Job) -> dict[str, Any]:
    """What really happened to it."""
    extra = {"environment": job.environment, "replyLost": job.reply_lost, "webhooks": job.webhooks}
    return {**document(job), **extra}


def history(
    world: World, *, environment: str, since: datetime | None, after: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of the jobs created at or after `since`, oldest first, and the next cursor."""
    found = [
        job
        for job in world.jobs.values()
        if job.environment == environment and job.sequence > after and (since is None or job.created_at >= since)
    ]
    page = found[: world.settings.page_rows]
    return [document(job) for job in page], page[-1].sequence if len(found) > len(page) else None
