"""What the live page shows: rows of open sessions and tabs, for the page and its update alike.

Everything is read with a fixed number of queries. The figures above the rows live in charging/live_figures.py, how
all is drawn in templates/charging/; why no change is missed in docs/algorithms/changed_rows.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery

from charging import traces
from charging.models import Reading, Session, StationException
from charging.models.session import OPEN, Origin, State
from people.actor import Actor

ROWS = 200  # more open sessions than a person can watch; filters narrow them
TABS: dict[str, tuple[str, ...]] = {
    "": OPEN,
    "charging": (State.CHARGING,),
    "suspended": (State.SUSPENDED,),
    "pending": (State.REQUESTED, State.PENDING),
    "stopped": (State.STOPPING, State.STOPPED),
    "unknown": (State.UNKNOWN,),
}
SORTS = {"started": "requested_at", "power": "power_kw", "energy": "energy_kwh", "cost": "cost"}


@dataclass(frozen=True)
class Filter:
    """What the address asks for. Anything unknown in it falls back to everything."""

    tab: str = ""
    text: str = ""
    sort: str = "-started"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        tab, sort = query.get("tab", ""), query.get("sort", "")
        return cls(
            tab if tab in TABS else "",
            query.get("q", "").strip()[:100].replace("\0", ""),
            sort if sort.removeprefix("-") in SORTS else "-started",
        )

    def matches(self) -> Q:
        found = Q(state__in=TABS[self.tab])
        if self.text:
            found &= (
                Q(reference__icontains=self.text)
                | Q(station__vendor_id__icontains=self.text)
                | Q(station__name__icontains=self.text)
                | Q(site__name__icontains=self.text)
            )
        return found

    def order(self) -> tuple[Any, ...]:
        field = F(SORTS[self.sort.removeprefix("-")])
        falling = self.sort.startswith("-")
        return (field.desc(nulls_last=True) if falling else field.asc(nulls_last=True), "-id" if falling else "id")


@dataclass(frozen=True)
class Row:
    session: Session
    seen_at: datetime | None  # the last answer that spoke of it
    trace: list[Decimal | None]  # power over the last half hour
    after: int | None = None  # the session in the row above; None at the top

    @property
    def since_at(self) -> datetime:
        return self.session.started_at or self.session.requested_at


# --- what changed -----------------------------------------------------------------------------------------------------
def version() -> int:
    """The oldest transaction still running: whatever a later one writes carries a number that is not below it.

    Read it before the rows, so that a change between the two is sent twice and never missed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def pulse(actor: Actor) -> str:
    """Changes when an exception opens or clears: they carry no transaction number."""
    found = StationException.objects.visible_to(actor).filter(cleared_at=None).aggregate(n=Count("id"), last=Max("id"))
    return f"{found['n']}-{found['last'] or 0}"


def parse_version(text: str) -> tuple[int, str]:
    """`<transaction>.<pulse>` as the browser sent it back; anything else means "from the beginning"."""
    since, _, beat = text.partition(".")
    return (int(since) if since.isdecimal() and len(since) < 19 else 0), beat


def changed(actor: Actor, since: int) -> QuerySet[Session]:
    """Sessions written since a version. Imported ones were never on the board."""
    mine = Session.objects.visible_to(actor).filter(changed_xid__gte=since)
    return mine.exclude(origin=Origin.IMPORT) if since else mine.open()


def window(order: Sequence[int], moved: Collection[int], size: int) -> tuple[list[int], list[int]]:
    """What a page of the first `size` of an order must be told: the ids to draw, in order, and those to take away.

    `moved` are all ids that changed since the page was drawn, wherever they are now; `order` must reach `len(moved)`
    beyond the page. Why this is exact though nobody knows what the page holds: docs/algorithms/changed_rows.md.
    """
    page, beyond = order[:size], order[size:]
    entered = [pk for pk in page if pk in moved]
    left = sorted(set(moved).difference(page))
    still = [pk for pk in page if pk not in moved]
    was_longer = len(order) + len(left) > size
    risen = set(still[max(0, len(still) - len(left)) :]) if was_longer else set()
    fallen = [pk for pk in beyond if pk not in moved][: len(entered)]
    return [pk for pk in page if pk in moved or pk in risen], left + fallen


# --- rows -------------------------------------------------------------------------------------------------------------
def rows(actor: Actor, wanted: Filter, now: datetime, gap_s: float) -> list[Row]:
    """The open sessions of a filter, in its order, at most ROWS."""
    order = _order(actor, wanted, ROWS)
    return _placed(actor, wanted, order, order, now, gap_s)


def update(actor: Actor, wanted: Filter, since: int, now: datetime, gap_s: float) -> tuple[list[Row], list[int]]:
    """What turns the page of a version into the present one: rows to draw, and ids of sessions it shows no more."""
    moved = set(changed(actor, since).values_list("pk", flat=True))
    order = _order(actor, wanted, ROWS + len(moved))
    shown, gone = window(order, moved, ROWS)
    return _placed(actor, wanted, shown, order, now, gap_s), gone


def _order(actor: Actor, wanted: Filter, at_most: int) -> list[int]:
    found = Session.objects.visible_to(actor).filter(wanted.matches())
    return list(found.order_by(*wanted.order()).values_list("pk", flat=True)[:at_most])


def _placed(
    actor: Actor, wanted: Filter, shown: Sequence[int], order: Sequence[int], now: datetime, gap_s: float
) -> list[Row]:
    """The rows of some sessions of an order, each with the one above it. One that left meanwhile is left out."""
    place = {pk: index for index, pk in enumerate(order)}
    found = drawn(Session.objects.visible_to(actor).filter(wanted.matches(), pk__in=shown), now, gap_s)
    found.sort(key=lambda row: place[row.session.pk])
    above = [None, *order]
    return [replace(row, after=above[place[row.session.pk]]) for row in found]


def drawn(found: QuerySet[Session], now: datetime, gap_s: float) -> list[Row]:
    """Sessions with what a row needs: two queries."""
    latest = Reading.objects.filter(session=OuterRef("pk")).order_by("-received_at", "-id")
    sessions = list(
        found.select_related("site", "station", "connector").annotate(
            seen_at=Subquery(latest.values("confirmed_at")[:1])
        )
    )
    by_session: dict[int, list[Reading]] = {session.pk: [] for session in sessions}
    recent = Reading.objects.filter(session__in=list(by_session), confirmed_at__gte=now - traces.SPAN)
    for reading in recent.only("session_id", "received_at", "confirmed_at", "power_kw").order_by("received_at", "id"):
        by_session[reading.session_id].append(reading)
    return [Row(session, session.seen_at, traces.trace(by_session[session.pk], now, gap_s)) for session in sessions]


def count(actor: Actor, wanted: Filter) -> int:
    """How many open sessions a filter means, shown or not."""
    return Session.objects.visible_to(actor).filter(wanted.matches()).count()


def tabs(actor: Actor) -> list[tuple[str, int]]:
    """Per tab the number of open sessions, whatever the text filter."""
    counted = dict(Session.objects.visible_to(actor).open().order_by().values_list("state").annotate(n=Count("id")))
    return [(name, sum(counted.get(state, 0) for state in states)) for name, states in TABS.items()]


def gap_s(read_every_s: float, speed: float) -> float:
    """Silence of more business seconds than this is a gap in a curve: four missed reads, at least five minutes."""
    return max(timedelta(minutes=5).total_seconds(), 4 * read_every_s * speed)
