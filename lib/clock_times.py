"""When a clock on the wall of a zone shows a time of day, on nights that skip or repeat it too. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
LOOK_AHEAD = timedelta(days=8)
FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)  # beyond them the moment of a zone's clock has no date in UTC


def next_showing(at_time: time, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `after` when the zone's clock shows that time, in UTC.

    A time that the clock skips comes at the moment of the skip; one that it shows twice comes at the first showing
    after `after`, which may be the second of that night.
    """
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in (-1, 0, 1, 2))
    moments = [moment for day in days for moment in showings(datetime.combine(day, at_time), zone)]
    return min(moment for moment in moments if moment > after)


def next_time(
    *, on_date: date | None, weekdays: Sequence[int], at_time: time, zone: ZoneInfo, after: datetime
) -> datetime | None:
    """The first time after `after`, UTC, of what is planned once or weekly; None where none is to come.

    Each local date counts once: a time that the clock shows twice is its first showing, one that it skips comes at the
    moment of the skip. `weekdays` are ISO, 1 is Monday.
    """
    days = _days(on_date, weekdays, after.astimezone(zone).date())
    moments = (first_showing(datetime.combine(day, at_time), zone) for day in days)
    return next((moment for moment in moments if moment > after), None)


def first_showing(naive: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a local date and time, the first where it comes twice."""
    return next(iter(showings(naive, zone)))


def showings(naive: datetime, zone: ZoneInfo) -> Iterable[datetime]:
    """All moments (UTC) of a local date and time: one, two, or the skip that leaves it out."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return sorted({first, second})
    return [_skip(second, first, zone)]


def _days(on_date: date | None, weekdays: Sequence[int], today: date) -> Iterable[date]:
    if on_date is not None:
        return [on_date] if FIRST <= on_date <= LAST else []
    ahead = (today + timedelta(days=n) for n in range(-1, LOOK_AHEAD.days + 1))
    return (day for day in ahead if day.isoweekday() in weekdays)


def _skip(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The whole second between two moments at which the zone's offset changes."""
    old = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
