"""Turns lines of control requests into records of the world, with defaults for what a test does not care about."""

from dataclasses import asdict, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox import exceptions
from sandbox.clock import seconds
from sandbox.model import (
    PRODUCTION,
    STAGING,
    Alarm,
    Car,
    Connector,
    Fee,
    Key,
    Plan,
    Settings,
    Site,
    Station,
    Vehicle,
)
from sandbox.world import World

DEFAULT_SITE = {"site": "Test site", "timezone": "America/Toronto"}
ORDINARY_CAR = Vehicle(Decimal(64), Decimal("0.35"), Decimal("11"), "Crossover")
ORDINARY_DC_CAR = Vehicle(Decimal(64), Decimal("0.35"), Decimal("125"), "Crossover")


def lines(body: Any, name: str) -> list[dict[str, Any]]:
    """A list, a list under its name, or a single line."""
    if isinstance(body, dict) and name in body:
        body = body[name]
    return body if isinstance(body, list) else [body]


def key(world: World, line: dict[str, Any]) -> dict[str, Any]:
    """Make or change an API key."""
    known = world.keys.get(line["key"])
    made = Key(
        key=str(line["key"]),
        environment=_environment(line),
        limit=int(line.get("limit", known.limit if known else 60)),
        window_s=float(line.get("window_s", known.window_s if known else 60)),
        exception_url=known.exception_url if known else None,
        revoked=bool(line.get("revoked", known.revoked if known else False)),
    )
    world.put(made)
    return {
        "key": made.key,
        "environment": made.environment,
        "limit": made.limit,
        "window_s": made.window_s,
        "revoked": made.revoked,
    }


def _environment(line: dict[str, Any]) -> str:
    environment = line.get("environment") or PRODUCTION
    if environment not in (PRODUCTION, STAGING):
        raise ValueError("environment is production or staging.")
    return str(environment)


