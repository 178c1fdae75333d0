"""Pages of lists that rise: by a text and then the key, as stations by their id, or by the key alone.

Lists that grow with time, newest first, are lib.paging's.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from lib import paging

T = TypeVar("T", bound=Model)
CURSOR = re.compile(r"(\d{1,18})-(.*)", re.DOTALL)


def rising(found: QuerySet[T], cursors: Mapping[str, str], *, by: str = "", size: int) -> paging.Page[T]:
    """`cursors` may hold `after`, to go on behind a row, or `before`, to end ahead of one; without sense: the first
    page. Five queries at most, and those of the queryset's own prefetches."""
    ahead, behind = _beyond(cursors.get("before", ""), by, "lt"), _beyond(cursors.get("after", ""), by, "gt")
    rows: list[T] = []
    if ahead is not None:
        rows = list(found.filter(ahead).order_by(*_order(by, "-"))[:size])[::-1]
    if len(rows) < size:  # the whole first page, where less than a page stands ahead
        source = found if ahead is not None or behind is None else found.filter(behind)
        rows = list(source.order_by(*_order(by))[: size + 1])
    return _placed(found, rows, by, size, is_first=ahead is None and behind is None)


def _placed(found: QuerySet[T], read: list[T], by: str, size: int, *, is_first: bool) -> paging.Page[T]:
    rows = read[:size]
    if not rows:
        return paging.Page([], "", "", "")
    first, last = _cursor(rows[0], by), _cursor(rows[-1], by)
    skipped = found.filter(_beyond(first, by, "lt") or Q()).order_by(*_order(by))
    has_ahead = not is_first and skipped.exists()
    has_behind = len(read) > size or (not is_first and found.filter(_beyond(last, by, "gt") or Q()).exists())
    everything = found.order_by(*_order(by)) if has_behind else None
    label = paging.place(rows, ahead=skipped if has_ahead else None, everything=everything)
    return paging.Page(rows, first if has_ahead else "", last if has_behind else "", label)


def _order(by: str, sign: str = "") -> list[str]:
    return [f"{sign}{name}" for name in (by, "pk") if name]


def _beyond(cursor: str, by: str, side: str) -> Q | None:
    """What stands on that side of the cursor's row. The first condition alone lets an index serve."""
    read = CURSOR.fullmatch(cursor)
    if read is None or "\0" in cursor:
        return None
    key, text = int(read[1]), read[2]
    if not by:
        return Q(**{f"pk__{side}": key})
    return Q(**{f"{by}__{side}e": text}) & (Q(**{f"{by}__{side}": text}) | Q(**{f"pk__{side}": key}))


def _cursor(row: Model, by: str) -> str:
    return f"{row.pk}-{getattr(row, by) if by else ''}"
