"""The routes under `/_sandbox/`: look into the world and move it by hand. JSON, no key; each route is one function."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sandbox import api, bays, builder, demo, drivers, history, jobs, readings, sessions
from sandbox.clock import iso
from sandbox.limiter import NS_PER_S, max_in_any_window
from sandbox.model import PRODUCTION, Connector, Station
from sandbox.wire import Answer, Request, error, reply
from sandbox.world import World

Route = Callable[[World, Request, datetime], Any]


def answer(world: World, request: Request) -> Answer:
    """Serve one control call. A page of another origin may not move the world."""
    origin = request.headers.get("origin")
    if request.method == "POST" and origin and origin.partition("://")[2] != request.headers.get("host"):
        return error(403, "forbidden", "Other pages may not control the sandbox.")
    route = ROUTES.get((request.method, request.path.removeprefix("/_sandbox/").strip("/")))
    if route is None:
        return error(404, "notFound", f"There is no {request.method} {request.path}.")
    try:
        with world.turn() as now:
            result = route(world, request, now)
    except bays.Impossible as problem:
        return error(409, "impossible", str(problem))
    except sessions.Refused as problem:
        return error(problem.status, problem.code, problem.message)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as problem:
        return error(400, "invalid", f"{type(problem).__name__}: {problem}")
    if request.form:
        return Answer(303, b"", headers={"Location": "/"})
    return result if isinstance(result, Answer) else reply(200, result)


def healthz(world: World, request: Request, now: datetime) -> Any:
    return {"status": "ok", "now": iso(now), "world": world.name, "seed": world.seed, "speed": world.clock.speed}


def state(world: World, request: Request, now: datetime) -> Any:
    """Sites, stations, connectors with car and open session, as of now."""
    sites = []
    for site in world.sites.values():
        stations = [
            s for s in world.stations.values() if (s.environment, s.site_id) == (site.environment, site.site_id)
        ]
        sites.append(
            {
                "siteId": site.site_id,
                "name": site.name,
                "environment": site.environment,
                "timezone": site.timezone,
                "stations": [_station_state(world, station, now) for station in stations],
            }
        )
    return {**healthz(world, request, now), "bornAt": iso(world.born_at), "sites": sites}


def _station_state(world: World, station: Station, now: datetime) -> dict[str, Any]:
    return {
        "stationId": station.station_id,
        "name": station.name,
        "level": station.level,
        "rated_kw": station.rated_kw,
        "tariffId": station.fee_id,
        "priorityStatus": station.priority_status,
        "message": station.message,
        "offline": station.offline_at is not None,
        "connectors": [_connector_state(world, station, connector, now) for connector in station.connectors],
    }


def _connector_state(world: World, station: Station, connector: Connector, now: datetime) -> dict[str, Any]:
    session = world.sessions.get(connector.session_id or "")
    car = connector.car
    return {
        "connectorId": connector.number,
        "state": bays.state_of(world, station, connector),
        "errorCode": connector.fault_code,
        "car": car and {"name": car.vehicle.name, "pluggedAt": iso(car.plugged_at), "leavesAt": iso(car.leaves_at)},
        "session": session and readings.ledger_entry(session, now),
    }


def ledger(world: World, request: Request, now: datetime) -> Any:
    """What really happened, for comparison with what was told."""
    requests = {
        key: {"accepted": limiter.accepted, "refused_429": limiter.refused} for key, limiter in world.limiters.items()
    }
    return {
        "now": iso(now),
        "sessions": [readings.ledger_entry(session, now) for session in world.sessions.values()],
        "jobs": [jobs.ledger_entry(job) for job in world.jobs.values()],
        "exceptions": [builder.alarm_entry(alarm) for alarm in world.alarms.values()],
        "requests": requests,
    }


def arrivals(world: World, request: Request, now: datetime) -> Any:
    """When requests with a key arrived, by the wall clock."""
    limiter = world.limiters[request.query["key"]]
    arrivals_ns, accepted_ns = limiter.snapshot()
    return {
        "arrivals": [stamp_ns / NS_PER_S for stamp_ns in arrivals_ns],
        "accepted_ns": accepted_ns,
        "accepted": limiter.accepted,
        "refused_429": limiter.refused,
        "max_in_any_window": max_in_any_window(accepted_ns, limiter.window_ns),
        "limit": limiter.limit,
        "window_s": limiter.window_ns / NS_PER_S,
    }


def stations_csv(world: World, request: Request, now: datetime) -> Answer:
    environment = request.query.get("environment", PRODUCTION)
    head = "site,timezone,currency,latitude,longitude,grid_limit_kw,station,name,level,connectors,rated_kw"
    rows = []
    for station in world.stations.values():
        if station.environment == environment:
            site = world.sites[environment, station.site_id]
            where = (site.name, site.timezone, site.currency, site.latitude, site.longitude, site.grid_limit_kw)
            what = (station.station_id, station.name, station.level, len(station.connectors), station.rated_kw)
            rows.append((*where, *what))
    return _csv(head, rows)


def tariffs_csv(world: World, request: Request, now: datetime) -> Answer:
    head = "fee_id,name,currency,price_per_kwh,price_per_minute,price_per_start"
    rows = (
        (fee.fee_id, fee.name, fee.currency, fee.price_per_kwh, fee.price_per_minute, fee.price_per_start)
        for fee in world.fees.values()
    )
    return _csv(head, rows)


def _csv(head: str, rows: Iterable[tuple[Any, ...]]) -> Answer:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head.split(","), *rows])
    return Answer(200, text.getvalue().encode(), "text/csv; charset=utf-8")


def history_csv(world: World, request: Request, now: datetime) -> Answer:
    """The demo world's past sessions, deterministic by seed."""
    pasts = history.sessions(world, int(request.query.get("days", "90")))
    return Answer(200, history.to_csv(pasts), "text/csv; charset=utf-8")


