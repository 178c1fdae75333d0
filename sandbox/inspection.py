"""The routes under `/_sandbox/` that only look: state, ledger, arrivals and the lists as CSV. One function each."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox import bays, builder, history, jobs, readings
from sandbox.clock import iso
from sandbox.limiter import NS_PER_S, max_in_any_window
from sandbox.model import PRODUCTION, Connector, Station
from sandbox.wire import Answer, Request
from sandbox.world import World


def healthz(world: World, request: Request, now: datetime) -> Any:
    """That it runs, and which world."""
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
                "stations": [station_state(world, station, now) for station in stations],
            }
        )
    return {**healthz(world, request, now), "bornAt": iso(world.born_at), "sites": sites}


def station_state(world: World, station: Station, now: datetime) -> dict[str, Any]:
    """A station as it truly stands, with its connectors."""
    return {
        "stationId": station.station_id,
        "name": station.name,
        "level": station.level,
        "rated_kw": station.rated_kw,
        "tariffId": station.fee_id,
        "priorityStatus": station.priority_status,
        "message": station.message,
        "offline": station.offline_at is not None,
        "connectors": [connector_state(world, station, connector, now) for connector in station.connectors],
    }


def connector_state(world: World, station: Station, connector: Connector, now: datetime) -> dict[str, Any]:
    """A connector with its car and its open session."""
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
    """The stations of an environment with their sites, as somebody would type them from the portal."""
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
    """The fee structures."""
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
