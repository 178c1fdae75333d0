"""The vendor's door: keys, environments, the limit, the way to each call. The calls themselves are in `calls`.

Faults strike around the calls, never inside.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from sandbox import calls, exceptions
from sandbox.calls import Call
from sandbox.faults import Drawn
from sandbox.limiter import NS_PER_S
from sandbox.model import PRODUCTION, STAGING, Session
from sandbox.sessions import Refused
from sandbox.wire import Answer, Request, error, reply
from sandbox.world import World

NOTHING_HAPPENS = ("refuse", "error", "lostRequest")
ANSWER_GETS_LOST = ("errorAfter", "lostReply", "invalidJson", "cutOff")


Action = Callable[[Call], tuple[int, dict[str, Any]]]


def answer(world: World, request: Request) -> Answer:
    """Serve one contract call; any path that is not under `/_sandbox/`."""
    found = _route(request)
    key = world.keys.get(request.headers.get("x-api-key", ""))
    if key is None or key.revoked:
        return error(401, "unauthorized", "The API key is missing, unknown or revoked.")
    wait_ns = world.limiters[key.key].admit()
    if wait_ns is not None:
        refused = error(429, "rateLimited", f"More than {key.limit} requests in {key.window_s:g} s.")
        refused.headers["Retry-After"] = str(max(1, -(-wait_ns // NS_PER_S)))
        return refused
    environment = request.query.get("environment", PRODUCTION)
    if environment not in (PRODUCTION, STAGING):
        return error(400, "invalid", "environment is staging or absent.")
    if environment != key.environment:
        return error(403, "forbidden", f"This key belongs to {key.environment}.")
    if isinstance(found, Answer):
        return found
    endpoint, action, name = found
    return _under_faults(world, request, environment, endpoint, action, name)


def _under_faults(world: World, request: Request, environment: str, endpoint: str, action: Action, name: str) -> Answer:
    drawn = world.faults.answer(endpoint, _stations_of(world, request, name))
    if drawn.fault in NOTHING_HAPPENS:
        refused = _instead(world, drawn, environment, endpoint, name, request)
        refused.delay_s = drawn.slow_s
        with world.turn():
            pass  # a step of the script is used up, on disk too, before anybody hears of it
        return refused
    served = _act(world, request, environment, action, name, reply_lost=drawn.fault in ANSWER_GETS_LOST)
    served.delay_s = drawn.slow_s
    if drawn.fault == "errorAfter":
        return error(int(drawn.options["error_status"]), "internal", "Something went wrong here.")
    if drawn.fault not in (None, "slow"):
        served.manner = str(drawn.fault)
        served.drip_interval_s = float(drawn.options["drip_interval_s"])
    return served


def _act(world: World, request: Request, environment: str, action: Action, name: str, *, reply_lost: bool) -> Answer:
    try:
        with world.turn() as now:
            status, document = action(Call(world, request, environment, now, reply_lost, name))
            return reply(status, document)
    except Refused as refusal:
        return error(refusal.status, refusal.code, refusal.message)


def _instead(world: World, drawn: Drawn, environment: str, endpoint: str, name: str, request: Request) -> Answer:
    if drawn.fault == "lostRequest":
        return Answer(status=0, body=b"", manner="lostReply")
    if drawn.fault == "error":
        return error(int(drawn.options["error_status"]), "internal", "Something went wrong here.")
    by_charger = endpoint in ("session.start", "session.stop", "manage")
    status = int(drawn.options["refuse_status"] or (422 if by_charger else 400))
    if status == 422 and endpoint == "session.stop" and name in world.sessions:
        with world.turn() as now:
            _stop_failed(world, world.sessions[name], now)
    return error(status, "rejected" if by_charger else "invalid", "The request was refused.")


def _stop_failed(world: World, session: Session, now: datetime) -> None:
    exceptions.open_alarm(
        world,
        environment=session.environment,
        type="sessionStopFailed",
        station_id=session.station_id,
        connector_id=session.connector_id,
        session_id=session.session_id,
        message="The charger refused to stop the session.",
        now=now,
        momentary=True,
    )


def _stations_of(world: World, request: Request, name: str) -> list[str]:
    """The stations that a call is about, as far as it says."""
    if name:
        session = world.sessions.get(name)
        return [session.station_id] if session else []
    body = request.json if isinstance(request.json, dict) else {}
    many = body.get("stationIds")
    wanted = [body.get("stationId"), *(many if isinstance(many, list) else [])]
    return [station_id for station_id in wanted if isinstance(station_id, str)]


def _route(request: Request) -> tuple[str, Action, str] | Answer:
    # Taken apart first and decoded then: an id may hold a slash (%2F).
    parts = [unquote(part) for part in request.path.strip("/").split("/")]
    match request.method, *parts:
        case "POST", "session":
            return "session.start", calls.start, ""
        case "GET", "session", name:
            return "session.get", calls.get, name
        case "POST", "session", name, "stop":
            return "session.stop", calls.stop, name
        case "POST", "stations", "manage":
            return "manage", calls.manage, ""
        case "GET", "stations", "manage", "history":
            return "history", calls.history, ""
        case "GET", "reporting":
            return "reporting", calls.report, ""
        case "GET", "exceptions":
            return "exceptions", calls.list_exceptions, ""
    return error(404, "notFound", f"There is no {request.method} {request.path}.")
