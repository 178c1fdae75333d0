"""The demo world's past: up to 90 days of sessions before its birth, the same for the same seed and day."""

import csv
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from sandbox import demo, habits, physics
from sandbox.clock import iso
from sandbox.model import PRODUCTION, Fee, Station
from sandbox.world import World

LONGEST_DAYS = 90
HEAD = (
    "session_id,station,connector,start_utc,end_utc,energy_kwh,charging_s,total_duration_s,"
    "cost,currency,reference,zone,port_type\n"
)
# Nobody starts before this local hour, and everybody has left before it: so no two stays meet over midnight.
DAY_BEGINS = time(5)
_made: dict[tuple[int, datetime], tuple["Past", ...]] = {}


@dataclass(frozen=True, slots=True)
class Past:
    """A completed session of long ago. Only these facts are left of it; `GET session` does not know it."""

    session_id: str
    station_id: str
    connector_id: int
    start_at: datetime
    end_at: datetime
    energy_kwh: Decimal
    charging_s: int
    total_duration_s: int
    cost: Decimal
    currency: str
    reference: str
    zone: str
    level: int


def sessions(world: World, days: int = LONGEST_DAYS) -> tuple[Past, ...]:
    """Those that ended in the `days` before the world was born, by end. Empty but for the demo world."""
    if world.name != "demo":
        return ()
    key = (world.seed, world.born_at)
    if key not in _made:
        _made.clear()
        _made[key] = _make(world)
    everything = _made[key]
    earliest_at = world.born_at - timedelta(days=min(days, LONGEST_DAYS))
    return everything if days >= LONGEST_DAYS else tuple(past for past in everything if past.end_at >= earliest_at)


def _make(world: World) -> tuple[Past, ...]:
    earliest_at = world.born_at - timedelta(days=LONGEST_DAYS)
    found: list[Past] = []
    for (environment, station_id), station in world.stations.items():
        if environment == PRODUCTION and station_id in demo.FOUNDING_FEES:
            zone_name = world.sites[PRODUCTION, station.site_id].timezone
            zone = ZoneInfo(zone_name)
            fee = world.fees[demo.FOUNDING_FEES[station_id]]
            first = earliest_at.astimezone(zone).date() - timedelta(days=1)
            for offset in range((world.born_at.astimezone(zone).date() - first).days + 1):
                for connector in range(1, len(station.connectors) + 1):
                    found += _day(world.seed, station, fee, zone_name, first + timedelta(days=offset), connector)
    kept = (past for past in found if earliest_at <= past.end_at < world.born_at)
    return tuple(sorted(kept, key=lambda past: (past.end_at, past.session_id)))


def _day(seed: int, station: Station, fee: Fee, zone_name: str, day: date, connector: int) -> Iterable[Past]:
    chance = random.Random(f"{seed}:{day}:{station.station_id}:{connector}")
    zone = ZoneInfo(zone_name)
    at = datetime.combine(day, DAY_BEGINS, zone).astimezone(UTC)
    closing_at = datetime.combine(day + timedelta(days=1), DAY_BEGINS, zone).astimezone(UTC) - timedelta(minutes=5)
    number = 0
    while (start_at := habits.next_arrival(chance, at, zone, station, closing_at)) is not None:
        stay_s = min(habits.stay_s(chance, station.level), int((closing_at - start_at).total_seconds()))
        number += 1
        yield _past(chance, station, fee, zone_name, connector, f"{day:%Y%m%d}-{number}", start_at, stay_s)
        at = start_at + timedelta(seconds=stay_s + chance.randint(60, 1800))


def _past(
    chance: random.Random,
    station: Station,
    fee: Fee,
    zone_name: str,
    connector: int,
    tail: str,
    start_at: datetime,
    stay_s: int,
) -> Past:
    vehicle = habits.vehicle(chance, station.level)
    profile = physics.from_vehicle(vehicle, limit_kw=station.rated_kw, level=station.level)
    stay_us = stay_s * physics.US_PER_S
    energy_kwh = physics.energy_kwh(profile, stay_us).quantize(physics.WATT_HOUR, ROUND_HALF_UP)
    name = f"{station.station_id.lower()}-{connector}-{tail}"
    return Past(
        session_id=f"past-{name}",
        station_id=station.station_id,
        connector_id=connector,
        start_at=start_at,
        end_at=start_at + timedelta(seconds=stay_s),
        energy_kwh=energy_kwh,
        charging_s=physics.charging_us(profile, stay_us) // physics.US_PER_S,
        total_duration_s=stay_s,
        cost=physics.cost(fee, energy_kwh=energy_kwh, duration_s=stay_s),
        currency=fee.currency,
        reference=f"app-{chance.getrandbits(32):08x}",
        zone=zone_name,
        level=station.level,
    )


def to_csv(pasts: Iterable[Past]) -> bytes:
    """The session CSV format: UTC times, energy with three decimals, cost with two."""
    text = io.StringIO(HEAD)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator="\n")
    for past in pasts:
        times = (iso(past.start_at), iso(past.end_at))
        measures = (past.energy_kwh, past.charging_s, past.total_duration_s, past.cost, past.currency)
        origin = (past.reference, past.zone, f"Level {past.level}")
        writer.writerow((past.session_id, past.station_id, past.connector_id, *times, *measures, *origin))
    return text.getvalue().encode()
