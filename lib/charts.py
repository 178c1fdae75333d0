"""Charts over days, drawn by the server as SVG. A session's curve is in lib.curves, what fits into a line of text in
lib.traces.

They work without a script, follow the theme by CSS, and carry title, finding and the same data as a table. Values are
Decimal, int or float; None and what is not finite are "not known" and stay gaps. Zero is always on the axis.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lib import figures, plot, scale
from lib.plot import Hit, Legend, Series, Table
from lib.traces import bar, hbars, spark

__all__ = ["Series", "bar", "days", "hbars", "lines", "spark"]

Values = list[Decimal | None]


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
    axis = scale.around([*_extents(values, grouped), *before])
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
    axis = scale.around([value for row in values for value in row])
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


# --- values -----------------------------------------------------------------------------------------------------------
def _total(values: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None if nothing is."""
    present = [value for value in values if value is not None]
    return sum(present, Decimal(0)) if present else None


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


def _day_axis(dates: Sequence[date]) -> str:
    slot = 100 / max(1, len(dates))
    return plot.label_axis(((index + 0.5) * slot, text) for index, text in scale.day_labels(dates))


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


def _day_hits(dates: Sequence[date], rows: list[Parts], totals: Values, unit: str, decimals: int) -> list[Hit]:
    slot = 100 / max(1, len(dates))
    places = []
    for index, here in enumerate(dates):
        parts = list(rows[index]) if index < len(rows) else []
        if totals:
            parts.append(("", _("Total"), plot.written(totals[index], unit, decimals)))
        places.append(Hit(index * slot, slot, figures.day(here), parts))
    return places


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
