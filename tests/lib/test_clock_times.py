"""When the clock on a site's wall shows a time, against a second hand that is followed minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import clock_times

TORONTO = ZoneInfo("America/Toronto")
ZONES = ("America/Toronto", "America/St_Johns", "Australia/Lord_Howe", "Europe/Paris", "UTC", "America/Havana")
# The two nights of 2026 that matter in most of them, and a plain one.
NIGHTS = (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC))
MINUTE = timedelta(minutes=1)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at_time", "after", "expected"),
    [
        (time(7), "2026-06-01T16:00", "2026-06-02T11:00"),  # 7:00 EDT tomorrow
        (time(7), "2026-06-01T10:59", "2026-06-01T11:00"),
        (time(7), "2026-06-01T11:00", "2026-06-02T11:00"),  # made at that very moment: the next one
        (time(2, 30), "2026-03-08T05:00", "2026-03-08T07:00"),  # skipped: 2:00 EST is 3:00 EDT
        (time(1, 30), "2026-11-01T04:00", "2026-11-01T05:30"),  # shown twice: first in EDT
        (time(1, 30), "2026-11-01T05:45", "2026-11-01T06:30"),  # then in EST
        (time(1, 30), "2026-11-01T06:30", "2026-11-02T06:30"),
    ],
)
def test_the_next_showing(at_time: time, after: str, expected: str) -> None:
    assert clock_times.next_showing(at_time, utc(after), TORONTO) == utc(expected)


def followed(at_time: time, after: datetime, zone: ZoneInfo) -> datetime:
    """Look at the clock every minute: it shows the time, or has just jumped over it."""
    before, moment = after.astimezone(zone), after
    while True:
        moment += MINUTE
        shown = moment.astimezone(zone)
        wanted = [datetime.combine(day, at_time) for day in {before.date(), shown.date()}]
        naive_before, naive = before.replace(tzinfo=None), shown.replace(tzinfo=None)
        jumps = naive - naive_before > MINUTE
        if any(naive == want or (jumps and naive_before < want < naive) for want in wanted):
            return moment
        before = shown


@given(
    st.sampled_from(ZONES), st.sampled_from(NIGHTS), st.integers(-1440, 1440), st.integers(0, 23), st.integers(0, 59)
)
def test_it_agrees_with_somebody_who_watches_the_clock(
    name: str, night: datetime, offset: int, hour: int, minute: int
) -> None:
    zone, after, at_time = ZoneInfo(name), night + offset * MINUTE, time(hour, minute)
    assert clock_times.next_showing(at_time, after, zone) == followed(at_time, after, zone)


# --- what is planned once or weekly -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("weekdays", "at_time", "after", "expected"),
    [
        (EVERY_DAY, time(23), "2026-06-01T22:00", "2026-06-02T03:00"),
        (EVERY_DAY, time(23), "2026-06-02T03:00", "2026-06-03T03:00"),
        ([1], time(23), "2026-06-02T03:00", "2026-06-09T03:00"),  # Mondays
        ([7], time(2, 30), "2026-03-07T12:00", "2026-03-08T07:00"),  # no 2:30 that night: at 3:00 EDT
        ([7], time(1, 30), "2026-10-31T12:00", "2026-11-01T05:30"),  # two 1:30: at the first
        ([7], time(1, 30), "2026-11-01T05:30", "2026-11-08T06:30"),  # and not at the second
    ],
)
def test_weekly_times(weekdays: list[int], at_time: time, after: str, expected: str) -> None:
    found = clock_times.next_time(on_date=None, weekdays=weekdays, at_time=at_time, zone=TORONTO, after=utc(after))
    assert found == utc(expected)


def test_once_is_once() -> None:
    night = utc("2026-06-02T03:00")
    given: dict[str, Any] = {"on_date": date(2026, 6, 1), "weekdays": [], "at_time": time(23), "zone": TORONTO}
    assert clock_times.next_time(**given, after=utc("2026-06-01T22:00")) == night
    assert clock_times.next_time(**given, after=night) is None


def watched(weekdays: set[int], at_time: time, after: datetime, zone: ZoneInfo) -> datetime:
    """Watch the clock from two days before: of each date the first moment that shows the time, or jumps over it."""
    moment, dates = after - timedelta(days=2), set()
    before = moment.astimezone(zone).replace(tzinfo=None)
    while True:
        moment += MINUTE
        shown = moment.astimezone(zone).replace(tzinfo=None)
        for day in sorted({before.date(), shown.date()} - dates):
            if before < datetime.combine(day, at_time) <= shown:
                dates.add(day)
                if moment > after and day.isoweekday() in weekdays:
                    return moment
        before = shown


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES), st.sampled_from(NIGHTS), st.integers(-1440, 1440), st.integers(0, 23), st.integers(0, 59),
    st.sets(st.integers(1, 7), min_size=1),
)  # fmt: skip
def test_weekdays_agree_with_somebody_who_watches_the_clock(
    name: str, night: datetime, offset: int, hour: int, minute: int, weekdays: set[int]
) -> None:
    zone, after, at_time = ZoneInfo(name), night + offset * MINUTE, time(hour, minute)
    found = clock_times.next_time(on_date=None, weekdays=sorted(weekdays), at_time=at_time, zone=zone, after=after)
    assert found == watched(weekdays, at_time, after, zone)


@pytest.mark.parametrize("zone", ["America/Toronto", "Asia/Tokyo", "UTC"])
@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_date_of_all_never_come(day: date, zone: str) -> None:
    given = {"on_date": day, "weekdays": (), "at_time": time(23), "zone": ZoneInfo(zone)}
    assert clock_times.next_time(**given, after=utc("2026-06-01T22:00")) is None
