"""The vendor's sums against the sessions that made them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.contract.vendor import Vendor

VANCOUVER = "America/Vancouver"


def play(vendor: Vendor, station: str, energy_kwh: float) -> dict[str, Any]:
    """One session from start to end; what really happened."""
    vendor.order("plug", stationId=station, plan={"energy_kwh": energy_kwh, "duration_s": 1800})
    vendor.client().start_session(station_id=station)
    vendor.advance(1801)
    return vendor.sessions(station)[-1]


def test_a_days_sessions_are_summed_where_they_completed(vendor: Vendor) -> None:
    vendor.order("sites", site="Harbour", timezone=VANCOUVER)
    station, client, begin = vendor.station(site="Harbour"), vendor.client(), vendor.now()
    entries = [play(vendor, station, energy_kwh) for energy_kwh in (3.5, 4.125)]
    # Somebody else's session, started with a card at the charger, counts as well.
    vendor.order("plug", stationId=station, plan={"energy_kwh": 1, "duration_s": 60})
    vendor.order("rfid", stationId=station)
    vendor.advance(61)
    entries.append(vendor.sessions(station)[-1])
    end = vendor.now() + timedelta(seconds=1)

    days: dict[date, tuple[int, Decimal, Decimal, int]] = {}
    for entry in entries:
        day = datetime.fromisoformat(entry["completedAt"]).astimezone(ZoneInfo(VANCOUVER)).date()
        sessions, energy_kwh, revenue, connected_s = days.get(day, (0, Decimal(0), Decimal(0), 0))
        sums = (energy_kwh + entry["energy"], revenue + entry["cost"], connected_s + entry["duration"])
        days[day] = (sessions + 1, *sums)
    page = client.report(from_=begin, to=end)
    rows = [row for row in page.rows if row.station_id == station]
    assert page.drift == ()
    assert {
        row.period_date: (row.sessions, row.energy_kwh, row.revenue, row.connected_duration_s) for row in rows
    } == days
    assert {(row.site_name, row.timezone, row.currency) for row in rows} == {("Harbour", VANCOUVER, "CAD")}
    assert all(row.period_start_at == _midnight(row.period_date) for row in rows)

    by_site = client.report(from_=begin, to=end, group_by="site", interval="total").rows
    (total,) = [row for row in by_site if row.site_name == "Harbour"]
    assert (total.station_id, total.site_name, total.sessions) == (None, "Harbour", 3)
    assert total.energy_kwh == Decimal("8.625")
    before = client.report(from_=begin - timedelta(days=9), to=begin).rows
    assert [row for row in before if row.station_id == station] == []


def test_dates_are_local_days_and_pages_go_on(vendor: Vendor) -> None:
    vendor.order("sites", site="Paging", timezone="UTC")
    stations = [vendor.station(site="Paging") for _ in range(3)]
    for station in stations:
        play(vendor, station, 1)
    client, today = vendor.client(), vendor.now().date()
    vendor.order("settings", page_rows=2)
    try:
        begin, end = today - timedelta(days=2), today + timedelta(days=2)
        page = client.report(from_=begin, to=end, interval="total")
        rows = list(page.rows)
        while page.next_cursor is not None:
            page = client.report(from_=begin, to=end, interval="total", cursor=page.next_cursor)
            rows += page.rows
    finally:
        vendor.order("settings", page_rows=200)
    assert sorted(row.station_id or "" for row in rows if row.site_name == "Paging") == sorted(stations)


def _midnight(day: date | None) -> datetime:
    assert day is not None
    return datetime.combine(day, datetime.min.time(), ZoneInfo(VANCOUVER)).astimezone(UTC)
