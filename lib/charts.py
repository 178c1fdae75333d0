"""Charts drawn by the server as SVG: per day, lines, a session's power curve.
What fits into a line of text is in lib.traces.

They work without a script, follow the theme by CSS, and carry title, finding and the same data as a table. Values are
Decimal, int or float; None and what is not finite are "not known" and stay gaps. Zero is always on the axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lib import figures, plot, scale
from lib.plot import Hit, Legend, Number, Series, Table
from lib.traces import bar, hbars, spark

__all__ = ["Reading", "Series", "bar", "days", "hbars", "lines", "power_curve", "spark"]

MOST_HITS = 240  # more places than pixels help nobody
GAP_S = 300.0
Values = list[Decimal | None]


@dataclass(frozen=True)
class Reading:
    """One reading of a session: power, and what has come together until then (energy or cost)."""

    at: datetime
    power_kw: Number | None
    cumulative: Number | None = None


def days(
    id: str,
    title: str,
    dates: Sequence[date],
    series: Sequence[Series],
    unit: str,
    *,
    decimals: int = 0,
    grouped: bool = False,
    previous: Series | None = None,
) -> SafeString:
    """Bars per day, stacked or side by side, at most three series; `previous` is a dashed line of an earlier period."""
    values = [[plot.known(value) for value in one.values] for one in series]
    before = [plot.known(value) for value in previous.values][: len(dates)] if previous else []
    totals = [_total(column) for column in zip(*values, strict=True)]
    axis = _axis([*_extents(values, grouped), *before])
    drawn = "".join(
        f'<g class="s{order}">{_bars(axis, values, order - 1, one.estimated, grouped)}</g>'
        for order, one in enumerate(series, 1)
    )
    legend = [Legend(order, one.name) for order, one in enumerate(series, 1)]
    if previous:
        drawn += plot.stretched(f'<g class="s4">{_curve(axis, before, len(dates), dash=True)}</g>')
        legend.append(Legend(4, previous.name, line=True))
    read = _parts(series, values, unit, decimals)
    places = _day_hits(dates, read, totals if len(series) > 1 else [], unit, decimals)
    if previous:
        for index, place in enumerate(places):
            value = before[index] if index < len(before) else None
            place.parts.append(("s4", previous.name, plot.written(value, unit, decimals)))
    return plot.frame(
        id,
        title,
        _finding(dates, totals, unit, decimals),
        left=plot.value_axis(axis),
        inside=plot.grid(axis) + drawn + plot.hits(places),
        below=_day_axis(dates),
        legend=legend,
        table=_day_table(dates, series, values, unit, decimals),
    )


def lines(
    id: str,
    title: str,
    dates: Sequence[date],
    series: Sequence[Series],
    unit: str,
    *,
    decimals: int = 0,
    area: bool = False,
) -> SafeString:
    """Curves over days, at most three; `area` shades below the first."""
    values = [[plot.known(value) for value in one.values] for one in series]
    axis = _axis([value for row in values for value in row])
    drawn = "".join(
        f'<g class="s{order}">{_curve(axis, row, len(dates), area=area and order == 1)}</g>'
        for order, row in enumerate(values, 1)
    )
    read = _parts(series, values, unit, decimals)
    return plot.frame(
        id,
        title,
        _finding(dates, values[0] if values else [], unit, decimals),
        left=plot.value_axis(axis),
        inside=plot.grid(axis) + plot.stretched(drawn) + plot.hits(_day_hits(dates, read, [], unit, decimals)),
        below=_day_axis(dates),
        legend=[Legend(order, one.name, line=True) for order, one in enumerate(series, 1)],
        table=_day_table(dates, series, values, unit, decimals),
    )


def power_curve(
    id: str,
    title: str,
    readings: Sequence[Reading],
    zone: ZoneInfo,
    *,
    cumulative: str = "",
    cumulative_unit: str = "kWh",
    gap_s: float = GAP_S,
) -> SafeString:
    """Power in steps; silence beyond gap_s stays a gap. `cumulative` names a second line on its own axis."""
    rows = sorted(readings, key=lambda reading: reading.at)
    if not rows:
        return _nothing(_("No reading yet"))
    power = [plot.known(row.power_kw) for row in rows]
    left = _axis(power)
    drawn = f'<g class="s1">{_held(left, rows, power, gap_s)}</g>'
    legend, right = [Legend(1, _("Power, kW"), line=True)], ""
    summed: Values = []
    if cumulative:
        summed = [plot.known(row.cumulative) for row in rows]
        second = _axis(summed)
        drawn += f'<g class="s2">{_joined(second, rows, summed, gap_s)}</g>'
        legend.append(Legend(2, f"{cumulative}, {cumulative_unit}", line=True))
        right = plot.value_axis(second, right=True)
    parts = _curve_parts(power, summed, cumulative, cumulative_unit)
    stamps = [f"{row.at.astimezone(zone):%H:%M:%S} {figures.zone_name(row.at.astimezone(zone))}" for row in rows]
    head = [_("Time"), _("Power, kW"), *([f"{cumulative}, {cumulative_unit}"] if cumulative else [])]
    table = Table(head, [[stamp, *(text for _c, _l, text in part)] for stamp, part in zip(stamps, parts, strict=True)])
    return plot.frame(
        id,
        title,
        _peak(rows, power, stamps),
        left=plot.value_axis(left),
        inside=plot.grid(left) + plot.stretched(drawn) + plot.hits(_time_hits(rows, stamps, parts)),
        below=plot.label_axis((share * 100, text) for share, text in scale.time_labels(rows[0].at, rows[-1].at, zone)),
        legend=legend,
        table=table,
        right=right,
    )


# --- values -----------------------------------------------------------------------------------------------------------
def _total(values: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None if nothing is."""
    present = [value for value in values if value is not None]
    return sum(present, Decimal(0)) if present else None


