"""The calls of the contract, one function each: what is asked for is checked, the world does it, the answer is spelt.

Who may call, how often, and what goes wrong on the way is decided in `api`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox import exceptions, jobs, readings, reporting, sessions, starts
from sandbox.clock import parse
from sandbox.model import PRIORITY_STATUSES, Session, Station
from sandbox.sessions import Refused
from sandbox.wire import Request
from sandbox.world import World

LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request in its environment. `reply_lost`: the caller will not learn what happened."""

    world: World
    request: Request
    environment: str
    now: datetime
    reply_lost: bool
    name: str = ""


def start(call: Call) -> tuple[int, dict[str, Any]]:
    """`POST session`."""
    body = _object(call)
    connector_id = body.get("connectorId")
    if connector_id is not None and (not isinstance(connector_id, int) or isinstance(connector_id, bool)):
        raise Refused(400, "invalid", "connectorId must be a whole number.")
    session = starts.start(
        call.world,
        station=_station(call, _text(body, "stationId", required=True) or ""),
        now=call.now,
        connector_id=connector_id,
        reference=_text(body, "externalReference"),
        webhook_url=_url(body, "webhookOnSessionComplete"),
        reply_lost=call.reply_lost,
    )
    return 202, {"sessionID": session.session_id, "stationId": session.station_id, "status": "pending"}


def get(call: Call) -> tuple[int, dict[str, Any]]:
    """`GET session/{sessionID}`."""
    return 200, readings.read(_session(call), call.now)


def stop(call: Call) -> tuple[int, dict[str, Any]]:
    """`POST session/{sessionID}/stop`."""
    session = _session(call)
    going = sessions.stop(call.world, session, call.now)
    return 202 if going else 200, {"sessionID": session.session_id, "status": session.status}


def manage(call: Call) -> tuple[int, dict[str, Any]]:
    """`POST stations/manage`."""
    body = _object(call)
    station_ids = body.get("stationIds")
    if not isinstance(station_ids, list) or not station_ids or not all(isinstance(i, str) for i in station_ids):
        raise Refused(400, "invalid", "stationIds must be a list of station ids.")
    if len(station_ids) > call.world.settings.stations_per_manage:
        raise Refused(400, "invalid", f"At most {call.world.settings.stations_per_manage} stations in one call.")
    for station_id in station_ids:
        _station(call, station_id)
    job = jobs.request(
        call.world,
        environment=call.environment,
        station_ids=list(dict.fromkeys(station_ids)),
        commands=commands(call.world, body),
        now=call.now,
        webhook_url=_url(body, "webhookOnJobFinished"),
        reply_lost=call.reply_lost,
    )
    return 202, {"jobId": job.job_id, "status": job.status}


def commands(world: World, body: dict[str, Any]) -> dict[str, str]:
    """The commands of a manage body, checked. Refused 400 when one makes no sense or none is there, 422 for a fee
    structure that is not there: what was asked is well formed, and cannot be done."""
    found = {name: _text(body, name, empty=name == "setMessage") for name in jobs.COMMANDS if name in body}
    given = {name: value for name, value in found.items() if value is not None}
    if not given:
        raise Refused(400, "invalid", f"Give at least one of {', '.join(jobs.COMMANDS)}.")
    if given.get("priorityStatus", PRIORITY_STATUSES[0]) not in PRIORITY_STATUSES:
        raise Refused(400, "invalid", f"priorityStatus is one of {', '.join(PRIORITY_STATUSES)}.")
    if "tariffId" in given and given["tariffId"] not in world.fees:
        raise Refused(422, "rejected", f"There is no fee structure {given['tariffId']!r}.")
    return given


def history(call: Call) -> tuple[int, dict[str, Any]]:
    """`GET stations/manage/history`."""
    page, after = jobs.history(
        call.world, environment=call.environment, since=_time(call, "since"), after=_cursor(call)
    )
    return 200, {"jobs": page, "nextCursor": None if after is None else str(after)}


def list_exceptions(call: Call) -> tuple[int, dict[str, Any]]:
    """`GET exceptions`."""
    page, after = exceptions.listing(
        call.world, environment=call.environment, since=_time(call, "since"), after=_cursor(call)
    )
    return 200, {"exceptions": page, "nextCursor": None if after is None else str(after)}


def report(call: Call) -> tuple[int, dict[str, Any]]:
    """`GET reporting`."""
    query = call.request.query
    group_by, interval = query.get("groupBy", "station"), query.get("interval", "total")
    if group_by not in ("station", "site") or interval not in ("day", "total"):
        raise Refused(400, "invalid", "groupBy is station or site, interval is day or total.")
    try:
        period = reporting.Period.read(query.get("from"), query.get("to"), call.now)
    except ValueError as problem:
        raise Refused(400, "invalid", f"from and to are ISO dates or times: {problem}") from problem
    rows = reporting.rows(
        call.world, environment=call.environment, period=period, by_site=group_by == "site", by_day=interval == "day"
    )
    begin, size = _cursor(call), call.world.settings.page_rows
    more = len(rows) > begin + size
    return 200, {"rows": rows[begin : begin + size], "nextCursor": str(begin + size) if more else None}


def _object(call: Call) -> dict[str, Any]:
    if not isinstance(call.request.json, dict):
        raise Refused(400, "invalid", "The body must be a JSON object.")
    return call.request.json


def _text(body: dict[str, Any], name: str, *, required: bool = False, empty: bool = False) -> str | None:
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not (value or empty):
        raise Refused(400, "invalid", f"{name} must be a text of at most {LONGEST_TEXT} characters.")
    return value


def _url(body: dict[str, Any], name: str) -> str | None:
    url = _text(body, name)
    if url is not None and not url.startswith(("http://", "https://")):
        raise Refused(400, "invalid", f"{name} must be an http or https URL.")
    return url


def _station(call: Call, station_id: str) -> Station:
    station = call.world.stations.get((call.environment, station_id))
    if station is None:
        raise Refused(404, "notFound", f"There is no station {station_id!r}.")
    return station


def _session(call: Call) -> Session:
    session = call.world.sessions.get(call.name)
    if session is None or session.environment != call.environment:
        raise Refused(404, "notFound", f"There is no session {call.name!r}.")
    return session


def _time(call: Call, name: str) -> datetime | None:
    try:
        return parse(call.request.query[name]) if call.request.query.get(name) else None
    except ValueError as problem:
        raise Refused(400, "invalid", f"{name} must be an ISO time with an offset.") from problem


def _cursor(call: Call) -> int:
    cursor = call.request.query.get("cursor") or "0"
    if not cursor.isdecimal():
        raise Refused(400, "invalid", "This cursor was not issued here.")
    return int(cursor)
