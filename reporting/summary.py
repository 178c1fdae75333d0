"""A period in figures: per day, per site and in total, ours and the vendor's. Money is kept by currency, never added
across; every total is the sum of the rows above it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from fleet.models import Site
from people.actor import Actor
from reporting.models import DayRollup, FillMark, VendorTotal

ZERO = Decimal(0)
CSV_HEAD = (
    "day", "site", "currency", "sessions", "energy_kwh", "revenue", "sessions_without_cost", "connected_s",
    "vendor_sessions", "vendor_energy_kwh",
)  # fmt: skip


@dataclass(frozen=True)
class Period:
    """Local days, each site's own; both ends are part of it."""

    first: date
    last: date

    def dates(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass
class Sums:
    """What sessions came to. `revenue` by currency; `uncosted` are those whose cost the vendor has not said."""

    sessions: int = 0
    energy_kwh: Decimal = ZERO
    uncosted: int = 0
    connected_s: int = 0
    revenue: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, row: DayRollup) -> None:
        self.sessions += row.sessions
        self.energy_kwh += row.energy_kwh
        self.uncosted += row.uncosted
        self.connected_s += row.connected_s
        self.revenue[row.currency] += row.revenue

    def money(self) -> list[tuple[Decimal, str]]:
        """Amounts with their currency, in the currencies' order."""
        return [(self.revenue[currency], currency) for currency in sorted(self.revenue)]


@dataclass
class Compared:
    """The vendor's word beside ours, over the days for which the vendor's is known; None: nothing known."""

    ours_kwh: Decimal = ZERO
    ours_sessions: int = 0
    vendor_kwh: Decimal | None = None
    vendor_sessions: int | None = None

    @property
    def difference_kwh(self) -> Decimal | None:
        """The vendor's minus ours."""
        return None if self.vendor_kwh is None else self.vendor_kwh - self.ours_kwh

    @property
    def difference_sessions(self) -> int | None:
        return None if self.vendor_sessions is None else self.vendor_sessions - self.ours_sessions

    def add_vendor(self, energy_kwh: Decimal | None, sessions: int | None) -> None:
        if energy_kwh is not None:
            self.vendor_kwh = (self.vendor_kwh or ZERO) + energy_kwh
        if sessions is not None:
            self.vendor_sessions = (self.vendor_sessions or 0) + sessions


@dataclass
class Line:
    """One row of a table: a day or a site; `site` is None for a day, and for stations that are not ours yet."""

    sums: Sums = field(default_factory=Sums)
    compared: Compared = field(default_factory=Compared)
    day: date | None = None
    site: Site | None = None


@dataclass
class Summary:
    days: list[Line]
    sites: list[Line]
    unknown: Line | None  # the vendor's totals of stations that we do not know
    total: Line
    vendor_since: date | None  # the vendor's totals are known from this day on
    vendor_fetched_at: datetime | None
    filled_at: datetime | None


def period_of(days: int, now: datetime, sites: Iterable[Site]) -> Period:
    """The last `days` local days; the last is the furthest today among the sites."""
    last = max((now.astimezone(site.zone).date() for site in sites), default=now.date())
    return Period(last - timedelta(days=days - 1), last)


def figures(actor: Actor, period: Period, site: Site | None = None) -> Summary:
    """Everything the page shows, from at most four queries."""
    sites = [site] if site else list(Site.objects.visible_to(actor))
    by_site = {one.pk: Line(site=one) for one in sites}
    by_day = {day: Line(day=day) for day in period.dates()}
    vendor = list(_vendor(actor, period, site))
    since = min((row.day_date for row in vendor), default=None)
    total, unknown = Line(), Line()
    for row in _ours(actor, period, site):
        for line in (by_day[row.day_date], by_site[row.site_id], total):
            line.sums.add(row)
            if since is not None and row.day_date >= since:
                line.compared.ours_kwh += row.energy_kwh
                line.compared.ours_sessions += row.sessions
    for said in vendor:
        place = by_site.get(said.site_id, unknown) if said.site_id else unknown
        for line in (by_day[said.day_date], place, total):
            line.compared.add_vendor(said.energy_kwh, said.sessions)
    marks = FillMark.objects.filter(site__in=by_site, filled_at__isnull=False).order_by("filled_at")
    return Summary(
        days=list(by_day.values()),
        sites=list(by_site.values()),
        unknown=unknown if unknown.compared.vendor_kwh is not None else None,
        total=total,
        vendor_since=since,
        vendor_fetched_at=max((row.fetched_at for row in vendor), default=None),
        filled_at=marks.values_list("filled_at", flat=True).first(),
    )


def _ours(actor: Actor, period: Period, site: Site | None) -> Iterable[DayRollup]:
    rows = DayRollup.objects.visible_to(actor).filter(day_date__gte=period.first, day_date__lte=period.last)
    return rows.filter(site=site) if site else rows


def _vendor(actor: Actor, period: Period, site: Site | None) -> Iterable[VendorTotal]:
    rows = VendorTotal.objects.visible_to(actor).filter(day_date__gte=period.first, day_date__lte=period.last)
    return rows.filter(site=site) if site else rows


def csv_rows(actor: Actor, period: Period, site: Site | None = None) -> list[list[object]]:
    """A row per day, site and currency. The vendor's totals stand in the day's first row of the site."""
    names = dict(Site.objects.visible_to(actor).values_list("pk", "name"))
    said: dict[tuple[date, int | None], Compared] = defaultdict(Compared)
    for total in _vendor(actor, period, site):
        said[total.day_date, total.site_id].add_vendor(total.energy_kwh, total.sessions)
    rows = []
    for row in sorted(_ours(actor, period, site), key=lambda row: (row.day_date, row.site_id, row.currency)):
        vendor = said.pop((row.day_date, row.site_id), Compared())
        ours = [row.currency, row.sessions, row.energy_kwh, row.revenue, row.uncosted, row.connected_s]
        rows.append([row.day_date, _harmless(names[row.site_id]), *ours, *_blank(vendor)])
    for (day, site_id), vendor in said.items():
        rows.append([day, _harmless(names.get(site_id, "")) if site_id else "", "", 0, 0, "", 0, 0, *_blank(vendor)])
    return sorted(rows, key=lambda row: (row[0], row[1]))


def _blank(vendor: Compared) -> list[object]:
    return ["" if value is None else value for value in (vendor.vendor_sessions, vendor.vendor_kwh)]


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula is led by an apostrophe."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
