"""The pure decision: each kind by example, and what must hold of all of them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging import stop_rules
from charging.estimates import Estimate
from charging.stop_rules import Facts, Rule, Sample

NOW = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)  # noon in Toronto
ZONE = ZoneInfo("America/Toronto")
D = Decimal
HORIZON_S = 300.0


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def figure(value: str, per_hour: str = "0", read_minutes_ago: float = 1) -> Estimate:
    read_at = ago(read_minutes_ago)
    return Estimate(D(value), D(per_hour) / 3600, read_at, read_at + timedelta(seconds=HORIZON_S))


def sample(
    minutes_ago: float, power: str | None = "0", energy: str | None = "5", status: str = "charging", lasted: float = 0
) -> Sample:
    at = ago(minutes_ago)
    kwh = None if energy is None else D(energy)
    return Sample(at, at + timedelta(minutes=lasted), status, None if power is None else D(power), kwh)


BLANK = Facts(
    zone=ZONE,
    currency="CAD",
    energy=None,
    cost=None,
    cost_by_tariff=False,
    began_at=None,
    samples=(),
    horizon_s=HORIZON_S,
)
ENERGY = Rule("energy", ago(60), amount=D("20.0000"))
MONEY = Rule("money", ago(60), amount=D("15.0000"))
MINUTES = Rule("minutes", ago(60), amount=D("90.0000"))
CLOCK = Rule("clock", ago(60), at_time=time(12, 30))
LOW = Rule("low_power", ago(60), amount=D("2.0000"), for_minutes=10)
IDLE = Rule("idle", ago(60), for_minutes=10)


def judge(rule: Rule, facts: Facts, now: datetime = NOW) -> tuple[bool, bool]:
    """As estimated, and as read."""
    return stop_rules.verdict(rule, facts, now).fires, stop_rules.verdict(rule, facts.as_read(), now).fires


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (ENERGY, "at 20 kWh"),
        (replace(ENERGY, amount=D("12.5000")), "at 12.5 kWh"),
        (MONEY, "at 15.00 CAD"),
        (MINUTES, "after 90 minutes"),
        (replace(MINUTES, amount=D("1.0000")), "after 1 minute"),
        (CLOCK, "at 12:30"),
        (LOW, "below 2 kW for 10 minutes"),
        (IDLE, "after 10 minutes without energy"),
    ],
)
def test_a_rule_in_words(rule: Rule, words: str) -> None:
    assert stop_rules.said(rule, "CAD") == words


# --- a figure that grows ----------------------------------------------------------------------------------------------
def test_energy_that_was_read_meets_its_rule() -> None:
    found = stop_rules.verdict(ENERGY, replace(BLANK, energy=figure("20.000")).as_read(), NOW)
    assert (found.fires, found.at, found.why) == (True, ago(1), "20.000 kWh read at 11:59 EDT")


def test_energy_that_is_carried_on_meets_it_only_as_an_estimate() -> None:
    facts = replace(BLANK, energy=figure("19.900", "7.2"))  # 0.12 kWh a minute
    assert judge(ENERGY, facts) == (True, False)
    found = stop_rules.verdict(ENERGY, replace(BLANK, energy=figure("19.000", "7.2")), NOW)
    assert (found.fires, found.near, found.why) == (False, False, "about 19.1 kWh so far")
    assert found.at == ago(1) + timedelta(seconds=500)


def test_an_estimate_ends_with_its_validity() -> None:
    """7.2 kW reach 20 kWh after 500 s; the last reading vouches for 300 s."""
    facts = replace(BLANK, energy=figure("19.000", "7.2"))
    assert judge(ENERGY, facts, NOW + timedelta(days=1)) == (False, False)


def test_money_without_a_figure_never_fires() -> None:
    found = stop_rules.verdict(MONEY, BLANK, NOW + timedelta(days=30))
    assert (found.fires, found.near, found.why, found.at) == (False, False, "no cost is known yet", None)


def test_money_by_the_tariff_says_so() -> None:
    found = stop_rules.verdict(MONEY, replace(BLANK, cost=figure("15.01"), cost_by_tariff=True).as_read(), NOW)
    assert (found.fires, found.why) == (True, "15.01 CAD by the tariff read at 11:59 EDT")


# --- time -------------------------------------------------------------------------------------------------------------
def test_minutes_count_from_the_beginning_of_energy() -> None:
    facts = replace(BLANK, began_at=ago(89))
    found = stop_rules.verdict(MINUTES, facts, NOW)
    assert (found.fires, found.near, found.why) == (False, True, "89 minutes since energy began")
    assert judge(MINUTES, facts, NOW + timedelta(minutes=1)) == (True, True)
    assert judge(MINUTES, BLANK, NOW + timedelta(days=1)) == (False, False)


def test_a_clock_time_is_the_sites() -> None:
    found = stop_rules.verdict(CLOCK, BLANK, NOW)
    assert (found.fires, found.near, found.why) == (False, False, "that is 1 Jun 2026, 12:30 EDT")
    assert judge(CLOCK, BLANK, NOW + timedelta(minutes=30)) == (True, True)
    assert judge(CLOCK, BLANK, NOW + timedelta(minutes=30, microseconds=-1)) == (False, False)


# --- a state that lasts -----------------------------------------------------------------------------------------------
def every(minutes: float, until: float = 0, step: float = 4, **said: str | None) -> tuple[Sample, ...]:
    """A sample every `step` minutes, from `minutes` ago."""
    count = int((minutes - until) / step) + 1
    return tuple(sample(minutes - n * step, **said) for n in range(count))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((), (False, False)),
        (every(12, power="1.9"), (True, True)),
        (every(8, power="1.9"), (False, False)),
        (every(12, until=4, power="1.9"), (True, False)),  # read for 8 minutes, carried on for 4
        (every(12, until=12, power="1.9"), (False, False)),  # one reading, then silence
        (every(12, power="2"), (False, False)),  # not below
        (every(12, power=None), (False, False)),  # nothing said is not 0
        ((*every(12, until=4, power="1.9"), sample(0, None)), (False, False)),
        (every(12, step=6, power="1.9"), (False, False)),  # gaps of more than 5 minutes
        ((sample(12, "1.9", lasted=12),), (True, True)),  # one answer, again and again
        ((sample(12, "1", "5"), sample(8, "1", "5.6"), sample(4, "1"), sample(0, "1")), (False, False)),  # 9 kW between
        (every(12, power="0", status="pending"), (False, False)),
        (every(12, power="0", status="suspended"), (True, True)),
    ],
)
def test_low_power(samples: tuple[Sample, ...], expected: tuple[bool, bool]) -> None:
    assert judge(LOW, replace(BLANK, samples=samples)) == expected


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (every(12, power=None, status="suspended"), (True, True)),
        (every(12, power="0"), (True, True)),
        (every(12, power="0", energy=None), (False, False)),  # no meter, no proof
        (every(12, power=None), (False, False)),
        (every(12, power="0.1"), (False, False)),
        (every(8, power=None, status="suspended"), (False, False)),
        ((*every(12, until=4, power="0"), sample(0, "0", "5.001")), (False, False)),  # it has grown
        (every(12, step=6, status="suspended"), (False, False)),
    ],
)
def test_idle(samples: tuple[Sample, ...], expected: tuple[bool, bool]) -> None:
    assert judge(IDLE, replace(BLANK, samples=samples)) == expected


def test_what_a_state_that_lasts_says() -> None:
    found = stop_rules.verdict(LOW, replace(BLANK, samples=every(8, power="1.9")), NOW)
    assert (found.why, found.at, found.near) == (
        "below since 11:52 EDT, for 8 minutes",
        NOW + timedelta(minutes=2),
        True,
    )
    assert stop_rules.verdict(LOW, replace(BLANK, samples=every(8, power="6.9")), NOW).why == "6.9 kW"
    assert stop_rules.verdict(LOW, replace(BLANK, samples=(sample(1, None),)), NOW).why == "no power is said"


# --- what holds of all ------------------------------------------------------------------------------------------------
amounts = st.decimals(min_value="0.0001", max_value="500", places=4)
rates = st.decimals(min_value="0", max_value="350", places=3)
moments = st.integers(0, 240)  # minutes before NOW
figures = st.builds(
    lambda value, rate, age: figure(str(value), str(rate), age),
    st.decimals(min_value="0", max_value="500", places=3),
    rates,
    moments,
)
powers = st.none() | st.decimals(min_value="0", max_value="8", places=1)
energies = st.none() | st.sampled_from([D(5), D("5.1")])
words = st.sampled_from(["charging", "suspended", "pending", "stopped", "other"])


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    ages = sorted(draw(st.lists(moments, unique=True, max_size=12)), reverse=True)
    samples = tuple(Sample(ago(age), ago(age), draw(words), draw(powers), draw(energies)) for age in ages)
    return replace(
        BLANK,
        energy=draw(st.none() | figures),
        cost=draw(st.none() | figures),
        began_at=draw(st.none() | moments.map(ago)),
        samples=samples,
    )


clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
rules = st.one_of(
    st.builds(Rule, st.sampled_from(["energy", "money", "minutes"]), moments.map(ago), amounts),
    st.builds(lambda since, at: Rule("clock", since, at_time=at), moments.map(ago), clock_times),
    st.builds(Rule, st.just("low_power"), moments.map(ago), amounts, st.integers(1, 120)),
    st.builds(lambda since, n: Rule("idle", since, for_minutes=n), moments.map(ago), st.integers(1, 120)),
)
later = st.integers(0, 3 * 1440).map(lambda minutes: NOW + timedelta(minutes=minutes))


@given(rules, facts(), later, later)
def test_once_met_it_stays_met(rule: Rule, known: Facts, one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    for view in (known, known.as_read()):
        was_met = stop_rules.verdict(rule, view, first).fires
        assert not was_met or stop_rules.verdict(rule, view, second).fires


@given(rules, facts(), later)
def test_it_is_never_met_before_its_moment(rule: Rule, known: Facts, now: datetime) -> None:
    for view in (known, known.as_read()):
        found = stop_rules.verdict(rule, view, now)
        if found.fires:
            assert found.at is not None
            assert found.at <= now
            assert found.near is False


@given(rules, facts(), later)
def test_what_was_read_also_holds_as_an_estimate(rule: Rule, known: Facts, now: datetime) -> None:
    if stop_rules.verdict(rule, known.as_read(), now).fires:
        assert stop_rules.verdict(rule, known, now).fires


@given(figures, amounts, later)
def test_a_greater_amount_is_not_met_sooner(known: Estimate, amount: Decimal, now: datetime) -> None:
    view = replace(BLANK, energy=known)
    small, great = (stop_rules.verdict(Rule("energy", NOW, amount=n), view, now) for n in (amount, amount + 1))
    assert small.fires or not great.fires


@given(facts(), amounts, st.integers(1, 120), later)
def test_a_gap_is_no_evidence(known: Facts, limit: Decimal, minutes: int, now: datetime) -> None:
    """By brute force: each met rule has low samples over its minutes, none further apart than the horizon."""
    view = known.as_read()
    if not stop_rules.verdict(Rule("low_power", NOW, limit, minutes), view, now).fires:
        return
    low: list[Sample] = []
    for each in reversed(view.samples):
        gap_s = (low[-1].from_at - each.until_at).total_seconds() if low else 0
        if each.power_kw is None or each.power_kw >= limit or gap_s > HORIZON_S:
            break
        low.append(each)
    assert low[0].until_at - low[-1].from_at >= timedelta(minutes=minutes)
