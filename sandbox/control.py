"""The routes under `/_sandbox/` that move the world by hand; one function each. What only looks is in `inspection`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox import bays, builder, calls, demo, drivers, inspection, jobs, readings, sessions, starts
from sandbox.clock import iso
from sandbox.model import PRODUCTION, Station
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


def reset(world: World, request: Request, now: datetime) -> Any:
    """Another world, or the same one from its beginning."""
    body = request.json or {}
    name = body.get("world", world.name)
    if name not in demo.WORLDS:
        raise ValueError(f"world is one of {', '.join(demo.WORLDS)}.")
    demo.build(world, seed=int(body.get("seed", world.seed)), name=name)
    drivers.populate(world)
    return inspection.healthz(world, request, world.clock.now())


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
    return inspection.connector_state(world, station, station.connectors[number - 1], now)


def unplug(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    bays.unplug(world, station, number, now)
    return inspection.connector_state(world, station, station.connectors[number - 1], now)


def rfid(world: World, request: Request, now: datetime) -> Any:
    """A session that somebody else starts, with a card at the charger."""
    station, number = _bay(world, request.json)
    session = starts.start(world, station=station, connector_id=number, now=now, source="rfid")
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
    return inspection.station_state(world, station, now)


def repair(world: World, request: Request, now: datetime) -> Any:
    station = _station(world, request.json)
    number = request.json.get("connectorId")
    bays.repair(world, station, None if number is None else int(number), now)
    return inspection.station_state(world, station, now)


def withhold(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    for_s = request.json.get("for_s")
    bays.withhold(world, station, number, now, None if for_s is None else float(for_s))
    return inspection.connector_state(world, station, station.connectors[number - 1], now)


def release(world: World, request: Request, now: datetime) -> Any:
    station, number = _bay(world, request.json)
    bays.release(world, station, number, now)
    return inspection.connector_state(world, station, station.connectors[number - 1], now)


def portal_job(world: World, request: Request, now: datetime) -> Any:
    """A command that somebody gives in the vendor's portal; it shows in the history with source `portal`."""
    environment = request.json.get("environment", PRODUCTION)
    station_ids = [bays.find(world, environment, name).station_id for name in request.json["stationIds"]]
    commands = calls.commands(world, request.json)
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
    ("GET", "healthz"): inspection.healthz,
    ("GET", "state"): inspection.state,
    ("GET", "ledger"): inspection.ledger,
    ("GET", "arrivals"): inspection.arrivals,
    ("GET", "stations.csv"): inspection.stations_csv,
    ("GET", "tariffs.csv"): inspection.tariffs_csv,
    ("GET", "history.csv"): inspection.history_csv,
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
