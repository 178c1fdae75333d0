"""Single values: read right or refused, never guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eevion import JSON, values

LIMIT = Decimal(1000)
FIRST, LAST = datetime(2000, 1, 2), datetime(2099, 12, 30)  # noqa: DTZ001 hypothesis adds the zones


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, "0"),
        (12, "12"),
        (Decimal("12.40"), "12.40"),
        ("12.40", "12.40"),
        (" 12.4 ", "12.4"),
        ("1e2", "1E+2"),
        ("007", "7"),
        (Decimal("-0.0"), "0.0"),
        ("1.00000000000000000000000000001", "1.00000000000000000000000000001"),
        (1000, "1000"),
    ],
)
def test_amounts_are_read_digit_for_digit(value: JSON, wanted: str) -> None:
    assert str(values.amount(value, LIMIT)) == wanted


@pytest.mark.parametrize(
    "value",
    [
        True, False, [], {}, "", " ", "4,35", "1 000", "$5", "NaN", "Infinity", "0x10", "1_000", "٣", -1, "-0.01",
        Decimal("1000.01"), "1e30", "1" * 5000, ".5", "1e999999999",
    ],
)  # fmt: skip
def test_other_amounts_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.amount(value, LIMIT)


@pytest.mark.parametrize(("value", "wanted"), [(2, 2), ("2", 2), (Decimal("2.0"), 2), ("1e1", 10)])
def test_counts_are_whole(value: JSON, wanted: int) -> None:
    assert values.count(value, 100) == wanted


@pytest.mark.parametrize("value", [Decimal("2.5"), "0.1", -1, 101, True])
def test_other_counts_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.count(value, 100)


def test_seconds_drop_the_fraction_of_the_last_one() -> None:
    assert [values.seconds(value, 10_000) for value in (6480, "6480", Decimal("6480.999"))] == [6480] * 3


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-08T17:02:11Z",
        "2026-01-08T17:02:11z",
        "2026-01-08t12:02:11-05:00",
        "2026-01-08 17:02:11+00:00",
        "2026-01-08T17:02:11.000000000Z",
        "20260108T170211Z",
        " 2026-01-09T03:02:11+10:00 ",
    ],
)
def test_moments_become_utc(text: str) -> None:
    assert values.moment(text) == datetime(2026, 1, 8, 17, 2, 11, tzinfo=UTC)
    assert values.moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-08T17:02:11", "2026-01-08", "", "now", 1767891731, Decimal("1.5"), None, [], True,
        "2026-13-08T17:02:11Z", "2026-01-08T25:02:11Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
        "1970-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_other_moments_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.moment(value)


@given(st.datetimes(FIRST, LAST, timezones=st.timezones()))
def test_any_aware_moment_comes_through(at: datetime) -> None:
    assert values.moment(at.isoformat()) == at.astimezone(UTC)


@pytest.mark.parametrize("text", ["2026-01-08", "2026-01-08T00:00:00-05:00", "2026-01-08T23:59:59Z"])
def test_a_day_is_the_one_that_is_written(text: str) -> None:
    assert values.day(text) == date(2026, 1, 8)


@pytest.mark.parametrize("value", ["2026-02-30", "08.01.2026", "2026-01-08x", "", 20260108, "2026-01-08T00:00:00"])
def test_other_days_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.day(value)


@pytest.mark.parametrize("text", ["CAD", "cad", " CAD "])
def test_a_currency_is_three_capitals(text: str) -> None:
    assert values.currency(text) == "CAD"


@pytest.mark.parametrize("value", ["$", "CA", "CADX", "C4D", "", 124, None, "ÇAD"])
def test_other_currencies_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.currency(value)


@pytest.mark.parametrize(("value", "wanted"), [("HC-1", "HC-1"), (17, "17"), ("", None), ("x" * 255, "x" * 255)])
def test_labels_are_short_texts(value: JSON, wanted: str | None) -> None:
    assert values.label(value) == wanted


@pytest.mark.parametrize("value", [True, [], {}, Decimal("1.5"), "x" * 256])
def test_other_labels_are_refused(value: JSON) -> None:
    with pytest.raises(ValueError):
        values.label(value)