def reset(world: World, request: Request, now: datetime) -> Any:
    """Another world, or the same one from its beginning."""
    body = request.json or {}
    name = body.get("world", world.name)
    if name not in demo.WORLDS:
        raise ValueError(f"world is one of {', '.join(demo.WORLDS)}.")
    demo.build(world, seed=int(body.get("seed", world.seed)), name=name)
    drivers.populate(world)
    return healthz(world, request, world.clock.now())


def put_keys(world: World, request: Request, now: datetime) -> Any:
    return {"keys": [builder.key(world, line) for line in builder.lines(request.json, "keys")]}


def exception_webhook(world: World, request: Request, now: datetime) -> Any:
    """What an operator enters in the portal: where exceptions of this key's account go; an empty url ends it."""
    key = world.keys[request.json["key"]]
    key.exception_url = request.json.get("url") or None
    world.touch(key)
    return {"key": key.key, "url": key.exception_url}


def put_sites(world: World, request: Request, now: datetime) -> Any:
    return {"sites": [builder.site(world, line) for line in builder.lines(request.json, "sites")]}


def put_stations(world: World, request: Request, now: datetime) -> Any:
    return {"stations": [builder.station(world, line) for line in builder.lines(request.json, "stations")]}


def put_fees(world: World, request: Request, now: datetime) -> Any:
    return {"fees": [builder.fee(world, line) for line in builder.lines(request.json, "fees")]}


