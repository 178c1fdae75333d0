"""When a clock on the wall of a zone shows a time of day, on nights that skip or repeat it too. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def next_showing(at_time: time, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `after` when the zone's clock shows that time, in UTC.

    A time that the clock skips comes at the moment of the skip; one that it shows twice comes at the first showing
    after `after`, which may be the second of that night.
    """
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in (-1, 0, 1, 2))
    moments = [moment for day in days for moment in showings(datetime.combine(day, at_time), zone)]
    return min(moment for moment in moments if moment > after)


def showings(naive: datetime, zone: ZoneInfo) -> Iterable[datetime]:
    """All moments (UTC) of a local date and time: one, two, or the skip that leaves it out."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return sorted({first, second})
    return [_skip(second, first, zone)]


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
