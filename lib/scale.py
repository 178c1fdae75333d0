"""Axes of charts as plain values: round ticks for any range, and which days or moments get a label. No SVG here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as date_text

from lib import figures

LADDER = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(4), Decimal(5))
MOST_INTERVALS = 5
MOST_LABELS = 8
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
TIME_STEPS_S = (
    *(minutes * MINUTE_S for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_S for hours in (1, 2, 3, 6, 12)),
    DAY_S,
)


@dataclass(frozen=True)
class Axis:
    """A value axis that contains zero. Heights are percent from the top of the plot."""

    ticks: tuple[Decimal, ...]

    @property
    def bottom(self) -> Decimal:
        return self.ticks[0]

    @property
    def top(self) -> Decimal:
        return self.ticks[-1]

    def y(self, value: Decimal) -> float:
        return float((self.top - value) / (self.top - self.bottom) * 100)


def axis(values: Sequence[Decimal], *, whole: bool = False) -> Axis:
    """The smallest round axis around zero and all values, at most five intervals; whole: no ticks between integers."""
    low, high = min([*values, Decimal(0)]), max([*values, Decimal(0)])
    if low == high:
        return Axis((Decimal(0), Decimal(1)))
    exponent = (high - low).adjusted() - 2
    while True:
        for factor in LADDER:
            step = factor.scaleb(exponent)
            if whole and step != step.to_integral_value():
                continue
            first = (low / step).to_integral_value(ROUND_FLOOR)
            last = (high / step).to_integral_value(ROUND_CEILING)
            if last - first <= MOST_INTERVALS:
                return Axis(tuple(step * index for index in range(int(first), int(last) + 1)))
        exponent += 1


def around(values: Sequence[Decimal | None]) -> Axis:
    """The axis of what is known; only whole ticks where all of it is whole."""
    present = [value for value in values if value is not None]
    return axis(present, whole=all(value == value.to_integral_value() for value in present))


def tick_text(value: Decimal) -> str:
    """`1,200`, `12k`, `2.5M`, `0.0004`: short enough for the margin of a chart."""
    for size, sign in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if abs(value) >= size:
            scaled = value / (1000 if sign == "k" else size)
            return f"{_short(scaled)}{sign}"
    return _short(value)


def _short(value: Decimal) -> str:
    if value and abs(value) < Decimal("0.0001"):
        return f"{float(value):g}".replace("-", figures.MINUS)
    decimals = max(0, -int(value.normalize().as_tuple().exponent))
    return figures.number(value, min(decimals, 6))


def day_labels(days: Sequence[date]) -> list[tuple[int, str]]:
    """(index, text) of the days to label: each of few, every nth of some, the first of months of many."""
    if not days:
        return []
    if (days[-1] - days[0]).days > 3 * 31:
        return _month_labels(days)
    stride = ceil(len(days) / MOST_LABELS)
    half = stride // 2  # keeps the first and the last label away from the edges, where they would meet their neighbours
    return [
        (index, date_text(days[index], "j M")) for index in range(half, len(days), stride) if index + half <= len(days)
    ]


def _month_labels(days: Sequence[date]) -> list[tuple[int, str]]:
    firsts = [
        index
        for index, here in enumerate(days)
        if (here.day == 1 if index == 0 else (here.year, here.month) != (days[index - 1].year, days[index - 1].month))
    ]
    stride = ceil(len(firsts) / MOST_LABELS)
    chosen = firsts[::stride]
    return [
        (
            index,
            date_text(days[index], "M Y" if order == 0 or days[index].year != days[chosen[order - 1]].year else "M"),
        )
        for order, index in enumerate(chosen)
    ]


def time_labels(start_at: datetime, end_at: datetime, zone: ZoneInfo) -> list[tuple[float, str]]:
    """(share of the way from start to end, local clock or day) at round local times."""
    span_s = (end_at - start_at).total_seconds()
    if span_s <= 0:
        return [(0.5, f"{start_at.astimezone(zone):%H:%M}")]
    step_s = next((step for step in TIME_STEPS_S if span_s / step <= MOST_LABELS - 1), 0)
    step_s = step_s or DAY_S * ceil(span_s / DAY_S / (MOST_LABELS - 1))
    offset = start_at.astimezone(zone).utcoffset() or timedelta()
    start_s, offset_s = start_at.timestamp(), offset.total_seconds()
    moment_s = ceil((start_s + offset_s) / step_s) * step_s - offset_s
    labels = []
    while moment_s <= start_s + span_s:
        local = datetime.fromtimestamp(moment_s, UTC).astimezone(zone)
        labels.append(((moment_s - start_s) / span_s, date_text(local, "j M" if step_s >= DAY_S else "H:i")))
        moment_s += step_s
    return labels
