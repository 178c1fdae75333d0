"""The vendor's exceptions (alarms): raised, cleared, listed, and posted to the URL that each key registered."""

import secrets
from datetime import datetime
from typing import Any

from sandbox.clock import iso
from sandbox.model import Alarm
from sandbox.world import World

SEVERITIES = {"stationOffline": "critical", "connectorFaulted": "critical", "sessionInterrupted": "error"}


def open_alarm(
    world: World,
    *,
    environment: str,
    type: str,
    station_id: str,
    message: str,
    now: datetime,
    connector_id: int | None = None,
    session_id: str | None = None,
    error_code: str | None = None,
    momentary: bool = False,
) -> Alarm:
    """Record and post an exception. A momentary one (something failed once) is cleared as it is opened."""
    alarm = Alarm(
        alarm_id=f"exc_{secrets.token_hex(6)}",
        sequence=len(world.alarms) + 1,
        environment=environment,
        type=type,
        severity=SEVERITIES.get(type, "warning"),
        station_id=station_id,
        connector_id=connector_id,
        session_id=session_id,
        error_code=error_code,
        message=message,
        started_at=now,
        cleared_at=now if momentary else None,
    )
    world.put(alarm)
    _post(world, alarm)
    return alarm


def clear(world: World, alarm: Alarm, now: datetime) -> None:
    """Close it and post it again. Nothing happens to one that is closed already."""
    if alarm.cleared_at is None:
        alarm.cleared_at = now
        world.touch(alarm)
        _post(world, alarm)


def clear_where(
    world: World, *, environment: str, station_id: str, type: str, connector_id: int | None, now: datetime
) -> None:
    """Close the open exceptions of that type at a station, or at one connector of it."""
    for alarm in list(world.alarms.values()):
        same_place = (alarm.environment, alarm.station_id, alarm.type) == (environment, station_id, type)
        if same_place and connector_id in (None, alarm.connector_id):
            clear(world, alarm, now)


def listing(
    world: World, *, environment: str, since: datetime | None, after: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of those opened or cleared at or after `since`, in order of opening, and the next cursor."""
    found = [
        alarm
        for alarm in world.alarms.values()
        if alarm.environment == environment and alarm.sequence > after and (since is None or _moved_since(alarm, since))
    ]
    page = found[: world.settings.page_rows]
    return [document(alarm) for alarm in page], page[-1].sequence if len(found) > len(page) else None


def document(alarm: Alarm) -> dict[str, Any]:
    """The exception as the contract spells it."""
    return {
        "exceptionId": alarm.alarm_id,
        "type": alarm.type,
        "severity": alarm.severity,
        "stationId": alarm.station_id,
        "connectorId": alarm.connector_id,
        "sessionID": alarm.session_id,
        "errorCode": alarm.error_code,
        "message": alarm.message,
        "startedAt": iso(alarm.started_at),
        "clearedAt": iso(alarm.cleared_at),
    }


def _moved_since(alarm: Alarm, since: datetime) -> bool:
    return alarm.started_at >= since or (alarm.cleared_at is not None and alarm.cleared_at >= since)


def _post(world: World, alarm: Alarm) -> None:
    for key in world.keys.values():
        if key.environment == alarm.environment:
            world.sender.send("exception", key.exception_url, document(alarm), alarm)
