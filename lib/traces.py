"""Drawings inside text and tables: a thin bar, a trace, named horizontal bars. Their figures stand beside them."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from lib import figures, plot
from lib.plot import Number


def hbars(rows: Sequence[tuple[str, Number | None, str]], unit: str, *, decimals: int = 0) -> SafeString:
    """Named bars from the caller's order, each (name, value, href or empty), as shares of the largest."""
    values = [plot.known(value) for _name, value, _href in rows]
    largest = max((value for value in values if value is not None), default=Decimal(0))
    items = []
    for (name, _value, href), value in zip(rows, values, strict=True):
        words = f'<a class="lnk" href="{escape(href)}">{escape(name)}</a>' if href else escape(name)
        text, behind = ("–", "") if value is None else (figures.number(value, decimals), unit)
        items.append(
            f'<li><span>{words}</span><span class="num"><b>{text}</b><span class="unit">{escape(behind)}</span></span>'
            f"{bar(value, largest)}</li>"
        )
    return mark_safe(f'<ol class="hbars">{"".join(items)}</ol>')  # noqa: S308 - texts escaped above


def bar(
    value: Number | None, maximum: Number | None = 100, kind: str = "s1", mark_at: Number | None = None
) -> SafeString:
    """A thin bar, value of maximum, clipped to its track; `mark_at` is a limit on the same scale."""
    mark = (
        f'<rect class="mark" x="{plot.percent(_share(mark_at, maximum))}" width="2" height="100%"/>' if mark_at else ""
    )
    return mark_safe(  # noqa: S308 - numbers, and a class name that is escaped
        f'<svg class="bar {escape(kind)}" aria-hidden="true">'
        f'<rect width="{plot.percent(_share(value, maximum))}" height="100%" rx="2.5"/>{mark}</svg>'
    )


def stack(parts: Sequence[tuple[str, int, str]], total: int) -> SafeString:
    """A thin bar of parts, each (class, value, words), from the left; the words stand beside it, not in it."""
    drawn, begin = "", 0.0
    for kind, value, _words in parts:
        width = _share(value, total)
        drawn += f'<rect class="{escape(kind)}" x="{plot.percent(begin)}" width="{plot.percent(width)}" height="100%"/>'
        begin += width
    return mark_safe(f'<svg class="bar stack" aria-hidden="true">{drawn}</svg>')  # noqa: S308 - numbers, escaped classes


def spark(values: Sequence[Number | None], kind: str = "s1") -> SafeString:
    """A trace of 64 x 20 px from zero; gaps stay gaps, nothing at all draws an empty box of the same size."""
    exact = [plot.known(value) for value in values]
    top = max((value for value in exact if value is not None), default=Decimal(0)) or Decimal(1)
    low = min([value for value in exact if value is not None] + [Decimal(0)])
    width = 100 / max(1, len(exact) - 1)
    points = [
        None if value is None else (index * width, float(19 - (value - low) / (max(top, Decimal(0)) - low or 1) * 17))
        for index, value in enumerate(exact)
    ]
    drawn = ""
    for run in plot.runs(points):
        line = plot.straight(run) if len(run) > 1 else plot.straight([run[0], (run[0][0] + 3, run[0][1])])
        drawn += f'<path class="a" d="{line}V20H{run[0][0]:.1f}Z"/><path d="{line}"/>'
    return mark_safe(  # noqa: S308 - numbers, and a class name that is escaped
        f'<svg class="spark {escape(kind)}" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">'
        f"{drawn}</svg>"
    )


def _share(value: Number | None, maximum: Number | None) -> float:
    part, whole = plot.known(value), plot.known(maximum)
    if part is None or whole is None or whole <= 0:
        return 0.0
    return float(min(Decimal(100), max(Decimal(0), part / whole * 100)))
