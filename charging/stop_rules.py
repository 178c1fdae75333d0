"""Whether a stop rule is met: a pure decision about one rule, what is known of the session, and a moment.

When rules are looked at and what a met rule does lives in rule_watch; rules as rows in session_rules.
docs/algorithms/stop_rules.md
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from charging import quantities
from charging.estimates import Estimate
from charging.models.session import State
from charging.models.stop_rule import RuleKind
from lib import clock_times, figures

SECONDS_A_MINUTE = 60
SECONDS_AN_HOUR = 3600
FORESEEABLE_S = 7 * 86_400  # a figure that creeps so slowly that it takes longer has no expected moment
FLOWING = (State.CHARGING, State.SUSPENDED)
T = TypeVar("T")


@dataclass(frozen=True)
class Rule:
    """amount: kWh, money, minutes or kW by kind. `since_at`: when it was made; a clock time is the next one after."""

    kind: str
    since_at: datetime
    amount: Decimal | None = None
    for_minutes: int | None = None
    at_time: time | None = None

    @property
    def terms(self) -> tuple[str, Decimal | None, int | None, time | None]:
        """What it demands, whenever it was made."""
        return self.kind, self.amount, self.for_minutes, self.at_time


@dataclass(frozen=True)
class Sample:
    """What the vendor said over a span: from the moment it speaks of until it last said the same."""

    from_at: datetime
    until_at: datetime
    status: str
    power_kw: Decimal | None
    energy_kwh: Decimal | None


@dataclass(frozen=True)
class Facts:
    """Of one session. None: not said. `samples` oldest first, at least as far back as the rule's minutes."""

    zone: ZoneInfo
    currency: str
    energy: Estimate | None
    cost: Estimate | None
    cost_by_tariff: bool  # the vendor said no cost; this one is ours
    began_at: datetime | None  # energy
    samples: tuple[Sample, ...]
    horizon_s: float  # two answers further apart say nothing of the time between them
    carried_on: bool = True

    def as_read(self) -> "Facts":
        """The same without anything carried on since the last reading."""
        return replace(self, carried_on=False)


@dataclass(frozen=True)
class Verdict:
    """`at`: when it was or is expected to be met, None where nobody can tell. `near`: expected within the horizon."""

    fires: bool
    near: bool
    why: str
    at: datetime | None


def verdict(rule: Rule, facts: Facts, now: datetime) -> Verdict:
    """Once met by the same facts it stays met."""
    fires, why, at = _JUDGES[rule.kind](rule, facts, now)
    near = not fires and at is not None and at - now <= timedelta(seconds=facts.horizon_s)
    return Verdict(fires, near, why, at)


def said(rule: Rule, currency: str) -> str:
    """The rule in words: `at 20 kWh`, `below 2 kW for 15 minutes`."""
    if rule.kind == RuleKind.CLOCK:
        return _("at %(time)s") % {"time": f"{_set(rule.at_time):%H:%M}"}
    if rule.kind == RuleKind.IDLE:
        return _("after %(minutes)s without energy") % {"minutes": _minutes(_set(rule.for_minutes))}
    amount = _set(rule.amount)
    if rule.kind == RuleKind.ENERGY:
        return _("at %(amount)s kWh") % {"amount": _plain(amount)}
    if rule.kind == RuleKind.MONEY:
        return _("at %(amount)s") % {"amount": _money(amount, currency)}
    if rule.kind == RuleKind.MINUTES:
        return _("after %(minutes)s") % {"minutes": _minutes(amount)}
    words = {"amount": _plain(amount), "minutes": _minutes(_set(rule.for_minutes))}
    return _("below %(amount)s kW for %(minutes)s") % words


def said_none(kind: str) -> str:
    """That a station has no rule of a kind, in words: `no stop at an energy`."""
    when = str(RuleKind(kind).label)
    return _("no stop %(when)s") % {"when": when[:1].lower() + when[1:]}


# --- each kind: is it met, in what words, and when --------------------------------------------------------------------
Judged = tuple[bool, str, datetime | None]


def _at_energy(rule: Rule, facts: Facts, now: datetime) -> Judged:
    if facts.energy is None:
        return False, _("no energy is known yet"), None
    value, met, at = _reached(facts.energy, _set(rule.amount), facts, now)
    figure = f"{figures.number(value, 1 if not met else 3)} kWh"
    return met, _so_far(figure, facts.energy, facts, met=met), at


def _at_money(rule: Rule, facts: Facts, now: datetime) -> Judged:
    if facts.cost is None:
        return False, _("no cost is known yet"), None
    value, met, at = _reached(facts.cost, _set(rule.amount), facts, now)
    figure = _money(value, facts.currency)
    if facts.cost_by_tariff:
        figure = _("%(figure)s by the tariff") % {"figure": figure}
    return met, _so_far(figure, facts.cost, facts, met=met), at


