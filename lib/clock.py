"""Business time, the one clock of everything that happens to a charging session.

Wall time (leases, request budget, sweeps, timeouts) is the database's and does not live here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import time as wall_seconds

from django.conf import settings


@dataclass(frozen=True)
class BusinessClock:
    """origin + speed x (wall now - wall origin). In production it is the wall clock itself."""

    origin: datetime
    wall_origin_s: float
    speed: float

    def at(self, wall_s: float) -> datetime:
        return self.origin + timedelta(seconds=(wall_s - self.wall_origin_s) * self.speed)


def parse(text: str) -> BusinessClock | None:
    """Read `<origin ISO 8601>@<wall epoch seconds>x<speed>`; an empty text means the wall clock (None).

    Raises ValueError for anything else.
    """
    if not text:
        return None
    origin, _, rest = text.partition("@")
    wall, _, speed = rest.partition("x")
    moment = datetime.fromisoformat(origin)
    if moment.tzinfo is None:
        raise ValueError("the origin of BUSINESS_CLOCK needs an offset, for example 2019-06-03T00:00:00Z")
    return BusinessClock(moment.astimezone(UTC), float(wall), float(speed))


@lru_cache(maxsize=8)
def _parsed(text: str) -> BusinessClock | None:
    return parse(text)


def now() -> datetime:
    """The present business time, aware, UTC."""
    clock = _parsed(settings.BUSINESS_CLOCK)
    return clock.at(wall_seconds()) if clock else datetime.now(UTC)


def speed() -> float:
    """Business seconds that pass in one wall second; 1.0 in production."""
    clock = _parsed(settings.BUSINESS_CLOCK)
    return clock.speed if clock else 1.0
