"""Draws sites, stations and bays as HTML. Reads the world, changes nothing."""

from datetime import datetime
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

from sandbox import bays, readings
from sandbox.model import CHARGING, PRODUCTION, STAGING, Connector, Session, Site, Station
from sandbox.world import World

WORDS = {
    "available": "Free",
    "preparing": "Car waits",
    "pending": "Starting",
    "charging": "Charging",
    "suspended": "Suspended",
    "stopping": "Stopping",
    "stopped": "Done, cable in",
    "faulted": "Out of order",
    "offline": "Offline",
    "unavailable": "Closed",
}
# Colour + shape + word, never a dot alone: flash, half, pause, tick, cross, slash, ring.
SHAPES = {
    "charging": '<path d="M7.5 2.5 3.6 8h2.6L5.5 11.5 9.4 6H6.8z"/>',
    "preparing": '<path d="M6.5 2.5v8a4 4 0 0 1 0-8z"/>',
    "pending": '<path d="M6.5 2.5v8a4 4 0 0 1 0-8z"/>',
    "suspended": '<path d="M4 3.5h1.8v6H4zm3.2 0H9v6H7.2z"/>',
    "stopping": '<path d="M4 4h5v5H4z"/>',
    "stopped": '<path d="m3.2 6.6 1-1L5.8 7.200l3-3 1 1-4 4z"/>',
    "faulted": '<path d="M5.7 2.600h1.600v4.600H5.700zm0 5.600h1.600v1.600H5.700z"/>',
    "offline": '<path d="m9.2 2.8 1 1-6.4 6.4-1-1z"/>',
    "unavailable": '<path d="M3 5.700h7v1.600H3z"/>',
    "available": "",
}


def form(route: str, label: str, fields: dict[str, object], *, kind: str = "", spoken: str = "") -> str:
    """One button that posts to a control route."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(str(v))}">' for name, v in fields.items())
    name = f' aria-label="{escape(spoken)}"' if spoken else ""
    mark = escape("-".join(["b", route, *(str(value) for value in fields.values())]))
    return (
        f'<form method="post" action="/_sandbox/{route}">{inputs}'
        f'<button class="btn {kind}" id="{mark}"{name}>{label}</button></form>'
    )


def number(amount: Decimal, places: int, unit: str) -> str:
    """A figure with its unit, smaller and quiet."""
    return f'{amount:,.{places}f}<span class="unit">{unit}</span>'


def span(amount_s: int) -> str:
    """h:mm:ss or m:ss."""
    hours, rest = divmod(amount_s, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def sites(world: World, now: datetime) -> str:
    """All sites, or a word about an empty world."""
    if not world.stations:
        return (
            '<section class="card empty" data-live="empty"><h2>This world is empty</h2><p>Post stations to '
            "<code>/_sandbox/stations</code>, or make the demo world.</p>"
            + form("reset", "Make the demo world", {"world": "demo"}, kind="primary")
            + "</section>"
        )
    return "".join(_site(world, site, now) for site in world.sites.values())


def _site(world: World, site: Site, now: datetime) -> str:
    here = [s for s in world.stations.values() if (s.environment, s.site_id) == (site.environment, site.site_id)]
    sessions_here = [session for station in here for session in bays.at_station(world, station)]
    power_kw = sum((readings.power_kw(session, now) for session in sessions_here), Decimal(0))
    local = now.astimezone(ZoneInfo(site.timezone))
    staging = '<span class="tag">staging</span>' if site.environment == STAGING else ""
    stations = "".join(_station(world, station, now) for station in here)
    return f"""<section class="site" aria-label="{escape(site.name)}">
<header data-live="site-{site.environment}-{escape(site.site_id)}"><h2>{escape(site.name)}{staging}</h2>
<p>{local:%a %H:%M} <span class="quiet">{escape(site.timezone)}</span></p>
<p class="load"><b>{number(power_kw, 1, "kW")}</b> <span class="quiet">of {site.grid_limit_kw:g} kW</span></p>
{meter(power_kw / site.grid_limit_kw if site.grid_limit_kw else Decimal(0), "Load of the site's connection")}</header>
<div class="stations">{stations}</div></section>"""


def meter(share: Decimal, label: str) -> str:
    """A bar from 0 to 1; an SVG, because the policy forbids style attributes."""
    width = max(Decimal(0), min(Decimal(1), share)) * 100
    return (
        f'<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="{label}: '
        f'{width:.0f} %"><rect class="track" width="100" height="4"/><rect width="{width:.2f}" height="4"/></svg>'
    )


def _station(world: World, station: Station, now: datetime) -> str:
    bays_here = "".join(_bay(world, station, connector, now) for connector in station.connectors)
    wide = " wide" if len(station.connectors) > 1 else ""
    return f"""<article class="station{wide}" data-live="st-{station.environment}-{escape(station.station_id)}">
