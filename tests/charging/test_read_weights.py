"""What a session's next reading is worth, from plain facts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging import read_weights
from charging.models.session import LIVE, State
from charging.read_weights import Facts, Weight

KW = Decimal


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(State.CHARGING, KW("7.2")), Weight(1, "")),
        (Facts(State.CHARGING), Weight(1, "")),
        (Facts(State.CHARGING, KW(22)), Weight(1, "")),
        (Facts(State.CHARGING, KW(50)), Weight(2, "fast")),
        (Facts(State.CHARGING, KW(50), changing=True), Weight(3, "changing")),
        (Facts(State.PENDING), Weight(2, "starting")),
        (Facts(State.PENDING, limit_near=True), Weight(10, "limit")),
        (Facts(State.SUSPENDED), Weight(0.5, "idle")),
        (Facts(State.STOPPED, KW(0)), Weight(0.5, "idle")),
        (Facts(State.STOPPED, watched=True), Weight(5, "watched")),
        (Facts(State.STOPPING), Weight(5, "end")),
        (Facts(State.CHARGING, ending=True), Weight(5, "end")),
        (Facts(State.CHARGING, rule_near=True, boundary_near=True), Weight(5, "rule")),
        (Facts(State.CHARGING, boundary_near=True), Weight(5, "boundary")),
        (Facts(State.CHARGING, watched=True), Weight(10, "watched")),
        (Facts(State.CHARGING, KW(50), watched=True, rule_near=True), Weight(100, "watched")),
        (Facts(State.CHARGING, KW(50), changing=True, watched=True, rule_near=True), Weight(100, "watched")),
    ],
)
def test_a_weight_is_the_product_of_its_parts_and_names_the_largest(facts: Facts, expected: Weight) -> None:
    assert read_weights.weight(facts) == expected


FACTS = st.builds(
    Facts,
    state=st.sampled_from(LIVE),
    power_kw=st.one_of(st.none(), st.decimals(0, 350, places=3)),
    changing=st.booleans(),
    rule_near=st.booleans(),
    boundary_near=st.booleans(),
    limit_near=st.booleans(),
    ending=st.booleans(),
    watched=st.booleans(),
)


@given(FACTS)
def test_every_weight_is_positive_bounded_and_has_its_words(facts: Facts) -> None:
    found = read_weights.weight(facts)
    assert 0 < found.value <= read_weights.MOST
    assert found.why in read_weights.WHY


@given(FACTS)
def test_what_rests_in_the_row_times_who_looks_is_the_whole(facts: Facts) -> None:
    factor = read_weights.LOOKING if facts.watched else 1
    assert read_weights.weight(facts).value == min(read_weights.unwatched(facts).value * factor, read_weights.MOST)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (KW(10), KW(8), False),
        (KW(10), KW("7.9"), True),
        (KW("7.9"), KW(10), True),
        (KW(0), KW(0), False),
        (KW(0), KW(7), True),
        (None, KW(7), False),
        (KW(7), None, False),
    ],
)
def test_a_change_of_power_by_more_than_a_fifth_is_noticeable(
    before: Decimal | None, after: Decimal | None, expected: bool
) -> None:
    assert read_weights.is_noticeable(before, after) is expected


@pytest.mark.parametrize(("weight", "expected"), [(0.5, 30), (1, 30), (5, 6), (10, 3), (100, 3)])
def test_the_floor_falls_with_the_weight_to_a_tenth(weight: float, expected: float) -> None:
    assert read_weights.floor_s(weight, 30) == expected
