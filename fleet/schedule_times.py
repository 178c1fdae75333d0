"""When a schedule begins and ends, in numbers and in words. Pure; what is sent then stands in fleet/schedules.py."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fleet.models import CommandSchedule
from lib import clock_times, figures

WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
WEEK = 7


class BadSchedule(ValueError):
    """It cannot be scheduled like this; the words say what to change. `field` is the form's, where one is meant."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True)
class When:
    """Once on `on_date` or on `weekdays` (ISO, 1 is Monday), at a clock time of the zone that stands beside it.

    With `until_time` it is a window that ends `until_days` local days later: with `back_values`, or where these are
    None with what each station had before.
    """

    at_time: time
    on_date: date | None = None
    weekdays: tuple[int, ...] = ()
    until_time: time | None = None
    until_days: int = 0
    back_values: Mapping[str, str] | None = None
    patience_minutes: int = 60
    name: str = ""

    @property
    def patience(self) -> timedelta:
        return timedelta(minutes=self.patience_minutes)


def of(schedule: CommandSchedule) -> When:
    return When(
        at_time=schedule.at_time,
        on_date=schedule.on_date,
        weekdays=tuple(schedule.weekdays),
        until_time=schedule.until_time,
        until_days=schedule.until_days,
        back_values=schedule.back_values,
        patience_minutes=schedule.patience_minutes,
        name=schedule.name,
    )


def dump(when: When) -> dict[str, Any]:
    """As JSON for a draft."""
    plain = asdict(when)
    times = {name: value.isoformat() for name, value in plain.items() if isinstance(value, date | time)}
    return plain | times | {"weekdays": list(when.weekdays)}


def load(stored: Mapping[str, Any]) -> When:
    """From a draft's JSON."""
    on_date, until_time = stored.get("on_date"), stored.get("until_time")
    return When(
        **dict(stored)
        | {
            "at_time": time.fromisoformat(stored["at_time"]),
            "on_date": date.fromisoformat(on_date) if on_date else None,
            "until_time": time.fromisoformat(until_time) if until_time else None,
            "weekdays": tuple(stored.get("weekdays", ())),
        }
    )


def next_begin(when: When, zone: ZoneInfo, after: datetime) -> datetime | None:
    """UTC; None: no more. A time that the clock shows twice is its first showing, one that it skips is the skip."""
    return clock_times.next_time(
        on_date=when.on_date, weekdays=when.weekdays, at_time=when.at_time, zone=zone, after=after
    )


def end_of(when: When, begin_at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the window that begins then ends, UTC, always after its beginning; None: it is no window.

    Where a clock that jumps swallows the whole window, it keeps its length and begins at the jump.
    """
    if when.until_time is None:
        return None
    first_day = begin_at.astimezone(zone).date()
    last = datetime.combine(first_day + timedelta(days=when.until_days), when.until_time)
    end_at = clock_times.first_showing(last, zone)
    return end_at if end_at > begin_at else begin_at + _length(when)


def deadline(when: When, begin_at: datetime, zone: ZoneInfo) -> datetime:
    """Until when the beginning may be sent, UTC: the patience, and never past the window's end."""
    end_at = end_of(when, begin_at, zone)
    late_at = begin_at + when.patience
    return late_at if end_at is None else min(late_at, end_at)


def coming(when: When, zone: ZoneInfo, after: datetime, most: int) -> list[tuple[datetime, datetime | None]]:
    """The next beginnings after `after`, each with its end."""
    found: list[tuple[datetime, datetime | None]] = []
    begin_at = next_begin(when, zone, after)
    while begin_at is not None and len(found) < most:
        found.append((begin_at, end_of(when, begin_at, zone)))
        begin_at = next_begin(when, zone, begin_at)
    return found


def check(when: When) -> None:
    """Raises BadSchedule with the first thing that makes no sense, whatever the zone."""
    if (when.on_date is None) == (not when.weekdays):
        raise BadSchedule(_("Choose either a date or weekdays."), "on_date")
    if when.until_time is None:
        return
    if _length(when) <= timedelta(0):
        raise BadSchedule(_("The end must come after the beginning: choose a later time or a later day."), "until_time")
    if when.on_date is None and _length(when) >= _shortest_gap(when.weekdays):
        words = _("The window would still be open when the next one begins: let it end earlier, or choose fewer days.")
        raise BadSchedule(words, "until_days")


def words(when: When) -> str:
    """`on 29 Nov 2026 at 22:00 until 06:00 the next day`, `every Sunday at 23:00`, `Monday to Friday at 23:00`."""
    at = {"days": _days(when), "time": f"{when.at_time:%H:%M}"}
    text = _("%(days)s at %(time)s") % at
    if when.until_time is None:
        return text
    return _("%(begin)s until %(end)s") % {"begin": text, "end": _until(when.until_time, when.until_days)}


def _days(when: When) -> str:
    if when.on_date is not None:
        return _("on %(day)s") % {"day": figures.day(when.on_date)}
    if len(when.weekdays) == WEEK:
        return _("every day")
    days = sorted(set(when.weekdays))
    names = [str(WEEKDAYS[day - 1]) for day in days]
    if len(days) == 1:
        return _("every %(day)s") % {"day": names[0]}
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return _("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}
    return _("every %(days)s and %(last)s") % {"days": ", ".join(names[:-1]), "last": names[-1]}


def _until(until_time: time, days: int) -> str:
    at = f"{until_time:%H:%M}"
    if days == 0:
        return at
    if days == 1:
        return _("%(time)s the next day") % {"time": at}
    later = ngettext("%(days)d day later", "%(days)d days later", days) % {"days": days}
    return f"{at}, {later}"


def _length(when: When) -> timedelta:
    """Of the window, by a clock that never jumps."""
    day = date(2000, 1, 1)
    until = datetime.combine(day, when.until_time or when.at_time) + timedelta(days=when.until_days)
    return until - datetime.combine(day, when.at_time)


def _shortest_gap(weekdays: tuple[int, ...]) -> timedelta:
    days = sorted(set(weekdays))
    gaps = [after - before for before, after in zip(days, [*days[1:], days[0] + WEEK], strict=True)]
    return timedelta(days=min(gaps))
