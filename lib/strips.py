"""Strips of states over time, drawn by the server as SVG: a row for each thing, a bar for each stretch.

Each row is a plot of its own, so that the pointer and the arrow keys read it as they read a chart. The same data as a
table belongs to the page, which knows the states' names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from lib import plot
from lib.plot import Hit

MOST_HITS = 300
LEAST = 0.12  # percent: less would not be seen


@dataclass(frozen=True)
class Bar:
    """`key` is that of the state (lib.icons); an empty one is drawn as the bare track. title and words are read out."""

    key: str
    begin_at: datetime
    end_at: datetime
    title: str
    label: str
    words: str = ""
    height: float = 100.0  # percent: states differ by shape too


@dataclass(frozen=True)
class Row:
    name: str
    finding: str
    bars: Sequence[Bar]


def draw(
    id: str,
    rows: Sequence[Row],
    begin_at: datetime,
    end_at: datetime,
    *,
    labels: Sequence[tuple[float, str]],
    lines: Sequence[float] = (),
) -> SafeString:
    """`labels` and `lines` stand at percentages of the way from begin_at to end_at."""
    grid = "".join(f'<line class="gl" x1="{plot.percent(x)}" x2="{plot.percent(x)}" y1="0" y2="100%"/>' for x in lines)
    span_s = (end_at - begin_at).total_seconds()
    drawn = "".join(_row(f"{id}-{number}", row, begin_at, span_s, grid) for number, row in enumerate(rows))
    return mark_safe(  # noqa: S308 - every text was escaped where it was put in
        f'<div class="chart strip">{drawn}<div class="c-row"><span></span>{plot.label_axis(labels)}</div></div>'
    )


def _row(id: str, row: Row, begin_at: datetime, span_s: float, grid: str) -> str:
    places = [(bar, *_place(bar, begin_at, span_s)) for bar in row.bars]
    bars = "".join(
        f'<rect class="sg {escape(bar.key)}" x="{plot.percent(x)}" width="{plot.percent(width)}"'
        f' y="{plot.percent(100 - bar.height)}" height="{plot.percent(bar.height)}"/>'
        for bar, x, width in places
        if bar.key
    )
    longest = sorted(places, key=lambda place: -place[2])[:MOST_HITS]
    kept = sorted(longest, key=lambda place: place[1])
    hits = plot.hits(Hit(x, width, bar.title, [("", bar.label, bar.words)]) for bar, x, width in kept)
    return (
        f'<div class="c-row"><span id="{id}-n">{escape(row.name)}</span>'
        f'<svg class="c-plot" role="img" tabindex="0" aria-labelledby="{id}-n {id}-d"><desc id="{id}-d">'
        f'{escape(row.finding)}</desc><line class="ax" x1="0" x2="100%" y1="100%" y2="100%"/>{grid}{bars}{hits}</svg>'
        "</div>"
    )


def _place(bar: Bar, begin_at: datetime, span_s: float) -> tuple[float, float]:
    x = (bar.begin_at - begin_at).total_seconds() / span_s * 100 if span_s else 0.0
    width = (bar.end_at - bar.begin_at).total_seconds() / span_s * 100 if span_s else 100.0
    return x, max(LEAST, width)
