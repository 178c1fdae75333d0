"""When the calls of a command will have been made. Pure."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import forecast
from fleet.forecast import Key

SECONDS = st.floats(0, 300)
RTTS = st.floats(0.01, 20)
KEYS = st.builds(
    Key,
    free_in_s=st.lists(st.floats(-100, 100), min_size=1, max_size=60),
    window_s=st.floats(0.1, 120),
    rtt_s=RTTS,
    ahead=st.integers(0, 200),
)


@given(st.integers(1, 500), st.integers(1, 60), st.floats(0.1, 120), RTTS)
def test_with_all_slots_free_it_is_the_bound(calls: int, slots: int, window_s: float, rtt_s: float) -> None:
    key = Key([0.0] * slots, window_s, rtt_s)
    bound = (window_s + rtt_s) * (math.ceil(calls / slots) - 1) + rtt_s
    assert forecast.bound_s(calls, slots=slots, window_s=window_s, rtt_s=rtt_s) == pytest.approx(bound)
    assert forecast.done_in_s(calls, key) == pytest.approx(bound)


@given(st.integers(1, 300), KEYS, SECONDS)
def test_it_is_never_better_than_the_bound_and_never_before_it_begins(calls: int, key: Key, begins_in_s: float) -> None:
    done = forecast.done_in_s(calls, key, begins_in_s=begins_in_s)
    bound = forecast.bound_s(calls, slots=len(key.free_in_s), window_s=key.window_s, rtt_s=key.rtt_s)
    assert done is not None
    assert done >= bound - 1e-6
    assert done >= begins_in_s + key.rtt_s - 1e-6


@given(st.integers(1, 100), KEYS)
def test_what_is_ahead_counts_as_if_it_were_ours(calls: int, key: Key) -> None:
    alone = Key(key.free_in_s, key.window_s, key.rtt_s)
    assert forecast.done_in_s(calls, key) == forecast.done_in_s(calls + key.ahead, alone)


@given(st.lists(st.integers(1, 200), min_size=2, unique=True), KEYS)
def test_more_calls_are_never_done_sooner(counts: list[int], key: Key) -> None:
    ends = [forecast.done_in_s(calls, key) or 0.0 for calls in sorted(counts)]
    assert all(before <= after for before, after in pairwise(ends))


@pytest.mark.parametrize(
    ("calls", "free_in_s", "begins_in_s", "done_in_s"),
    [
        (0, [0.0, 0.0], 10.0, 0.0),
        (1, [0.0, 0.0], 10.0, 11.0),  # the hold, and one call
        (2, [-5.0, 30.0], 0.0, 31.0),  # the second slot comes free in 30 s
        (3, [-5.0, 30.0], 0.0, 62.0),  # the first one again, a window after its answer
        (1, [], 0.0, None),
    ],
)
def test_worked_out_by_hand(calls: int, free_in_s: list[float], begins_in_s: float, done_in_s: float | None) -> None:
    assert forecast.done_in_s(calls, Key(free_in_s, 60.0, 1.0), begins_in_s=begins_in_s) == done_in_s


def test_a_thousand_stations_with_one_key() -> None:
    """The figure of the documentation: 48 shared slots, an answer in half a second."""
    assert forecast.done_in_s(1000, Key([0.0] * 48, 60.0, 0.5)) == 20 * 60.5 + 0.5


def test_the_last_key_counts() -> None:
    quick, slow = Key([0.0], 60.0, 1.0), Key([20.0], 60.0, 1.0)
    assert forecast.all_done_in_s([(1, quick), (1, slow), (0, Key([], 60.0, 1.0))]) == 21.0
    assert forecast.all_done_in_s([]) == 0.0
    assert forecast.all_done_in_s([(1, quick), (1, Key([], 60.0, 1.0))]) is None
