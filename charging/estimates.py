"""What a session's figures are by now: the last reading carried on by its power and price, marked as an estimate.

Pure. An estimate is a value, a rate and the moment until which both hold; the browser draws value + rate x time and
knows no price. docs/algorithms/estimates.md
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from charging import prices, quantities
from charging.models.session import Session, State

SECONDS_AN_HOUR = 3600
PLUGGED = (State.CHARGING, State.SUSPENDED, State.STOPPING, State.STOPPED)


@dataclass(frozen=True)
class Estimate:
    """`value` was true at `read_at`; it grows by `rate_per_s` until `valid_until` and no further."""

    value: Decimal
    rate_per_s: Decimal
    read_at: datetime
    valid_until: datetime

    def at(self, moment: datetime) -> Decimal:
        """The figure at a moment, unrounded. Before `read_at` it is the value itself."""
        passed = min(moment, self.valid_until) - self.read_at
        return self.value + self.rate_per_s * Decimal(max(0.0, passed.total_seconds()))

    @property
    def moves(self) -> bool:
        return self.rate_per_s != 0


@dataclass(frozen=True)
class Facts:
    """The last reading: power kW, energy kWh, duration s, cost; `read_at` is the moment it speaks of, `seen_at` that of
    our latest answer. None: the vendor did not say."""

    state: str
    energy_kwh: Decimal | None
    power_kw: Decimal | None
    duration_s: int | None
    cost: Decimal | None
    currency: str
    price: prices.Price | None
    zone: ZoneInfo
    read_at: datetime
    seen_at: datetime
    horizon_s: float  # silence for longer than this ends every estimate


@dataclass(frozen=True)
class SessionEstimate:
    energy: Estimate | None
    cost: Estimate | None
    silent_since: datetime | None  # no reading for longer than the horizon: nobody knows how it stands

    @property
    def is_confirmed(self) -> bool:
        """No figure moves: what is shown is what was read."""
        return not any(figure is not None and figure.moves for figure in (self.energy, self.cost))


def facts(session: Session, measured_at: datetime | None, seen_at: datetime, horizon_s: float) -> Facts:
    """Of a session with its latest reading's moments. A reading speaks of `measured_at` where the vendor says it, yet
    never of a moment after the answer."""
    return Facts(
        state=session.state,
        energy_kwh=session.energy_kwh,
        power_kw=session.power_kw,
        duration_s=session.duration_s,
        cost=session.cost,
        currency=session.currency,
        price=prices.Price.parse(session.tariff),
        zone=session.site.zone,
        read_at=min(measured_at or seen_at, seen_at),
        seen_at=seen_at,
        horizon_s=horizon_s,
    )


def of(known: Facts, now: datetime) -> SessionEstimate:
    """How a session stands at `now`."""
    until = known.seen_at + timedelta(seconds=known.horizon_s)
    if known.price is not None:
        boundary = prices.next_boundary(known.price, known.read_at, known.zone)
        until = min(until, boundary) if boundary else until
    is_live = known.state in (State.PENDING, *PLUGGED)
    silent = is_live and (now - known.seen_at).total_seconds() > known.horizon_s
    return SessionEstimate(_energy(known, until), _cost(known, until), known.seen_at if silent else None)


def shown_energy_kwh(estimate: SessionEstimate, at: datetime) -> Decimal | None:
    return None if estimate.energy is None else quantities.energy_kwh(estimate.energy.at(at))


def shown_cost(estimate: SessionEstimate, at: datetime) -> Decimal | None:
    return None if estimate.cost is None else quantities.money(estimate.cost.at(at))


def _power_kw(known: Facts) -> Decimal:
    """Only a charging session takes energy; where the vendor does not say how much, nothing is added."""
    return known.power_kw if known.state == State.CHARGING and known.power_kw is not None else Decimal(0)


def _energy(known: Facts, until: datetime) -> Estimate | None:
    if known.energy_kwh is None:
        return None
    return Estimate(known.energy_kwh, _power_kw(known) / SECONDS_AN_HOUR, known.read_at, until)


def _cost(known: Facts, until: datetime) -> Estimate | None:
    """From the vendor's last cost; without one, from the tariff; without either there is no figure. A tariff in another
    currency says nothing about it."""
    price = known.price if known.price is not None and known.price.currency == known.currency else None
    value = known.cost
    if value is None and price is not None and known.energy_kwh is not None:
        value = prices.cost(price, energy_kwh=known.energy_kwh, duration_s=known.duration_s or 0)
    if value is None:
        return None
    rate = Decimal(0)
    if price is not None:
        rate = prices.rate_per_s(price, _power_kw(known), plugged=known.state in PLUGGED)
    return Estimate(value, rate, known.read_at, until)
