"""The vendor's totals per station or site, by local day of completion: every completed session, whoever started it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import history, physics, readings
from sandbox.clock import parse
from sandbox.model import COMPLETED, PRODUCTION, Station
from sandbox.world import World

DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open. A bound given as a date is that date's local midnight at each site."""

    begin: date | datetime
    end: date | datetime

    @classmethod
    def read(cls, begin: str | None, end: str | None, now: datetime) -> "Period":
        """From the query's `from` and `to`; the last 30 days up to now where they are absent. ValueError."""
        upto = _bound(end) if end else now
        return cls(_bound(begin) if begin else now - timedelta(days=DEFAULT_DAYS), upto)

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The period as instants for a site in that zone."""
        return _instant(self.begin, zone), _instant(self.end, zone)


@dataclass(frozen=True, slots=True)
class Fact:
    """One completed session as the totals need it."""

    station_id: str
    completed_at: datetime
    energy_kwh: Decimal
    cost: Decimal
    currency: str
    connected_s: int
    charging_s: int


@dataclass(slots=True)
class Sum:
    sessions: int = 0
    energy_kwh: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    connected_s: int = 0
    charging_s: int = 0

    def add(self, fact: Fact) -> None:
        self.sessions += 1
        self.energy_kwh += fact.energy_kwh
        self.cost += fact.cost
        self.connected_s += fact.connected_s
        self.charging_s += fact.charging_s


def rows(world: World, *, environment: str, period: Period, by_site: bool, by_day: bool) -> list[dict[str, Any]]:
    """The rows of `GET reporting`, ordered by period, site and station. A station without sessions has none."""
    sums: dict[tuple[datetime, str, str, str], Sum] = defaultdict(Sum)
    for fact in _facts(world, environment):
        station = world.stations[environment, fact.station_id]
        zone = _zone(world, station)
        begin, end = period.instants(zone)
        if begin <= fact.completed_at < end:
            day = fact.completed_at.astimezone(zone).date()
            period_start = _instant(day, zone) if by_day else begin.astimezone(zone)
            name = "" if by_site else station.station_id
            sums[period_start, station.site_id, name, fact.currency].add(fact)
    return [_row(world, environment, *key, total) for key, total in sorted(sums.items(), key=lambda item: item[0])]


def _row(
    world: World, environment: str, start: datetime, site_id: str, station_id: str, currency: str, total: Sum
) -> dict[str, Any]:
    site = world.sites[environment, site_id]
    return {
        "siteId": site_id,
        "siteName": site.name,
        "stationId": station_id or None,
        "periodStart": start.isoformat(),
        "timezone": site.timezone,
        "sessions": total.sessions,
        "energy": total.energy_kwh,
        "revenue": total.cost,
        "currency": currency,
        "connectedDuration": total.connected_s,
        "chargingDuration": total.charging_s,
    }


def _facts(world: World, environment: str) -> Iterator[Fact]:
    if environment == PRODUCTION:
        for past in history.sessions(world):
            yield Fact(
                past.station_id,
                past.end_at,
                past.energy_kwh,
                past.cost,
                past.currency,
                past.total_duration_s,
                past.charging_s,
            )
    for session in world.sessions.values():
        # What an offline charger keeps to itself is not in the vendor's totals yet.
        known = session.status == COMPLETED and session.view is None and session.environment == environment
        if known and session.started_at and session.completed_at:
            at = session.completed_at
            yield Fact(
                session.station_id,
                at,
                readings.energy_kwh(session, at),
                readings.cost(session, at),
                session.fee.currency,
                readings.duration_s(session, at),
                physics.charging_us(session.profile, readings.elapsed_us(session, at)) // physics.US_PER_S,
            )


def _zone(world: World, station: Station) -> ZoneInfo:
    return ZoneInfo(world.sites[station.environment, station.site_id].timezone)


def _bound(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) == len("2026-01-08") else parse(text)


def _instant(bound: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(bound, datetime):
        return bound
    return datetime.combine(bound, time(), zone)
