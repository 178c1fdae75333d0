"""The curve of one session, drawn by the server as SVG: power as it was read, what it came to, and the spans in which
no energy flowed or another price held. Charts over days are in lib.charts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lib import figures, plot, scale
from lib.plot import Hit, Legend, Number, Table

MOST_HITS = 240  # more places than pixels help nobody
MOST_ROWS = 600  # so many are drawn and stand in the table; of each few the first and the one that differs most
GAP_S = 300.0
Values = list[Decimal | None]


@dataclass(frozen=True)
class Reading:
    """One reading of a session: power, and what has come together until then (cost or energy)."""

    at: datetime
    power_kw: Number | None
    cumulative: Number | None = None
    lasting: bool = False  # it was so ever since the one before, however long that is


@dataclass(frozen=True)
class Span:
    """A stretch of the time axis with its name; `end_at` None: it goes on."""

    begin_at: datetime
    end_at: datetime | None
    words: str

    def covers(self, at: datetime) -> bool:
        return self.begin_at <= at and (self.end_at is None or at < self.end_at)


@dataclass(frozen=True)
class _Row:
    """A place of the curve; a silent one is the beginning of a gap."""

    at: datetime
    power: Decimal | None
    sum: Decimal | None
    silent: bool = False


def power(
    id: str,
    title: str,
    readings: Sequence[Reading],
    zone: ZoneInfo,
    *,
    cumulative: str = "",
    cumulative_unit: str = "kWh",
    gap_s: float = GAP_S,
    idle: Sequence[Span] = (),
    periods: Sequence[Span] = (),
) -> SafeString:
    """Power in steps; silence beyond gap_s stays a gap. `cumulative` names a second line on its own axis. `idle` spans
    are tinted; `periods` are bands with their names, drawn where there is more than one."""
    every = _rows(readings, gap_s)
    if not every:
        return _nothing(_("No reading yet"))
    rows = _thinned(every)
    bands = periods if len(periods) > 1 else ()
    left, right = scale.around([row.power for row in rows]), scale.around([row.sum for row in rows])
    drawn = f'<g class="s1">{_held(left, rows)}</g>'
    legend = [Legend(1, _("Power, kW"))]
    if cumulative:
        drawn += f'<g class="s2">{_joined(right, rows)}</g>'
        legend.append(Legend(2, f"{cumulative}, {cumulative_unit}", line=True))
    if idle:
        legend.append(Legend(3, _("Plugged in without energy")))
    parts = [_parts(row, cumulative, cumulative_unit, [*idle, *bands]) for row in rows]
    stamps = [_stamp(row.at, zone) for row in rows]
    return plot.frame(
        id,
        title,
        _peak(every, len(rows), zone),
        left=plot.value_axis(left),
        inside=_bands(rows, bands) + plot.grid(left) + _idle(rows, idle) + plot.stretched(drawn)
        + plot.hits(_hits(rows, stamps, parts)),
        below=plot.label_axis((share * 100, text) for share, text in scale.time_labels(rows[0].at, rows[-1].at, zone)),
        legend=legend,
        table=_table(stamps, parts, cumulative, cumulative_unit, with_notes=bool(idle or bands)),
        right=plot.value_axis(right, right=True) if cumulative else "",
    )  # fmt: skip


# --- values -----------------------------------------------------------------------------------------------------------
def _rows(readings: Sequence[Reading], gap_s: float) -> list[_Row]:
    """In their order, with a silent row where nobody answered for longer than gap_s."""
    given = sorted(readings, key=lambda reading: reading.at)
    rows = [_Row(one.at, plot.known(one.power_kw), plot.known(one.cumulative)) for one in given]
    found = rows[:1]
    for index, (before, row) in enumerate(pairwise(rows), 1):
        if not given[index].lasting and (row.at - before.at).total_seconds() > gap_s:
            found.append(_Row(before.at, None, None, silent=True))
        found.append(row)
    return found


def _thinned(rows: Sequence[_Row]) -> Sequence[_Row]:
    """No peak is lost, no gap, and neither end."""
    if len(rows) <= MOST_ROWS:
        return rows
    size = -(-2 * len(rows) // MOST_ROWS)
    kept = {0, len(rows) - 1}
    for start in range(0, len(rows), size):
        few = range(start, min(start + size, len(rows)))
        first = rows[start].power or Decimal(0)
        kept |= {start, max(few, key=lambda index: abs((rows[index].power or Decimal(0)) - first))}
    silent = {index for index, row in enumerate(rows) if row.silent}
    return [rows[index] for index in sorted(kept | silent | {index - 1 for index in silent})]


def _stamp(at: datetime, zone: ZoneInfo) -> str:
    local_at = at.astimezone(zone)
    return f"{local_at:%H:%M:%S} {figures.zone_name(local_at)}"


def _peak(rows: Sequence[_Row], drawn: int, zone: ZoneInfo) -> str:
    present = [(row.power, row.at) for row in rows if row.power is not None]
    if not present:
        return _("No reading says a power.")
    high, at = max(present, key=lambda item: item[0])
    count = sum(not row.silent for row in rows)
    words = ngettext(
        "%(count)s reading, %(value)s at %(time)s.", "%(count)s readings, highest %(value)s at %(time)s.", count
    )
    told = words % {"count": count, "value": plot.written(high, "kW", 1), "time": _stamp(at, zone)}
    return told if drawn == len(rows) else told + " " + _("%(n)s of them are drawn.") % {"n": drawn}


# --- drawing ----------------------------------------------------------------------------------------------------------
def _place(rows: Sequence[_Row], at: datetime) -> float:
    span_s = (rows[-1].at - rows[0].at).total_seconds()
    return (at - rows[0].at).total_seconds() / span_s * plot.WIDTH if span_s else plot.WIDTH / 2


def _held(axis: scale.Axis, rows: Sequence[_Row]) -> str:
    drawn, floor = "", axis.y(Decimal(0))
    points = [None if row.power is None else (_place(rows, row.at), axis.y(row.power)) for row in rows]
    for run in plot.runs(points):
        if len(run) == 1:
            drawn += plot.dot(run[0])
            continue
        line = plot.steps(run)
        drawn += f'<path class="ar" d="{line}V{floor:.2f}H{run[0][0]:.1f}Z"/><path class="ln" d="{line}"/>'
    return drawn


def _joined(axis: scale.Axis, rows: Sequence[_Row]) -> str:
    points = [None if row.sum is None else (_place(rows, row.at), axis.y(row.sum)) for row in rows]
    return "".join(
        plot.dot(run[0]) if len(run) == 1 else f'<path class="ln" d="{plot.straight(run)}"/>'
        for run in plot.runs(points)
    )


def _clipped(rows: Sequence[_Row], spans: Sequence[Span]) -> list[tuple[float, float, str]]:
    """(from, width, words) in percent of what the curve covers."""
    found = []
    for span in spans:
        begin_at = max(span.begin_at, rows[0].at)
        end_at = min(span.end_at or rows[-1].at, rows[-1].at)
        if begin_at < end_at:
            start = _place(rows, begin_at) / plot.WIDTH * 100
            found.append((start, _place(rows, end_at) / plot.WIDTH * 100 - start, span.words))
    return found


def _idle(rows: Sequence[_Row], spans: Sequence[Span]) -> str:
    drawn = "".join(
        f'<rect class="sp" x="{plot.percent(x)}" width="{plot.percent(width)}" height="100%"/>'
        f'<rect class="sp edge" x="{plot.percent(x)}" width="{plot.percent(width)}" height="3"/>'
        for x, width, _words in _clipped(rows, spans)
    )
    return f'<g class="s3">{drawn}</g>' if drawn else ""


def _bands(rows: Sequence[_Row], spans: Sequence[Span]) -> str:
    return "".join(
        f'<rect class="bd{" odd" if index % 2 else ""}" x="{plot.percent(x)}" width="{plot.percent(width)}"'
        f' height="100%"/><text class="bd" x="{plot.percent(x)}" dx="6" y="14">{escape(words)}</text>'
        for index, (x, width, words) in enumerate(_clipped(rows, spans))
    )


def _nothing(words: str) -> SafeString:
    return mark_safe(f'<p class="faint">{escape(words)}</p>')  # noqa: S308 - escaped


# --- reading ----------------------------------------------------------------------------------------------------------
Parts = list[tuple[str, str, str]]


def _parts(row: _Row, cumulative: str, unit: str, spans: Sequence[Span]) -> Parts:
    """What the pointer reads at a place: class, label and value; the last one is a note or is not there."""
    found = [("s1", _("Power"), plot.written(row.power, "kW", 1))]
    if cumulative:
        found.append(("s2", cumulative, plot.written(row.sum, unit, 2)))
    notes = [_("no reading")] if row.silent else [span.words for span in spans if span.covers(row.at)]
    return [*found, ("", _("Note"), ", ".join(notes))] if notes else found


def _hits(rows: Sequence[_Row], stamps: Sequence[str], parts: list[Parts]) -> list[Hit]:
    """A reading holds until the next, so its place reaches there; the last one keeps a little of its own. Of many,
    some are left out, gaps last of all."""
    silent = [index for index, row in enumerate(rows) if row.silent][: MOST_HITS // 2]
    stride = max(1, -(-len(rows) // (MOST_HITS - len(silent))))
    chosen = sorted({*range(0, len(rows), stride), *silent})
    starts = [_place(rows, rows[index].at) / plot.WIDTH * 100 for index in chosen] if len(rows) > 1 else [0.0]
    ends = [*starts[1:], 100.0]
    return [
        Hit(start, max(0.4, end - start), stamps[index], parts[index])
        for index, start, end in zip(chosen, starts, ends, strict=True)
    ]


def _table(stamps: Sequence[str], parts: Sequence[Parts], cumulative: str, unit: str, *, with_notes: bool) -> Table:
    figures_there = 2 if cumulative else 1
    noted = with_notes or any(len(part) > figures_there for part in parts)
    head = [
        _("Time"),
        _("Power, kW"),
        *([f"{cumulative}, {unit}"] if cumulative else []),
        *([_("Note")] if noted else []),
    ]
    rows = []
    for stamp, part in zip(stamps, parts, strict=True):
        cells = [text for _key, _label, text in part]
        rows.append([stamp, *cells, *([""] if noted and len(cells) == figures_there else [])])
    return Table(head, rows)
