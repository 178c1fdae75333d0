"""Prices: whole costs, rates, and that the one is the other summed up."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from charging import prices, quantities
from charging.prices import Price

AMOUNT = st.decimals(min_value=0, max_value=20, places=4)
POWER_KW = st.decimals(min_value=0, max_value=400, places=3)
PRICE = st.builds(Price, st.just("CAD"), AMOUNT, AMOUNT, AMOUNT)
LEVEL_2 = Price("CAD", Decimal("0.35"), Decimal("0.02"), Decimal("1.00"))


def test_a_price_comes_from_the_copy_that_a_session_keeps() -> None:
    kept = {
        "fee_id": "fee_1",
        "name": "Level 2",
        "currency": "CAD",
        "price_per_kwh": "0.35",
        "price_per_minute": "0.02",
        "price_per_start": "1.00",
    }
    assert Price.parse(kept) == LEVEL_2
    assert Price.parse(None) is None


def test_energy_minutes_and_a_start_make_the_cost() -> None:
    assert prices.cost(LEVEL_2, energy_kwh=Decimal("12.418"), duration_s=6480) == Decimal("7.5063")


def test_power_and_minutes_make_the_rate() -> None:
    def hourly(power_kw: str) -> Decimal:
        return round(prices.rate_per_s(LEVEL_2, Decimal(power_kw), plugged=True) * 3600, 12)

    assert hourly("7.2") == Decimal("3.72")
    assert hourly("0") == Decimal("1.2")
    assert prices.rate_per_s(LEVEL_2, Decimal(0), plugged=False) == 0


@given(PRICE, POWER_KW, st.integers(0, 86_400))
def test_the_rate_over_time_is_the_difference_of_costs(price: Price, power_kw: Decimal, passed_s: int) -> None:
    energy_kwh = power_kw * passed_s / 3600
    grown = prices.cost(price, energy_kwh=energy_kwh, duration_s=passed_s) - price.per_start
    assert abs(grown - prices.rate_per_s(price, power_kw, plugged=True) * passed_s) <= quantities.STEP_MONEY


def test_a_flat_tariff_has_no_boundary() -> None:
    assert prices.next_boundary(LEVEL_2, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("America/Toronto")) is None
