"""What a session costs by the tariff it keeps from its start. Pure; the full tariff engine replaces it.

The vendor's own figure is always final; this only explains it, and carries it on between two readings.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from charging import quantities

SECONDS_A_MINUTE = 60
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Price:
    """A flat tariff. Amounts in major units of `currency`."""

    currency: str
    per_kwh: Decimal
    per_minute: Decimal
    per_start: Decimal

    @classmethod
    def parse(cls, tariff: dict[str, Any] | None) -> "Price | None":
        """From the copy that a session keeps (Session.tariff); None where it keeps none."""
        if not tariff:
            return None
        amounts = (Decimal(tariff[name]) for name in ("price_per_kwh", "price_per_minute", "price_per_start"))
        return cls(tariff["currency"], *amounts)


def cost(price: Price, *, energy_kwh: Decimal, duration_s: int) -> Decimal:
    """per_kwh x energy + per_minute x minutes from start to unplugging + per_start, rounded half up to 0.0001."""
    minutes = Decimal(duration_s) / SECONDS_A_MINUTE
    return quantities.money(price.per_kwh * energy_kwh + price.per_minute * minutes + price.per_start)


def rate_per_s(price: Price, power_kw: Decimal, *, plugged: bool) -> Decimal:
    """By how much the cost grows in a second: energy while power flows, minutes while the cable is in."""
    by_energy = price.per_kwh * power_kw / SECONDS_AN_HOUR
    return by_energy + (price.per_minute / SECONDS_A_MINUTE if plugged else Decimal(0))


def next_boundary(price: Price, at: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment after `at` when the rate changes by itself. A flat tariff has none."""
    return None
