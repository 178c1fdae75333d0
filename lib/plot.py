"""The parts that every chart shares: frame, axes, legend, places to read a value, and the same data as a table.

The outer <svg> has no viewBox, so text keeps its size at every width; bars and labels stand at percentages. Lines
sit in an inner <svg> of 1000 x 100 units that is stretched without stretching its strokes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lib import figures, scale

Number = int | float | Decimal
Point = tuple[float, float]
WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True)
class Series:
    """One row of values under a name; None is "not known" and is drawn as a gap. An estimated one is drawn paler."""

    name: str
    values: Sequence[Number | None]
    estimated: bool = False


@dataclass(frozen=True)
class Legend:
    """An entry of the legend: series number, words, drawn as a line or as an area."""

    number: int
    words: str
    line: bool = False


@dataclass(frozen=True)
class Hit:
    """A place to read a value: where (percent), its title and its parts (series class, label, value)."""

    x: float
    width: float
    title: str
    parts: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Table:
    """The same data for people who read tables; foot holds the totals."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str] = ()


def known(value: Number | None) -> Decimal | None:
    """The value exactly, None for what is no number."""
    if value is None:
        return None
    number = figures.exact(value)
    return number if number.is_finite() else None


def percent(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def written(value: Decimal | None, unit: str, decimals: int) -> str:
    """A value with its unit, or an en dash."""
    return "–" if value is None else f"{figures.number(value, decimals)} {unit}".strip()


def frame(
    id: str,
    title: str,
    finding: str,
    *,
    left: str,
    inside: str,
    below: str,
    legend: Sequence[Legend] = (),
    table: Table | None = None,
    right: str = "",
) -> SafeString:
    """A whole chart. `id` is unique on the page; the finding is the one sentence a reader should take away."""
    return mark_safe(  # noqa: S308 - every text was escaped where it was put in
        f'<div class="chart">{_legend(legend)}<div class="c-grid{" two" if right else ""}">{left}'
        f'<svg class="c-plot" role="img" tabindex="0" aria-labelledby="{escape(id)}-t {escape(id)}-d">'
        f'<title id="{escape(id)}-t">{escape(title)}</title><desc id="{escape(id)}-d">{escape(finding)}</desc>'
        f"{inside}</svg>{right}{below}</div>{_table(table)}</div>"
    )


def value_axis(axis: scale.Axis, *, right: bool = False) -> str:
    x, dx, anchor = ("0", "8", "start") if right else ("100%", "-8", "end")
    labels = "".join(
        f'<text x="{x}" dx="{dx}" dy=".32em" y="{percent(axis.y(tick))}" text-anchor="{anchor}">'
        f"{scale.tick_text(tick)}</text>"
        for tick in axis.ticks
    )
    return f'<svg class="c-y" aria-hidden="true">{labels}</svg>'


def grid(axis: scale.Axis) -> str:
    heights = [("gl" if tick else "ax", percent(axis.y(tick))) for tick in axis.ticks]
    return "".join(f'<line class="{kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>' for kind, y in heights)


def label_axis(labels: Iterable[tuple[float, str]]) -> str:
    """Labels at percentages of the width; those at the edges stay inside."""
    drawn = []
    for x, text in labels:
        anchor = "start" if x < 3 else "end" if x > 97 else "middle"
        drawn.append(f'<text x="{percent(x)}" y="16" text-anchor="{anchor}">{escape(text)}</text>')
    return f'<svg class="c-x" aria-hidden="true">{"".join(drawn)}</svg>'


def hits(places: Iterable[Hit]) -> str:
    """app.js reads data-t and data-v; parts stand on lines, their fields apart by tabs."""
    drawn = []
    for place in places:
        parts = "&#10;".join("&#9;".join(escape(" ".join(field.split())) for field in part) for part in place.parts)
        drawn.append(
            f'<rect class="hit" x="{percent(place.x)}" width="{percent(place.width)}" height="100%"'
            f' data-t="{escape(place.title)}" data-v="{parts}"/>'
        )
    return "".join(drawn)


def stretched(inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" width="100%" height="100%"'
        f' overflow="visible">{inside}</svg>'
    )


def runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """The stretches between gaps."""
    found: list[list[Point]] = [[]]
    for point in points:
        if point is not None:
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def smooth(points: Sequence[Point]) -> str:
    """A path through the points that never swings past them (monotone cubic, harmonic means of the slopes)."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    inner = [0.0 if a * b <= 0 else 2 * a * b / (a + b) for a, b in pairwise(slopes)]
    tangents = [slopes[0], *inner, slopes[-1]]
    path = f"M{points[0][0]:.1f} {points[0][1]:.2f}"
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        third = (x1 - x0) / 3
        path += (
            f"C{x0 + third:.1f} {y0 + tangents[index] * third:.2f}"
            f" {x1 - third:.1f} {y1 - tangents[index + 1] * third:.2f} {x1:.1f} {y1:.2f}"
        )
    return path


def steps(points: Sequence[Point]) -> str:
    """A path that holds each value until the next."""
    return f"M{points[0][0]:.1f} {points[0][1]:.2f}" + "".join(f"H{x:.1f}V{y:.2f}" for x, y in points[1:])


def straight(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.2f}" for x, y in points)


def dot(point: Point) -> str:
    """A lone value: a line of no length with round ends."""
    return f'<path class="pt" d="M{point[0]:.1f} {point[1]:.2f}h.01"/>'


def _legend(entries: Sequence[Legend]) -> str:
    if len(entries) < 2:
        return ""
    items = "".join(
        f'<label><input type="checkbox" checked data-s="{entry.number}">'
        f'<i class="k s{entry.number}{" line" if entry.line else ""}"></i>{escape(entry.words)}</label>'
        for entry in entries
    )
    return f'<div class="legend">{items}</div>'


def _table(table: Table | None) -> str:
    if table is None:
        return ""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.head)
    body = "".join(_row(row) for row in table.rows)
    foot = f"<tfoot>{_row(table.foot)}</tfoot>" if table.foot else ""
    name = escape(_("Data table"))
    return (
        f'<details class="as-table"><summary>{name}</summary><div tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div></details>"
    )


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{escape(cells[0])}</th>{rest}</tr>'
