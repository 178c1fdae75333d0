"""When the clock on a site's wall shows a time, against a second hand that is followed minute by minute."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging import clock_times

TORONTO = ZoneInfo("America/Toronto")
ZONES = ("America/Toronto", "America/St_Johns", "Australia/Lord_Howe", "Europe/Paris", "UTC", "America/Havana")
# The two nights of 2026 that matter in most of them, and a plain one.
NIGHTS = (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC))
MINUTE = timedelta(minutes=1)


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