def _axis(values: Sequence[Decimal | None]) -> scale.Axis:
    present = [value for value in values if value is not None]
    return scale.axis(present, whole=all(value == value.to_integral_value() for value in present))


def _extents(values: Sequence[Values], grouped: bool) -> list[Decimal]:
    """What the axis must reach: each value, or the tops and bottoms of the stacks."""
    columns = [[value for value in column if value is not None] for column in zip(*values, strict=True)]
    if grouped:
        return [value for column in columns for value in column]
    return [
        sum((value for value in column if (value > 0) is up), Decimal(0)) for column in columns for up in (True, False)
    ]


def _finding(dates: Sequence[date], values: Sequence[Decimal | None], unit: str, decimals: int) -> str:
    present = [(value, index) for index, value in enumerate(values) if value is not None]
    if not present:
        return _("No data in this period.")
    total = sum((value for value, _index in present), Decimal(0))
    text = ngettext("%(count)s day, %(total)s in total.", "%(count)s days, %(total)s in total.", len(dates)) % {
        "count": len(dates),
        "total": plot.written(total, unit, decimals),
    }
    high, where = max(present, key=lambda item: item[0])
    if high <= 0 or len(present) < 2:
        return text
    return f"{text} " + _("Highest on %(day)s with %(value)s.") % {
        "day": figures.day(dates[where]),
        "value": plot.written(high, unit, decimals),
    }


def _peak(rows: Sequence[Reading], power: Values, stamps: Sequence[str]) -> str:
    present = [(value, index) for index, value in enumerate(power) if value is not None]
    if not present:
        return _("No reading says a power.")
    high, where = max(present, key=lambda item: item[0])
    words = ngettext(
        "%(count)s reading, %(value)s at %(time)s.", "%(count)s readings, highest %(value)s at %(time)s.", len(rows)
    )
    return words % {
        "count": len(rows),
        "value": plot.written(high, "kW", 1),
        "time": stamps[where],
    }


# --- drawing ----------------------------------------------------------------------------------------------------------
def _bars(axis: scale.Axis, values: Sequence[Values], own: int, estimated: bool, grouped: bool) -> str:
    slot = 100 / max(1, len(values[own]))
    width = slot * 0.72 / (len(values) if grouped else 1)
    drawn = []
    for index, value in enumerate(values[own]):
        if not value:
            continue
        below = [row[index] or Decimal(0) for row in values[:own]]
        base = Decimal(0) if grouped else sum((other for other in below if (other > 0) == (value > 0)), Decimal(0))
        y = axis.y(max(base, base + value))
        height = axis.y(min(base, base + value)) - y
        gap = 0.35 if base and height > 1 else 0.0  # a hair between stacked parts, never instead of one
        drawn.append(
            f'<rect class="b{" est" if estimated else ""}"'
            f' x="{plot.percent(index * slot + slot * 0.14 + (own * width if grouped else 0))}"'
            f' width="{plot.percent(width)}" y="{plot.percent(y)}" height="{height - gap:.4g}%" rx="1.5"/>'
        )
    return "".join(drawn)


def _curve(axis: scale.Axis, values: Values, count: int, *, dash: bool = False, area: bool = False) -> str:
    slot = plot.WIDTH / max(1, count)
    points = [None if value is None else ((index + 0.5) * slot, axis.y(value)) for index, value in enumerate(values)]
    drawn, floor = "", axis.y(Decimal(0))
    for run in plot.runs(points):
        if len(run) == 1:
            drawn += plot.dot(run[0])
            continue
        line = plot.smooth(run)
        if area:
            drawn += f'<path class="ar" d="{line}L{run[-1][0]:.1f} {floor:.2f}L{run[0][0]:.1f} {floor:.2f}Z"/>'
        drawn += f'<path class="ln{" dash" if dash else ""}" d="{line}"/>'
    return drawn


