from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import scale


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], ["0", "1"]),
        (["0", "0"], ["0", "1"]),
        (["1550"], ["0", "400", "800", "1200", "1600"]),
        (["0.0004"], ["0", "0.0001", "0.0002", "0.0003", "0.0004"]),
        (["500000000"], ["0", "100000000", "200000000", "300000000", "400000000", "500000000"]),
        (["-1.4", "1.4"], ["-2", "-1", "0", "1", "2"]),
        (["-3"], ["-3", "-2", "-1", "0"]),
    ],
)
def test_ticks_are_round(values: list[str], ticks: list[str]) -> None:
    assert list(scale.axis([Decimal(value) for value in values]).ticks) == [Decimal(tick) for tick in ticks]


def test_counts_get_no_ticks_between_integers() -> None:
    assert list(scale.axis([Decimal(2)], whole=True).ticks) == [0, 1, 2]


@given(st.lists(st.decimals("-1e12", "1e12", allow_nan=False, allow_infinity=False, places=6), max_size=6))
def test_any_range_fits_and_contains_zero(values: list[Decimal]) -> None:
    axis = scale.axis(values)
    assert axis.bottom <= min([*values, Decimal(0)]) <= max([*values, Decimal(0)]) <= axis.top
    assert 2 <= len(axis.ticks) <= scale.MOST_INTERVALS + 1
    assert 0 in axis.ticks
    assert all(0 <= axis.y(value) <= 100 for value in values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("1200", "1,200"),
        ("12000", "12k"),
        ("2500000", "2.5M"),
        ("-3000000000", "−3G"),
        ("0.0004", "0.0004"),
        ("0.00000002", "2e−08"),
        ("100", "100"),
    ],
)
def test_tick_texts_are_short(value: str, text: str) -> None:
    assert scale.tick_text(Decimal(value)) == text


def labels(count: int, first: date = date(2026, 10, 25)) -> list[tuple[int, str]]:
    return scale.day_labels([first + timedelta(days=step) for step in range(count)])


def test_no_day_one_day_and_a_week() -> None:
    assert labels(0) == []
    assert labels(1) == [(0, "25 Oct")]
    assert [text for _index, text in labels(7)] == [
        "25 Oct",
        "26 Oct",
        "27 Oct",
        "28 Oct",
        "29 Oct",
        "30 Oct",
        "31 Oct",
    ]


def test_a_month_labels_every_fourth_day() -> None:
    assert labels(30) == [
        (2, "27 Oct"),
        (6, "31 Oct"),
        (10, "4 Nov"),
        (14, "8 Nov"),
        (18, "12 Nov"),
        (22, "16 Nov"),
        (26, "20 Nov"),
    ]


def test_years_label_months_with_the_year_where_it_changes() -> None:
    assert [text for _index, text in labels(420, date(2025, 12, 31))] == [
        "Jan 2026", "Mar", "May", "Jul", "Sep", "Nov", "Jan 2027",
    ]  # fmt: skip


@given(st.integers(0, 4000))
def test_no_period_is_crowded(count: int) -> None:
    found = labels(count)
    assert len(found) <= scale.MOST_LABELS
    assert bool(found) == bool(count)


def test_times_are_round_in_the_zone_and_follow_its_clock_change() -> None:
    toronto = ZoneInfo("America/Toronto")
    start_at = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)  # 00:30 EDT, the clocks go back at 02:00
    texts = [text for _share, text in scale.time_labels(start_at, start_at + timedelta(hours=3), toronto)]
    assert texts == ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00", "02:30"]


def test_a_moment_is_labelled_in_the_middle() -> None:
    at = datetime(2026, 1, 8, 17, 2, tzinfo=UTC)
    assert scale.time_labels(at, at, ZoneInfo("America/Toronto")) == [(0.5, "12:02")]


def test_a_week_of_readings_is_labelled_by_day() -> None:
    at = datetime(2026, 1, 8, 17, 2, tzinfo=UTC)
    found = scale.time_labels(at, at + timedelta(days=6), ZoneInfo("America/Toronto"))
    assert [text for _share, text in found] == ["9 Jan", "10 Jan", "11 Jan", "12 Jan", "13 Jan", "14 Jan"]