def plug(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    bays.plug(world, station, number, builder.car(world, station, request.json, now), now)
    return _connector_state(world, station, station.connectors[number - 1], now)


def unplug(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    bays.unplug(world, station, number, now)
    return _connector_state(world, station, station.connectors[number - 1], now)


def rfid(world: World, request: Request, now: datetime) -> Any:
    """A session that somebody else starts, with a card at the charger."""
    station, number = _bay(world, request.json)
    session = sessions.start(world, station=station, connector_id=number, now=now, source="rfid")
    return readings.ledger_entry(session, now)


def break_(world: World, request: Request, now: datetime) -> Any:
    station = _station(world, request.json)
    kind, number = request.json.get("kind", "faulted"), request.json.get("connectorId")
    if kind == "offline":
        bays.go_offline(world, station, now)
    elif kind == "faulted":
        code = request.json.get("errorCode") or "GroundFailure"
        bays.fault(world, station, None if number is None else int(number), str(code), now)
    else:
        raise ValueError("kind is offline or faulted.")
    return _station_state(world, station, now)


def repair(world: World, request: Request, now: datetime) -> Any:
    station = _station(world, request.json)
    number = request.json.get("connectorId")
    bays.repair(world, station, None if number is None else int(number), now)
    return _station_state(world, station, now)


def withhold(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    for_s = request.json.get("for_s")
    bays.withhold(world, station, number, now, None if for_s is None else float(for_s))
    return _connector_state(world, station, station.connectors[number - 1], now)


def release(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    bays.release(world, station, number, now)
    return _connector_state(world, station, station.connectors[number - 1], now)


def portal_job(world: World, request: Request, now: datetime) -> Any:
    """A command that somebody gives in the vendor's portal; it shows in the history with source `portal`."""
    environment = request.json.get("environment", PRODUCTION)
    station_ids = [bays.find(world, environment, name).station_id for name in request.json["stationIds"]]
    commands = api.commands(world, request.json)
    job = jobs.request(
        world, environment=environment, station_ids=station_ids, commands=commands, now=now, source="portal"
    )
    return jobs.ledger_entry(job)


def put_faults(world: World, request: Request, now: datetime) -> Any:
    world.faults.change(builder.fault_order(request.json) if request.form else request.json)
    return world.faults.describe()


def get_faults(world: World, request: Request, now: datetime) -> Any:
    return world.faults.describe()


def get_clock(world: World, request: Request, now: datetime) -> Any:
    return {"now": iso(now), "speed": world.clock.speed}


def put_clock(world: World, request: Request, now: datetime) -> Any:
    speed = request.json.get("speed")
    advance_s = float(request.json.get("advance_s", 0))
    now = world.clock.change(speed=None if speed is None else float(speed), advance_s=advance_s)
    world.wake()
    return get_clock(world, request, now)


def settings(world: World, request: Request, now: datetime) -> Any:
    return builder.settings(world, request.json or {})


def _station(world: World, body: dict[str, Any]) -> Station:
    return bays.find(world, body.get("environment", PRODUCTION), body["stationId"])


def _bay(world: World, body: dict[str, Any]) -> tuple[Station, int]:
    station = _station(world, body)
    return station, bays.connector_of(station, int(body.get("connectorId") or 1)).number


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "healthz"): healthz,
    ("GET", "state"): state,
    ("GET", "ledger"): ledger,
    ("GET", "arrivals"): arrivals,
    ("GET", "stations.csv"): stations_csv,
    ("GET", "tariffs.csv"): tariffs_csv,
    ("GET", "history.csv"): history_csv,
    ("GET", "faults"): get_faults,
    ("GET", "clock"): get_clock,
    ("GET", "settings"): settings,
    ("POST", "reset"): reset,
    ("POST", "keys"): put_keys,
    ("POST", "exception-webhook"): exception_webhook,
    ("POST", "sites"): put_sites,
    ("POST", "stations"): put_stations,
    ("POST", "fees"): put_fees,
    ("POST", "plug"): plug,
    ("POST", "unplug"): unplug,
    ("POST", "rfid"): rfid,
    ("POST", "break"): break_,
    ("POST", "repair"): repair,
    ("POST", "withhold"): withhold,
    ("POST", "release"): release,
    ("POST", "portal-job"): portal_job,
    ("POST", "faults"): put_faults,
    ("POST", "clock"): put_clock,
    ("POST", "settings"): settings,
}