def site(world: World, line: dict[str, Any]) -> dict[str, Any]:
    """Make or change a site; the columns of stations.csv, and optionally siteId and environment."""
    name = str(line.get("site") or line.get("name"))
    zone = str(line.get("timezone", "America/Toronto"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ValueError(f"There is no time zone {zone!r}.") from problem
    made = Site(
        environment=_environment(line),
        site_id=str(line.get("siteId") or "site_" + "_".join(name.lower().split())),
        name=name,
        timezone=zone,
        currency=str(line.get("currency", "CAD")),
        latitude=Decimal(str(line.get("latitude", "45.4215"))),
        longitude=Decimal(str(line.get("longitude", "-75.6972"))),
        grid_limit_kw=Decimal(str(line.get("grid_limit_kw", 500))),
    )
    world.put(made)
    return {"siteId": made.site_id, "name": made.name, "environment": made.environment}


def fee(world: World, line: dict[str, Any]) -> dict[str, Any]:
    """Make or change a fee structure; the columns of tariffs.csv. Sessions that run keep the old one."""
    prices = {
        name: Decimal(str(line.get(name, 0))) for name in ("price_per_kwh", "price_per_minute", "price_per_start")
    }
    made = Fee(str(line["fee_id"]), str(line.get("name", line["fee_id"])), str(line.get("currency", "CAD")), **prices)
    world.put(made)
    return asdict(made)


def station(world: World, line: dict[str, Any]) -> dict[str, Any]:
    """Make or change a station; the columns of stations.csv. `site` is a site's name or id; without it a test site."""
    environment = _environment(line)
    level = int(line.get("level", 2))
    station_id = str(line.get("station") or line["stationId"])
    known = world.stations.get((environment, station_id))
    made = Station(
        environment=environment,
        station_id=station_id,
        site_id=_site_id(world, environment, line.get("site") or line.get("siteId")),
        name=str(line.get("name", station_id)),
        level=level,
        rated_kw=Decimal(str(line.get("rated_kw", "7.2" if level == 2 else "50"))),
        fee_id=_fee_id(world, line.get("tariffId") or line.get("feeId"), level),
        connectors=[Connector(number) for number in range(1, int(line.get("connectors", 1)) + 1)],
        start_limit_s=int(line.get("start_limit_s", world.settings.start_limit_s)),
        handshake_s=int(line.get("handshake_s", 0)),
    )
    if known and any(connector.car or connector.session_id for connector in known.connectors):
        raise ValueError(f"{station_id} is in use; unplug its cars before changing it.")
    world.put(made)
    return {"stationId": station_id, "siteId": made.site_id, "environment": environment}


def _site_id(world: World, environment: str, wanted: Any) -> str:
    for known in world.sites.values():
        if known.environment == environment and wanted in (known.name, known.site_id):
            return known.site_id
    if wanted:
        raise ValueError(f"There is no site {wanted!r}; post it to sites first.")
    return str(site(world, {**DEFAULT_SITE, "environment": environment})["siteId"])


def _fee_id(world: World, wanted: Any, level: int) -> str:
    fee_id = str(wanted or ("fee_l2_public" if level == 2 else "fee_l3_public"))
    if fee_id not in world.fees:
        raise ValueError(f"There is no fee structure {fee_id!r}; post it to fees first.")
    return fee_id


def car(world: World, station: Station, line: dict[str, Any], now: datetime) -> Car:
    """The car of a plug request: a vehicle, or a plan, or an ordinary car. `leaves_after_s` is optional."""
    vehicle = ORDINARY_CAR if station.level == 2 else ORDINARY_DC_CAR
    given = line.get("vehicle") or {}
    named = {name: Decimal(str(given[name])) for name in ("capacity_kwh", "soc", "max_kw") if name in given}
    vehicle = replace(vehicle, name=str(given.get("name", vehicle.name)), **named)
    if not 0 <= vehicle.soc <= 1 or vehicle.capacity_kwh <= 0 or vehicle.max_kw <= 0:
        raise ValueError("A vehicle has soc in 0 to 1, and capacity_kwh and max_kw above 0.")
    leaves_after_s = line.get("leaves_after_s")
    return Car(
        vehicle=vehicle,
        plan=_plan(line["plan"]) if line.get("plan") else None,
        plugged_at=now,
        leaves_at=None if leaves_after_s is None else now + seconds(float(leaves_after_s)),
        declines_after_s=int(given.get("declines_after_s", 0)),
        declines_for_s=int(given.get("declines_for_s", 0)),
    )


def _plan(line: dict[str, Any]) -> Plan:
    duration_s = Decimal(str(line["duration_s"]))
    charging_s = min(duration_s, Decimal(str(line.get("charging_s", duration_s))))
    energy_kwh = Decimal(str(line["energy_kwh"]))
    if duration_s <= 0 or charging_s < 0 or energy_kwh < 0 or (charging_s == 0 and energy_kwh > 0):
        raise ValueError("A plan has energy_kwh of 0 or more over a duration_s above 0.")
    return Plan(energy_kwh, duration_s, charging_s)


def alarm_entry(alarm: Alarm) -> dict[str, Any]:
    """An exception in the ledger."""
    return {**exceptions.document(alarm), "environment": alarm.environment, "webhooks": alarm.webhooks}


def settings(world: World, body: dict[str, Any]) -> dict[str, Any]:
    """Change some settings, tell all."""
    kinds = {field.name: type(getattr(world.settings, field.name)) for field in fields(Settings)}
    changes = {name: kinds[name](value) for name, value in body.items()}
    if any(value < 0 for value in changes.values()):
        raise ValueError("Settings are numbers of 0 or more.")
    world.put(replace(world.settings, **changes))
    return asdict(world.settings)


def fault_order(form: dict[str, str]) -> dict[str, Any]:
    """The forecourt form: fields named `endpoint:fault` with percentages, or `clear`."""
    if "clear" in form:
        return {"clear": True}
    probabilities: dict[str, dict[str, float]] = {}
    for name, percent in form.items():
        place, _, fault = name.partition(":")
        probabilities.setdefault(place, {})[fault] = float(percent or 0) / 100
    return {"probabilities": probabilities}
