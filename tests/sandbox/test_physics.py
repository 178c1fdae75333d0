"""Energy is an exact function of time: plans end on the watt-hour, pieces add up, nothing ever falls."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sandbox import physics
from sandbox.model import Fee, Plan, Vehicle

plans = st.builds(
    lambda wh, seconds: Plan(Decimal(wh) / 1000, Decimal(seconds), Decimal(seconds)),
    st.integers(0, 90_000),
    st.integers(1, 200_000),
)
vehicles = st.builds(
    lambda kwh, soc, kw: Vehicle(Decimal(kwh), Decimal(soc) / 100, Decimal(kw)),
    st.integers(20, 120),
    st.integers(0, 100),
    st.integers(3, 250),
)
moments = st.integers(0, 400_000 * physics.US_PER_S)


@given(plans)
def test_a_plan_ends_with_exactly_its_energy(plan: Plan) -> None:
    profile = physics.from_plan(plan)
    assert physics.energy_kwh(profile, round(plan.duration_s * physics.US_PER_S)) == plan.energy_kwh
    assert physics.energy_kwh(profile, 0) == 0


@given(vehicles, st.sampled_from([2, 3]), moments, moments)
def test_energy_never_falls_and_ends_at_what_the_battery_lacked(
    vehicle: Vehicle, level: int, one_us: int, other_us: int
) -> None:
    profile = physics.from_vehicle(vehicle, limit_kw=Decimal("7.2") if level == 2 else Decimal(150), level=level)
    early_us, late_us = sorted((one_us, other_us))
    assert physics.energy_kwh(profile, early_us) <= physics.energy_kwh(profile, late_us)
    whole = physics.energy_kwh(profile, physics.length_us(profile))
    assert abs(whole - (1 - vehicle.soc) * vehicle.capacity_kwh) <= Decimal("0.005")


@given(plans, moments, st.integers(1, 10**10))
def test_a_pause_delays_energy_and_loses_none(plan: Plan, at_us: int, for_us: int) -> None:
    profile = physics.from_plan(plan)
    paused = physics.pause(profile, at_us=at_us, for_us=for_us, activity=physics.SUSPENDED_EVSE)
    assert physics.length_us(paused) == physics.length_us(profile) + for_us
    assert physics.energy_kwh(paused, physics.length_us(paused)) == plan.energy_kwh
    assert physics.energy_kwh(paused, at_us) == physics.energy_kwh(profile, at_us)
    resumed = physics.resume(paused, min(at_us, physics.length_us(profile)))
    assert physics.energy_kwh(resumed, physics.length_us(resumed)) == plan.energy_kwh


def test_power_falls_as_the_battery_fills() -> None:
    vehicle = Vehicle(Decimal(80), Decimal("0.4"), Decimal(150))
    profile = physics.from_vehicle(vehicle, limit_kw=Decimal(120), level=3)
    powers = [segment.power_kw for segment in profile]
    assert powers == [Decimal(x) for x in ("120.00", "120.00", "112.50", "90.00", "60.00", "45.00", "30.00", "15.00")]


def test_cost_is_energy_minutes_and_start_half_up() -> None:
    fee = Fee("f", "F", "CAD", Decimal("0.24"), Decimal("0.02"), Decimal("0.50"))
    assert physics.cost(fee, energy_kwh=Decimal("10.000"), duration_s=5400) == Decimal("4.70")
    assert physics.cost(fee, energy_kwh=Decimal("0.021"), duration_s=0) == Decimal("0.51")
    half = Fee("f", "F", "CAD", Decimal("0.005"), Decimal(0), Decimal(0))
    assert physics.cost(half, energy_kwh=Decimal("1.000"), duration_s=0) == Decimal("0.01")
