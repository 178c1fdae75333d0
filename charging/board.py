"""Which open sessions the board shows and in what order: filters, tabs, and what turns an older page into the present.

What changed lives in charging/changes.py, what a row says in charging/board_rows.py, the figures above the rows in
charging/live_figures.py. Why no row is missed: docs/algorithms/changed_rows.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields import BooleanField, SmallIntegerField

from charging import decisions, silence, unsent
from charging.changes import News
from charging.models import Session
from charging.models.session import LIVE, OPEN, State, StopState
from charging.models.stop_rule import StopRule
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
FIRST = "attention"  # the order unless another is asked for
SORTS = {"started": "requested_at", "power": "power_kw", "energy": "energy_kwh", "cost": "cost"}
CALM = 9


@dataclass(frozen=True)
class Filter:
    """What the address asks for. Anything unknown in it falls back to everything."""

    tab: str = ""
    text: str = ""
    sort: str = FIRST
    site: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        tab, sort, site = query.get("tab", ""), query.get("sort", ""), query.get("site", "")
        return cls(
            tab if tab in TABS else "",
            query.get("q", "").strip()[:100].replace("\0", ""),
            sort if sort.removeprefix("-") in (FIRST, *SORTS) else FIRST,
            int(site) if site.isascii() and site.isdecimal() and len(site) < 19 else None,
        )

    @property
    def is_narrow(self) -> bool:
        """More than a tab: the tabs' counts do not say how many sessions it means."""
        return bool(self.text or self.site)

    def matches(self) -> Q:
        found = Q(state__in=TABS[self.tab])
        if self.site is not None:
            found &= Q(site_id=self.site)
        if self.text:
            found &= (
                Q(reference__icontains=self.text)
                | Q(station__vendor_id__icontains=self.text)
                | Q(station__name__icontains=self.text)
                | Q(site__name__icontains=self.text)
            )
        return found

    def order(self) -> tuple[Any, ...]:
        key, falling = self.sort.removeprefix("-"), self.sort.startswith("-")
        if key == FIRST:
            return (rank().desc() if falling else rank().asc(), "-requested_at", "-id")
        field = F(SORTS[key])
        return (field.desc(nulls_last=True) if falling else field.asc(nulls_last=True), "-id" if falling else "id")


@dataclass(frozen=True)
class Place:
    """A session on a page, and the one above it (None at the top). `version` and `aged` name what its row looks like:
    it changes when the row is written, and once when time alone changes it."""

    pk: int
    version: int
    aged: bool
    after: int | None = None


def rank() -> Case:
    """Who needs a person most: 0 first."""
    going_on = Q(state__in=(State.PENDING, State.CHARGING, State.SUSPENDED))
    fired = Exists(StopRule.objects.filter(session=OuterRef("pk"), fired_at__isnull=False))
    return Case(
        When(state=State.UNKNOWN, then=Value(0)),
        When(going_on & Q(stop_state=StopState.REFUSED), then=Value(1)),
        When(Q(state__in=LIVE, read_failures__gte=decisions.LOST_AFTER), then=Value(2)),
        When(silence.silent() | unsent.waiting(), then=Value(3)),
        When(going_on & Q(stop_state=StopState.UNKNOWN), then=Value(4)),
        When(going_on & ~Q(stop_state=StopState.NONE) & fired, then=Value(5)),
        default=Value(CALM),
        output_field=SmallIntegerField(),
    )


def page(actor: Actor, wanted: Filter) -> list[Place]:
    """The open sessions of a filter, in its order, at most ROWS. One query."""
    return _below(_order(actor, wanted, ROWS))


def shown(actor: Actor, wanted: Filter) -> "QuerySet[Session, int]":
    """The ids of that page, as a query for another one."""
    found = Session.objects.visible_to(actor).filter(wanted.matches()).order_by(*wanted.order())
    return found.values_list("pk", flat=True)[:ROWS]


def update(actor: Actor, wanted: Filter, news: News) -> tuple[list[Place], list[int]]:
    """What turns the page of a mark into the present one: rows to draw, and ids of sessions it shows no more."""
    if not news.moved:
        return [], []
    places = _order(actor, wanted, ROWS + len(news.moved))
    shown, gone = window([place.pk for place in places], news.moved, ROWS)
    drawn = set(shown)
    return [place for place in _below(places) if place.pk in drawn], gone


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


def count(actor: Actor, wanted: Filter, tabs: Mapping[str, int]) -> int:
    """How many open sessions a filter means, shown or not; asked only where the tabs do not say it."""
    if not wanted.is_narrow:
        return tabs[wanted.tab]
    return Session.objects.visible_to(actor).filter(wanted.matches()).count()


def tabs(actor: Actor) -> dict[str, int]:
    """Per tab the number of open sessions, whatever the other filters."""
    counted = dict(Session.objects.visible_to(actor).open().order_by().values_list("state").annotate(n=Count("id")))
    return {name: sum(counted.get(state, 0) for state in states) for name, states in TABS.items()}


def _order(actor: Actor, wanted: Filter, at_most: int) -> list[Place]:
    found = Session.objects.visible_to(actor).filter(wanted.matches())
    aged = ExpressionWrapper(silence.silent() | unsent.waiting(), output_field=BooleanField())
    rows = found.annotate(aged=aged).order_by(*wanted.order()).values_list("pk", "changed_xid", "aged")
    return [Place(pk, version, bool(is_aged)) for pk, version, is_aged in rows[:at_most]]


def _below(places: Sequence[Place]) -> list[Place]:
    above = [None, *(place.pk for place in places)]
    return [Place(one.pk, one.version, one.aged, after) for one, after in zip(places, above, strict=False)]
