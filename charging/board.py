"""What the live page shows: rows of open sessions, tabs and figures, for the page and its update alike.

Everything is read with a fixed number of queries; how it is drawn lives in templates/charging/.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum

from charging import traces
from charging.models import Reading, Session, StationException
from charging.models.session import OPEN, Origin, State
from charging.places import SiteCard
from fleet.models import Site
from lib import figures
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

    @property
    def since_at(self) -> datetime:
        return self.session.started_at or self.session.requested_at


@dataclass(frozen=True)
class Figures:
    power_kw: Decimal
    limit_kw: Decimal | None  # None unless every site has one
    active: int
    ac: int
    dc: int
    connectors: int
    in_use: int
    energy_today_kwh: Decimal
    open_energy_kwh: Decimal
    revenue_today: list[tuple[Decimal, str]]  # one per currency, never added

    @property
    def power_share(self) -> Decimal | None:
        return self.power_kw / self.limit_kw * 100 if self.limit_kw else None

    @property
    def use_share(self) -> float:
        return self.in_use / self.connectors * 100 if self.connectors else 0.0


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


def gone(actor: Actor, since: int, wanted: Filter) -> list[int]:
    """Of the sessions that changed, those that this filter shows no more."""
    here = Session.objects.visible_to(actor).filter(wanted.matches(), changed_xid__gte=since)
    return list(changed(actor, since).exclude(pk__in=here.values("pk")).values_list("pk", flat=True))


# --- rows -------------------------------------------------------------------------------------------------------------
def rows(actor: Actor, wanted: Filter, now: datetime, gap_s: float, since: int = 0) -> list[Row]:
    """The open sessions of a filter, at most ROWS; with `since` only those that changed."""
    found = Session.objects.visible_to(actor).filter(wanted.matches())
    if since:
        found = found.filter(changed_xid__gte=since)
    return drawn(found.order_by(*wanted.order())[:ROWS], now, gap_s)


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


# --- figures ----------------------------------------------------------------------------------------------------------
def today(sites: Iterable[Site], now: datetime, moment: str = "completed_at") -> Q:
    """Sessions of the present local day of each site's zone."""
    by_zone: dict[str, list[int]] = {}
    for site in sites:
        by_zone.setdefault(site.timezone, []).append(site.pk)
    found = Q(pk=None)
    for name, ids in by_zone.items():
        zone = figures.zone(name)
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
        found |= Q(**{"site_id__in": ids, f"{moment}__gte": midnight})
    return found


def figures_now(actor: Actor, cards: Sequence[SiteCard], now: datetime) -> Figures:
    mine = Session.objects.visible_to(actor)
    running = mine.open().aggregate(
        power=Sum("power_kw"),
        energy=Sum("energy_kwh"),
        active=Count("id"),
        dc=Count("id", filter=Q(station__level=3)),
        held=Count("connector", filter=Q(holds_connector=True)),
    )
    done = list(
        mine.filter(today([card.site for card in cards], now))
        .order_by("currency")
        .values_list("currency")
        .annotate(Sum("energy_kwh"), Sum("cost"))
    )
    limits = [card.site.grid_limit_kw for card in cards]
    zero = Decimal(0)
    return Figures(
        power_kw=running["power"] or zero,
        limit_kw=sum((limit for limit in limits if limit), zero) if limits and all(limits) else None,
        active=running["active"],
        ac=running["active"] - running["dc"],
        dc=running["dc"],
        connectors=sum(len(card.states) for card in cards),
        in_use=running["held"],
        energy_today_kwh=sum((energy or zero for _, energy, _ in done), zero),
        open_energy_kwh=running["energy"] or zero,
        revenue_today=[(cost or zero, currency) for currency, _, cost in done],
    )


def gap_s(read_every_s: float, speed: float) -> float:
    """Silence of more business seconds than this is a gap in a curve: four missed reads, at least five minutes."""
    return max(timedelta(minutes=5).total_seconds(), 4 * read_every_s * speed)
