"""The demo world's people: they plug in, ask the product's REST API or hold up a card, and leave. And small troubles.

What they are like is in `habits`. Asking goes over the network, so it is an errand outside the world's turn.
"""

import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import requests

from sandbox import bays, habits, sessions, starts
from sandbox.clock import seconds
from sandbox.model import PRODUCTION, Car, Connector, Station
from sandbox.world import World

FIRST_ARRIVALS, FIRST_WALL_S = 20, 90
CARD = "card"
CARD_SHARE = 0.15
MOST_ASKS = 8
TIMEOUT_WALL_S = 15
TROUBLE_EVERY_S = 2700
# A forecourt to play with is never quite asleep, not even at night.
LEAST_BUSY = 0.2
FAULT_CODES = ("GroundFailure", "OverCurrentFailure", "ConnectorLockFailure", "HighTemperature", "PowerMeterFailure")


def populate(world: World) -> None:
    """Set everybody on their way: in a young world at once, in a restarted one where they left off. Demo only."""
    if world.name != "demo":
        return
    now = world.clock.now()
    bays_here = [(s, c) for s in world.stations.values() if s.environment == PRODUCTION for c in s.connectors]
    young = not world.sessions and all(connector.car is None for _, connector in bays_here)
    early = world.random.sample(bays_here, FIRST_ARRIVALS) if young else []
    for station, connector in bays_here:
        bay = sessions.bay_name(station, connector.number)
        if (station, connector) in early:
            wait_s = world.random.uniform(1, FIRST_WALL_S) * max(world.clock.speed, 1)
            world.schedule(now + seconds(wait_s), partial(visit, staying=True), bay)
        else:
            _schedule_visit(world, station, bay, now)
        if connector.car and connector.car.driver and not connector.session_id:
            world.schedule(now + seconds(10), ask, bay)
    first_s = 30 * max(world.clock.speed, 1) if young else TROUBLE_EVERY_S
    world.schedule(now + seconds(first_s), trouble, "")


def _schedule_visit(world: World, station: Station, bay: str, after_at: datetime) -> None:
    zone = ZoneInfo(world.sites[station.environment, station.site_id].timezone)
    at = habits.next_arrival(world.random, after_at, zone, station, after_at + timedelta(days=7), least=LEAST_BUSY)
    world.schedule(at or after_at + timedelta(days=7), visit, bay)


def visit(world: World, bay: str, now: datetime, *, staying: bool = False) -> None:
    """A driver comes to this bay; plugs in if it is free and works. `staying`: has been here for a while. An event."""
    station, connector = _bay(world, bay)
    if connector.car or connector.session_id or connector.fault_code or station.offline_at:
        _schedule_visit(world, station, bay, now + timedelta(minutes=10))
        return
    stay_s = habits.stay_s(world.random, station.level)
    if staying:
        stay_s = max(240, round(stay_s * world.random.random()))
    by_card = world.random.random() < CARD_SHARE
    car = Car(
        vehicle=habits.vehicle(world.random, station.level),
        plan=None,
        plugged_at=now,
        leaves_at=now + seconds(stay_s),
        driver=CARD if by_card else f"app-{secrets.token_hex(4)}",
    )
    if world.random.random() < 0.1:
        car.declines_after_s, car.declines_for_s = world.random.randint(120, 900), world.random.randint(120, 600)
    bays.plug(world, station, connector.number, car, now)
    world.schedule(now + seconds(world.random.uniform(2, 15)), ask, bay)
    _schedule_visit(world, station, bay, now + seconds(stay_s + 60))


def ask(world: World, bay: str, now: datetime) -> None:
    """The driver wants the session to begin, again if need be; gives up at last. An event."""
    station, connector = _bay(world, bay)
    car = connector.car
    if car is None or car.driver is None or connector.session_id:
        return
    if car.asked >= MOST_ASKS:
        sessions.depart(world, station, connector, now)
        return
    car.asked += 1
    world.touch(station)
    api_url, api_key = os.environ.get("CHARGEHAND_API_URL"), os.environ.get("CHARGEHAND_API_KEY")
    if car.driver != CARD and api_url and api_key:
        body: dict[str, object] = {
            "station": station.station_id,
            "connector": connector.number,
            "reference": car.driver,
        }
        world.errands.put(partial(_ask_product, world, bay, f"{api_url.rstrip('/')}/api/v1/sessions", api_key, body))
        return
    try:
        starts.start(world, station=station, connector_id=connector.number, now=now, source="rfid")
    except sessions.Refused:
        world.schedule(now + seconds(60), ask, bay)


def _ask_product(world: World, bay: str, url: str, api_key: str, body: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {api_key}", "User-Agent": "eevion-sandbox-driver"}
    try:
        answer = requests.post(url, json=body, headers=headers, timeout=TIMEOUT_WALL_S, allow_redirects=False)
        accepted = answer.status_code in (200, 201, 202)
    except requests.RequestException:
        accepted = False
    with world.turn() as now:
        if bay.split("/", 2)[2] not in {station_id for _, station_id in world.stations}:
            return
        # Accepted is not begun: look again after the longest start limit, and ask with the same reference.
        patience_s = 330.0 if accepted else world.random.uniform(10, 40)
        world.schedule(now + seconds(patience_s), ask, bay)


def trouble(world: World, _: str, now: datetime) -> None:
    """Something small goes wrong somewhere, and the next time is set. An event."""
    world.schedule(now + seconds(max(60, world.random.expovariate(1 / TROUBLE_EVERY_S))), trouble, "")
    stations = [s for s in world.stations.values() if s.environment == PRODUCTION and not s.repairs_at]
    if stations:
        station = world.random.choice(stations)
        world.random.choice(TROUBLES)(world, station, now)


def _lose_connection(world: World, station: Station, now: datetime) -> None:
    bays.break_for_a_while(
        world, station, kind="offline", number=None, code="", for_s=world.random.uniform(180, 900), now=now
    )


def _fault(world: World, station: Station, now: datetime) -> None:
    number = world.random.choice(station.connectors).number
    code, for_s = world.random.choice(FAULT_CODES), world.random.uniform(300, 1500)
    bays.break_for_a_while(world, station, kind="faulted", number=number, code=code, for_s=for_s, now=now)


def _withhold(world: World, station: Station, now: datetime) -> None:
    for connector in station.connectors:
        try:
            bays.withhold(world, station, connector.number, now, world.random.uniform(120, 420))
        except bays.Impossible:
            continue


TROUBLES: tuple[Callable[[World, Station, datetime], None], ...] = (_lose_connection, _fault, _fault, _withhold)


def _bay(world: World, bay: str) -> tuple[Station, Connector]:
    environment, number, station_id = bay.split("/", 2)
    station = world.stations[environment, station_id]
    return station, station.connectors[int(number) - 1]
