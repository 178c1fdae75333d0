"""When windows begin and end, in many zones, against somebody who watches the clock of the place."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet import schedule_times
from fleet.schedule_times import BadSchedule, When

ZONES = ("America/Toronto", "America/St_Johns", "Australia/Lord_Howe", "Europe/Paris", "UTC", "America/Havana")
# The nights of 2026 on which one of them skips or repeats an hour, and a plain one.
NIGHTS = tuple(date(2026, *day) for day in ((3, 8), (11, 1), (3, 29), (10, 25), (4, 5), (10, 4), (6, 10)))
TORONTO = ZoneInfo("America/Toronto")
MINUTE = timedelta(minutes=1)
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def when(at: str, until: str, days: int = 0, *weekdays: int) -> When:
    return When(time.fromisoformat(at), None, weekdays or (7,), time.fromisoformat(until), days)


# --- nights that have no 02:30, and nights that have it twice ---------------------------------------------------------
@pytest.mark.parametrize(
    ("window", "begins", "ends"),
    [
        (when("02:30", "06:00"), "2026-03-08T07:00", "2026-03-08T10:00"),  # begins at the jump, 03:00 EDT
        (when("00:00", "02:30"), "2026-03-08T05:00", "2026-03-08T07:00"),  # ends at the jump
        (
            when("02:15", "02:45"),
            "2026-03-08T07:00",
            "2026-03-08T07:30",
        ),  # the jump swallowed it: half an hour all the same
        (when("23:00", "02:30", 1, 6), "2026-03-08T04:00", "2026-03-08T07:00"),
    ],
)
def test_the_night_that_has_no_2_30(window: When, begins: str, ends: str) -> None:
    begin_at = schedule_times.next_begin(window, TORONTO, utc("2026-03-07T12:00"))
    assert begin_at == utc(begins)
    assert schedule_times.end_of(window, begin_at, TORONTO) == utc(ends)


@pytest.mark.parametrize(
    ("window", "begins", "ends"),
    [
        (when("01:30", "06:00"), "2026-11-01T05:30", "2026-11-01T11:00"),  # at the first 01:30, and not at the second
        (when("00:00", "01:30"), "2026-11-01T04:00", "2026-11-01T05:30"),
        (when("01:15", "01:45"), "2026-11-01T05:15", "2026-11-01T05:45"),
        (when("01:30", "02:30"), "2026-11-01T05:30", "2026-11-01T07:30"),  # two hours long
    ],
)
def test_the_night_that_has_1_30_twice(window: When, begins: str, ends: str) -> None:
    begin_at = schedule_times.next_begin(window, TORONTO, utc("2026-10-31T12:00"))
    assert begin_at == utc(begins)
    assert schedule_times.end_of(window, begin_at, TORONTO) == utc(ends)
    assert schedule_times.next_begin(window, TORONTO, begin_at) == begin_at + timedelta(days=7, hours=1)


# --- against a watcher ------------------------------------------------------------------------------------------------
def watched(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Follow the clock minute by minute from the day before until it shows that time of that day, or jumps over it."""
    moment = datetime.combine(day, time(), UTC) - timedelta(days=1, hours=3)
    wanted = datetime.combine(day, at)
    while moment.astimezone(zone).replace(tzinfo=None) < wanted:
        moment += MINUTE
    return moment


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(NIGHTS), times, times, st.integers(0, 3))
def test_a_window_begins_and_ends_as_the_clock_shows(name: str, day: date, at: time, until: time, days: int) -> None:
    zone, window = ZoneInfo(name), When(at, day, (), until, days)
    try:
        schedule_times.check(window)
    except BadSchedule:
        assert datetime.combine(day + timedelta(days=days), until) <= datetime.combine(day, at)
        return
    long_ago = datetime.combine(day, time(), UTC) - timedelta(days=3)
    begin_at = schedule_times.next_begin(window, zone, long_ago)
    assert begin_at == watched(day, at, zone)
    assert begin_at is not None
    end_at, shown_at = schedule_times.end_of(window, begin_at, zone), watched(day + timedelta(days=days), until, zone)
    assert end_at is not None
    assert end_at > begin_at
    if shown_at > begin_at:
        assert end_at == shown_at


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(NIGHTS),
    st.sets(st.integers(1, 7), min_size=1),
    times,
    times,
    st.integers(0, 3),
)
def test_windows_of_a_week_never_overlap(
    name: str, day: date, weekdays: set[int], at: time, until: time, days: int
) -> None:
    zone, window = ZoneInfo(name), When(at, None, tuple(sorted(weekdays)), until, days)
    try:
        schedule_times.check(window)
    except BadSchedule:
        return
    found = schedule_times.coming(window, zone, datetime.combine(day, time(), UTC) - timedelta(days=4), 9)
    edges = [edge for pair in found for edge in pair if edge is not None]
    assert len(edges) == 18
    assert edges == sorted(edges)


# --- deadlines and words ----------------------------------------------------------------------------------------------
def test_the_deadline_is_the_patience_and_never_past_the_end() -> None:
    begin_at = utc("2026-06-07T04:00")
    for until, minutes in (("00:30", 30), ("06:00", 60)):
        assert schedule_times.deadline(when("00:00", until), begin_at, TORONTO) == begin_at + minutes * MINUTE
    once = When(time(0), date(2026, 6, 7), patience_minutes=5)
    assert schedule_times.deadline(once, begin_at, TORONTO) == begin_at + 5 * MINUTE


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (When(time(9), date(2026, 6, 5)), "on 5 Jun 2026 at 09:00"),
        (When(time(9), weekdays=(1, 2, 3, 4, 5, 6, 7)), "every day at 09:00"),
        (when("22:00", "06:00", 1, 1, 3, 5), "every Monday, Wednesday and Friday at 22:00 until 06:00 the next day"),
        (When(time(9), weekdays=(1, 2, 3, 4, 5)), "Monday to Friday at 09:00"),
        (When(time(9), weekdays=(6, 7)), "every Saturday and Sunday at 09:00"),
        (when("08:00", "09:30"), "every Sunday at 08:00 until 09:30"),
        (when("08:00", "09:30", 3), "every Sunday at 08:00 until 09:30, 3 days later"),
    ],
)
def test_words(window: When, words: str) -> None:
    assert schedule_times.words(window) == words
