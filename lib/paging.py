"""Where a page of a long list stands: "51–100 of 1,240", and pages of lists whose ids grow with time.

Nothing here counts further than COUNTED or skips rows by OFFSET, so that ten million rows cost what ten thousand do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from lib import figures

T = TypeVar("T", bound=Model)
COUNTED = 10_000  # rows of an index that are counted at most


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: list[T]
    before: str  # cursor of the newer page; empty: there is none
    after: str
    label: str


def newest_first(found: QuerySet[T], *, before: str = "", after: str = "", size: int) -> Page[T]:
    """By id, newest first. `after` continues below a cursor, `before` above one; one without sense is the first page.
    At most three queries, and those of the queryset's own prefetches."""
    above, below = _key(before), _key(after)
    if above:
        newer = list(found.filter(pk__gt=above).order_by("pk")[: size + 1])
        rows, has_newer = newer[:size][::-1], len(newer) > size
        has_older = bool(rows)
    else:
        older = list((found.filter(pk__lt=below) if below else found).order_by("-pk")[: size + 1])
        rows, has_newer, has_older = older[:size], bool(below), len(older) > size
    ahead = found.filter(pk__gt=rows[0].pk).order_by("pk") if rows and has_newer else None
    label = place(rows, ahead=ahead, everything=found.order_by("-pk") if has_older else None)
    return Page(
        rows, str(rows[0].pk) if rows and has_newer else "", str(rows[-1].pk) if rows and has_older else "", label
    )


def place(rows: Sequence[Model], *, ahead: QuerySet[T] | None, everything: QuerySet[T] | None) -> str:
    """`ahead`: what stands before these rows, None for the first page. `everything`: the whole list, None where these
    rows are its last. Both in the order of an index, for they are counted up to COUNTED."""
    skipped = _count(ahead) if ahead is not None else 0
    if not rows:
        return ""
    if skipped > COUNTED:
        return _("after the first %(n)s") % {"n": figures.number(COUNTED)}
    first, last = figures.number(skipped + 1), figures.number(skipped + len(rows))
    shown = f"{first}–{last}" if len(rows) > 1 else last
    total = _count(everything) if everything is not None else skipped + len(rows)
    words = _("%(shown)s of %(total)s") if total <= COUNTED else _("%(shown)s of more than %(total)s")
    return words % {"shown": shown, "total": figures.number(min(total, COUNTED))}


def _count(found: QuerySet[T]) -> int:
    return found.values("pk")[: COUNTED + 1].count()


def _key(cursor: str) -> int:
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0