def _place(rows: Sequence[Reading], at: datetime) -> float:
    span_s = (rows[-1].at - rows[0].at).total_seconds()
    return (at - rows[0].at).total_seconds() / span_s * plot.WIDTH if span_s else plot.WIDTH / 2


def _with_gaps(axis: scale.Axis, rows: Sequence[Reading], values: Values, gap_s: float) -> list[list[plot.Point]]:
    points: list[plot.Point | None] = []
    for index, (row, value) in enumerate(zip(rows, values, strict=True)):
        if index and (row.at - rows[index - 1].at).total_seconds() > gap_s:
            points.append(None)
        points.append(None if value is None else (_place(rows, row.at), axis.y(value)))
    return plot.runs(points)


def _held(axis: scale.Axis, rows: Sequence[Reading], values: Values, gap_s: float) -> str:
    drawn, floor = "", axis.y(Decimal(0))
    for run in _with_gaps(axis, rows, values, gap_s):
        if len(run) == 1:
            drawn += plot.dot(run[0])
            continue
        line = plot.steps(run)
        drawn += f'<path class="ar" d="{line}V{floor:.2f}H{run[0][0]:.1f}Z"/><path class="ln" d="{line}"/>'
    return drawn


def _joined(axis: scale.Axis, rows: Sequence[Reading], values: Values, gap_s: float) -> str:
    return "".join(
        plot.dot(run[0]) if len(run) == 1 else f'<path class="ln" d="{plot.straight(run)}"/>'
        for run in _with_gaps(axis, rows, values, gap_s)
    )


def _day_axis(dates: Sequence[date]) -> str:
    slot = 100 / max(1, len(dates))
    return plot.label_axis(((index + 0.5) * slot, text) for index, text in scale.day_labels(dates))


def _nothing(words: str) -> SafeString:
    return mark_safe(f'<p class="faint">{escape(words)}</p>')  # noqa: S308 - escaped


# --- reading ----------------------------------------------------------------------------------------------------------
Parts = list[tuple[str, str, str]]


def _parts(series: Sequence[Series], values: Sequence[Values], unit: str, decimals: int) -> list[Parts]:
    """Per day, what the pointer reads: class, label and value of each series."""
    return [
        [
            (f"s{order}", one.name, plot.written(row[index] if index < len(row) else None, unit, decimals))
            for order, (one, row) in enumerate(zip(series, values, strict=True), 1)
        ]
        for index in range(max((len(row) for row in values), default=0))
    ]


def _curve_parts(power: Values, summed: Values, name: str, unit: str) -> list[Parts]:
    rows: list[Parts] = [[("s1", _("Power"), plot.written(value, "kW", 1))] for value in power]
    for row, value in zip(rows, summed, strict=False):
        row.append(("s2", name, plot.written(value, unit, 2)))
    return rows


def _day_hits(dates: Sequence[date], rows: list[Parts], totals: Values, unit: str, decimals: int) -> list[Hit]:
    slot = 100 / max(1, len(dates))
    places = []
    for index, here in enumerate(dates):
        parts = list(rows[index]) if index < len(rows) else []
        if totals:
            parts.append(("", _("Total"), plot.written(totals[index], unit, decimals)))
        places.append(Hit(index * slot, slot, figures.day(here), parts))
    return places


def _time_hits(rows: Sequence[Reading], stamps: Sequence[str], parts: list[Parts]) -> list[Hit]:
    """A reading holds until the next, so its place reaches there; the last one keeps a little of its own."""
    chosen = range(0, len(rows), max(1, -(-len(rows) // MOST_HITS)))
    starts = [_place(rows, rows[index].at) / plot.WIDTH * 100 for index in chosen] if len(rows) > 1 else [0.0]
    ends = [*starts[1:], 100.0]
    return [
        Hit(start, max(0.4, end - start), stamps[index], parts[index])
        for index, start, end in zip(chosen, starts, ends, strict=True)
    ]


def _day_table(
    dates: Sequence[date], series: Sequence[Series], values: Sequence[Values], unit: str, decimals: int
) -> Table:
    many = len(series) > 1
    head = [_("Day"), *(f"{one.name}, {unit}" for one in series), *([_("Total")] if many else [])]
    rows = []
    for index, here in enumerate(dates):
        column = [row[index] for row in values]
        cells = [*column, *([_total(column)] if many else [])]
        rows.append([figures.day(here), *(plot.written(cell, "", decimals) for cell in cells)])
    sums = [_total(row) for row in values]
    foot = [_("Total"), *(plot.written(cell, "", decimals) for cell in [*sums, *([_total(sums)] if many else [])])]
    return Table(head, rows, foot)
