from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from lib import figures


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (1284.5, 1, "1,284.5"),
        (Decimal("0.125"), 2, "0.13"),
        (0.125, 2, "0.13"),
        (2.675, 2, "2.68"),
        (Decimal("-0.004"), 2, "0.00"),
        (Decimal("-1234.5"), 1, "−1,234.5"),
        (Decimal("1E+3"), 0, "1,000"),
        (500_000_000, 0, "500,000,000"),
        (1e16, 0, "10,000,000,000,000,000"),
    ],
)
def test_numbers_are_grouped_and_rounded_half_up(value: figures.Number, decimals: int, text: str) -> None:
    assert figures.number(value, decimals) == text


def test_a_reader_of_french_sees_french_separators() -> None:
    with translation.override("fr"):
        assert figures.number(Decimal("1284.5"), 1) == "1\xa0284,5"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00"), (Decimal("0.4275"), "0.4275"), (Decimal("0.30"), "0.30"), (Decimal("5"), "5.00")]
)
def test_a_price_keeps_its_decimals(value: figures.Number, text: str) -> None:
    assert figures.price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0:00"),
        (59, "0:00"),
        (5400, "1:30"),
        (timedelta(hours=30, minutes=5), "30:05"),
        (-300, "−0:05"),
        (-30, "0:00"),
    ],
)
def test_durations_count_hours_past_a_day(value: int | timedelta, text: str) -> None:
    assert figures.duration(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (172_800, "2 d")]
)
def test_an_age_has_one_unit(seconds: int, text: str) -> None:
    assert figures.age(seconds) == text


@pytest.mark.parametrize(
    ("zone", "month", "name"),
    [
        ("America/Toronto", 1, "EST"),
        ("America/Toronto", 7, "EDT"),
        ("America/Sao_Paulo", 1, "UTC−3"),
        ("Asia/Kathmandu", 1, "UTC+5:45"),
    ],
)
def test_every_zone_has_a_name(zone: str, month: int, name: str) -> None:
    assert figures.zone_name(datetime(2026, month, 5, tzinfo=UTC).astimezone(figures.zone(zone))) == name


def test_days_and_minutes() -> None:
    at = datetime(2026, 11, 3, 4, 7, tzinfo=UTC)
    assert figures.day(date(2026, 11, 3)) == "3 Nov 2026"
    assert figures.minute(at) == "3 Nov 2026, 04:07"
    assert figures.minute(at, with_year=False) == "3 Nov, 04:07"
    assert figures.minute(at, with_date=False) == "04:07"