def _after_minutes(rule: Rule, facts: Facts, now: datetime) -> Judged:
    if facts.began_at is None:
        return False, _("energy has not begun"), None
    at = facts.began_at + timedelta(minutes=float(_set(rule.amount)))
    passed = max(0, int((now - facts.began_at).total_seconds() // SECONDS_A_MINUTE))
    return now >= at, _("%(minutes)s since energy began") % {"minutes": _minutes(passed)}, at


def _at_clock(rule: Rule, facts: Facts, now: datetime) -> Judged:
    at = clock_times.next_showing(_set(rule.at_time), rule.since_at, facts.zone)
    if now >= at:
        return True, _("it is %(time)s there") % {"time": _local(now, facts.zone)}, at
    local_at = at.astimezone(facts.zone)
    return False, _("that is %(moment)s") % {"moment": f"{figures.day(local_at)}, {_local(at, facts.zone)}"}, at


def _at_low_power(rule: Rule, facts: Facts, now: datetime) -> Judged:
    limit_kw = _set(rule.amount)

    def is_low(sample: Sample) -> bool:
        return sample.status in FLOWING and sample.power_kw is not None and sample.power_kw < limit_kw

    def stayed_low(before: Sample, after: Sample) -> bool:
        """The meter would have told of more power in between."""
        grown = _grown_kwh(before, after)
        hours = Decimal((after.from_at - before.until_at).total_seconds()) / SECONDS_AN_HOUR
        # Readings rest rounded to a step: so much growth may be rounding alone.
        return grown is None or hours <= 0 or grown - quantities.STEP_KWH < limit_kw * hours

    run = _run(facts, is_low, stayed_low)
    if run is None:
        last = facts.samples[-1].power_kw if facts.samples else None
        return False, _("no power is said") if last is None else f"{figures.number(last, 1)} kW", None
    return _lasted(rule, facts, now, run, _("below since %(time)s, for %(minutes)s"))


def _when_idle(rule: Rule, facts: Facts, now: datetime) -> Judged:
    def is_idle(sample: Sample) -> bool:
        """The vendor's word; or no power, said, together with a meter that can be seen to stand still."""
        no_power = sample.power_kw == 0 and sample.energy_kwh is not None
        return sample.status == State.SUSPENDED or (sample.status == State.CHARGING and no_power)

    def stood_still(before: Sample, after: Sample) -> bool:
        return not _grown_kwh(before, after)

    run = _run(facts, is_idle, stood_still)
    if run is None:
        return False, _("not idle") if facts.samples else _("nothing is read yet"), None
    return _lasted(rule, facts, now, run, _("no energy since %(time)s, for %(minutes)s"))


_JUDGES: dict[str, Callable[[Rule, Facts, datetime], Judged]] = {
    RuleKind.ENERGY: _at_energy,
    RuleKind.MONEY: _at_money,
    RuleKind.MINUTES: _after_minutes,
    RuleKind.CLOCK: _at_clock,
    RuleKind.LOW_POWER: _at_low_power,
    RuleKind.IDLE: _when_idle,
}


# --- a figure that grows ----------------------------------------------------------------------------------------------
def _reached(figure: Estimate, amount: Decimal, facts: Facts, now: datetime) -> tuple[Decimal, bool, datetime | None]:
    value = figure.at(now) if facts.carried_on else figure.value
    return value, value >= amount, _expected_at(figure, amount)


def _expected_at(figure: Estimate, amount: Decimal) -> datetime | None:
    if figure.value >= amount:
        return figure.read_at
    if figure.rate_per_s <= 0:
        return None
    wait_s = (amount - figure.value) / figure.rate_per_s
    return figure.read_at + timedelta(seconds=float(wait_s)) if wait_s <= FORESEEABLE_S else None


def _so_far(figure: str, estimate: Estimate, facts: Facts, *, met: bool) -> str:
    if met and not facts.carried_on:
        return _("%(figure)s read at %(time)s") % {"figure": figure, "time": _local(estimate.read_at, facts.zone)}
    words = _("about %(figure)s so far") if facts.carried_on and estimate.moves else _("%(figure)s so far")
    return words % {"figure": figure}


# --- a state that lasts -----------------------------------------------------------------------------------------------
def _run(
    facts: Facts, is_so: Callable[[Sample], bool], holds_between: Callable[[Sample, Sample], bool]
) -> tuple[datetime, datetime] | None:
    """From when until when, up to the last sample, it was so without a gap; None if the last sample is not so."""
    start_at: datetime | None = None
    last: Sample | None = None
    for sample in facts.samples:
        if not is_so(sample):
            start_at = last = None
            continue
        near = last is not None and (sample.from_at - last.until_at).total_seconds() <= facts.horizon_s
        if start_at is None or last is None or not near or not holds_between(last, sample):
            start_at = sample.from_at
        last = sample
    return (start_at, last.until_at) if start_at and last else None


def _lasted(rule: Rule, facts: Facts, now: datetime, run: tuple[datetime, datetime], words: str) -> Judged:
    """Met once the span has lasted, if readings reach that far; carried on, they reach one horizon further."""
    start_at, until_at = run
    known_until = until_at + timedelta(seconds=facts.horizon_s if facts.carried_on else 0)
    reached = min(now, known_until)
    at = start_at + timedelta(minutes=_set(rule.for_minutes))
    passed = max(0, int((reached - start_at).total_seconds() // SECONDS_A_MINUTE))
    why = words % {"time": _local(start_at, facts.zone), "minutes": _minutes(passed)}
    return at <= reached, why, at


def _grown_kwh(before: Sample, after: Sample) -> Decimal | None:
    if before.energy_kwh is None or after.energy_kwh is None:
        return None
    return after.energy_kwh - before.energy_kwh


# --- words ------------------------------------------------------------------------------------------------------------
def _plain(value: Decimal) -> str:
    digits = -int(value.normalize().as_tuple().exponent)
    return figures.number(value, min(4, max(0, digits)))


def _money(value: Decimal, currency: str) -> str:
    return f"{figures.money(value, currency)} {currency}"


def _minutes(value: Decimal | int) -> str:
    return ngettext("%(n)s minute", "%(n)s minutes", 1 if value == 1 else 2) % {"n": _plain(Decimal(value))}


def _local(at: datetime, zone: ZoneInfo) -> str:
    local_at = at.astimezone(zone)
    return f"{local_at:%H:%M} {figures.zone_name(local_at)}"


def _set(value: T | None) -> T:
    """A part of the rule that its kind demands; the database holds it to that."""
    if value is None:
        raise ValueError("the rule lacks what its kind demands")
    return value