<header><h3>{escape(station.station_id)}</h3><p class="quiet">{station.rated_kw:g} kW · L{station.level} ·
{escape(station.name)}</p>{_station_tools(station)}</header>{_message(station)}
<div class="bays">{bays_here}</div></article>"""


def _station_tools(station: Station) -> str:
    target: dict[str, object] = {"stationId": station.station_id}
    if station.environment != PRODUCTION:
        target["environment"] = station.environment
    if station.offline_at or any(connector.fault_code for connector in station.connectors):
        return form("repair", "Repair", target, kind="sm", spoken=f"Repair {station.station_id}")
    tools = form("break", "Break all connectors", {**target, "kind": "faulted"}, kind="ghost sm") + form(
        "break", "Cut the connection", {**target, "kind": "offline"}, kind="ghost sm"
    )
    name = escape(station.station_id)
    return (
        f'<details class="menu"><summary id="m-{station.environment}-{name}" aria-label="Trouble at {name}">'
        '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="3.5" cy="8" r="1.4"/>'
        '<circle cx="8" cy="8" r="1.4"/><circle cx="12.5" cy="8" r="1.4"/></svg></summary>'
        f"<div>{tools}</div></details>"
    )


def _message(station: Station) -> str:
    notes = [station.message] if station.message else []
    if station.priority_status != "available":
        notes.insert(0, f"Set to {station.priority_status}")
    return f'<p class="note">{escape(" · ".join(notes))}</p>' if notes else ""


def _bay(world: World, station: Station, connector: Connector, now: datetime) -> str:
    state = bays.state_of(world, station, connector)
    session = world.sessions.get(connector.session_id or "")
    return f"""<div class="bay {state}">
<p class="state"><svg viewBox="0 0 13 13" width="16" height="16" aria-hidden="true"><rect x=".6" y=".6" width="11.8"
height="11.8" rx="3.4"/>{SHAPES[state]}</svg>{WORDS[state]}<span class="quiet">{connector.number}</span></p>
{_figures(connector, session, now)}
<div class="tools">{_bay_tools(station, connector, session)}</div></div>"""


def _figures(connector: Connector, session: Session | None, now: datetime) -> str:
    car = connector.car
    who = escape(car.vehicle.name) if car else "The car left"
    if session is None or session.started_at is None:
        if car is None:
            return f'<p class="detail">{escape(connector.fault_code or "")}</p>'
        detail = connector.fault_code or "waits for a start"
        return f'<p class="power">{who}</p><p class="detail">{detail}</p>{_battery(connector, None, now)}'
    energy_kwh, cost = readings.energy_kwh(session, now), readings.cost(session, now)
    power_kw = readings.power_kw(session, now)
    shown = number(power_kw, 1, "kW") if session.status == CHARGING else number(energy_kwh, 2, "kWh")
    rest = number(energy_kwh, 2, "kWh") if session.status == CHARGING else f"{who}"
    return (
        f'<p class="power">{shown}</p><p class="detail">{rest} · {session.fee.currency} {cost}<br>'
        f"{who if session.status == CHARGING else (session.status_reason or '')} "
        f"{span(readings.duration_s(session, now))}</p>{_battery(connector, session, now)}"
    )


def _battery(connector: Connector, session: Session | None, now: datetime) -> str:
    car = connector.car
    if car is None:
        return '<svg class="meter" viewBox="0 0 100 4" aria-hidden="true"></svg>'
    taken_kwh = readings.energy_kwh(session, now) if session else Decimal(0)
    if car.plan:
        return meter(taken_kwh / car.plan.energy_kwh if car.plan.energy_kwh else Decimal(1), "Share of the plan taken")
    return meter(car.vehicle.soc + taken_kwh / car.vehicle.capacity_kwh, "Battery")


def _bay_tools(station: Station, connector: Connector, session: Session | None) -> str:
    target: dict[str, object] = {"stationId": station.station_id, "connectorId": connector.number}
    if station.environment != PRODUCTION:
        target["environment"] = station.environment
    place = f"{station.station_id} connector {connector.number}"
    if connector.car is None:
        return form("plug", "Plug in", target, kind="sm", spoken=f"Plug a car in at {place}")
    tools = form("unplug", "Unplug", target, kind="sm", spoken=f"Unplug the car at {place}")
    working = not (connector.fault_code or station.offline_at or station.priority_status != "available")
    if session is None and working:
        tools += form("rfid", "Card", target, kind="ghost sm", spoken=f"Start with a card at {place}")
    elif session and session.status_reason == "SuspendedEVSE":
        tools += form("release", "Resume", target, kind="ghost sm", spoken=f"Resume at {place}")
    elif session and session.status == CHARGING:
        tools += form("withhold", "Pause", target, kind="ghost sm", spoken=f"Withhold energy at {place}")
    return tools
