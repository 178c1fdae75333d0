"""Ids of ticked stations in one short text. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import ticks


@given(st.sets(st.integers(0, 10**9)))
def test_what_is_packed_comes_back(ids: set[int]) -> None:
    assert ticks.unpack(ticks.pack(ids)) == sorted(ids)


def test_whole_pages_stay_short() -> None:
    assert ticks.pack([7, *range(100, 600)]) == "7.100-599"


@pytest.mark.parametrize(
    ("text", "ids"),
    [("", []), ("x.3", [3]), ("5-3", []), ("-3", []), ("3-", [3]), ("²", []), ("1-2-3", []), ("9" * 18, [])],
)
def test_nonsense_is_left_out(text: str, ids: list[int]) -> None:
    assert ticks.unpack(text) == ids


def test_no_text_asks_for_more_than_there_can_be() -> None:
    assert len(ticks.unpack("1-99999999999999999.5")) == ticks.MOST
