"""How people charge: what they drive, when they come by hour and weekday, how long they stay. Draws only, no world."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.model import Station, Vehicle

# Name, battery kWh, top power on level 2 and on level 3.
CARS = (
    ("Compact", "40", "6.6", "50"),
    ("Hatchback", "58", "7.2", "100"),
    ("Sedan", "75", "11.5", "170"),
    ("Crossover", "64", "11", "125"),
    ("SUV", "88", "11.5", "150"),
    ("Van", "68", "11", "115"),
    ("Pickup", "98", "19.2", "155"),
)
# Arrivals per hour relative to the busiest, by local hour from midnight.
WEEKDAY = (2, 1, 1, 1, 2, 6, 18, 46, 80, 74, 56, 52, 64, 60, 52, 54, 68, 88, 92, 72, 46, 28, 14, 6)
WEEKEND = (4, 2, 1, 1, 1, 3, 8, 18, 34, 56, 78, 90, 96, 92, 88, 80, 72, 62, 54, 44, 34, 24, 14, 8)
# Mean arrivals per connector in the busiest hour.
BUSY = {2: 0.30, 3: 0.65}


def busyness(at: datetime, zone: ZoneInfo) -> float:
    """0 to 1: how many come at this moment, compared with the busiest hour of the week."""
    local = at.astimezone(zone)
    return (WEEKEND if local.weekday() >= 5 else WEEKDAY)[local.hour] / 100


def next_arrival(
    chance: random.Random,
    after_at: datetime,
    zone: ZoneInfo,
    station: Station,
    before_at: datetime,
    *,
    least: float = 0,
) -> datetime | None:
    """The next car at one connector, or None before `before_at`. Thinned exponential gaps; whole seconds.

    `least` keeps the quietest hours at that share of the busiest.
    """
    at = after_at
    while True:
        at += timedelta(seconds=max(1, round(chance.expovariate(BUSY[station.level] / 3600))))
        if at >= before_at - timedelta(minutes=10):
            return None
        if chance.random() < max(least, busyness(at, zone)):
            return at


def vehicle(chance: random.Random, level: int) -> Vehicle:
    """A car with what is left in its battery."""
    name, capacity_kwh, l2_kw, l3_kw = chance.choice(CARS)
    soc = Decimal(chance.randint(8, 45) if level == 3 else chance.randint(15, 80)) / 100
    return Vehicle(Decimal(capacity_kwh), soc, Decimal(l2_kw if level == 2 else l3_kw), name)


def stay_s(chance: random.Random, level: int) -> int:
    """How long a car stays plugged in, in whole seconds."""
    if level == 3:
        return round(60 * min(95, max(7, chance.lognormvariate(3.3, 0.45))))
    return round(60 * min(840, max(15, chance.lognormvariate(4.9, 0.7))))
