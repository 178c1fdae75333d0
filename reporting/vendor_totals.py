"""The vendor's own totals per station and local day, fetched to stand beside ours.

They also count sessions that we did not start, and may name stations that we do not know yet: those are offered.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

import eevion
from fleet import gateway, notices
from fleet.gateway import Lane
from fleet.models import Account, Station
from reporting.models import VendorTotal

DAYS_AT_FIRST = 30
DAYS_AGAIN = 7  # the vendor may correct; older days stay as they were last said
MOST_PAGES = 100
PATIENCE_S = 90.0


def fetch(account: Account, now: datetime) -> int:
    """Replace the last days' totals of one account by what the vendor says now; returns how many rows it said.

    A page costs one request. Nothing is stored unless every page came: raises gateway.NoSlot and eevion's errors.
    """
    known = VendorTotal.objects.filter(account=account).exists()
    from_date = (now - timedelta(days=DAYS_AGAIN if known else DAYS_AT_FIRST)).date()
    rows = _read(account, from_date, to_date=(now + timedelta(days=2)).date())
    totals = _totals(account, rows, from_date, now)
    with transaction.atomic():
        VendorTotal.objects.filter(account=account, day_date__gte=from_date).delete()
        VendorTotal.objects.bulk_create(totals)
    for vendor_id in sorted({total.vendor_station_id for total in totals if total.site_id is None}):
        notices.unknown_station(account=account, vendor_id=vendor_id, seen_in="reporting", now=now)
    return len(totals)


def _read(account: Account, from_date: date, to_date: date) -> list[eevion.ReportRow]:
    rows: list[eevion.ReportRow] = []
    cursor: str | None = None
    for _page in range(MOST_PAGES):
        page = _read_page(account, from_date, to_date, cursor)
        rows += page.rows
        # A cursor that repeats itself would never end.
        if not page.next_cursor or page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    return rows


def _read_page(account: Account, from_date: date, to_date: date, cursor: str | None) -> eevion.ReportPage:
    return gateway.call(
        account=account,
        lane=Lane.READS,
        why="vendor totals",
        endpoint="reporting",
        patience_s=PATIENCE_S,
        request=lambda client: client.report(
            from_=from_date, to=to_date, group_by="station", interval="day", cursor=cursor
        ),
    )


def _totals(account: Account, rows: list[eevion.ReportRow], from_date: date, now: datetime) -> list[VendorTotal]:
    sites = dict(Station.objects.filter(account=account).values_list("vendor_id", "site_id"))
    totals: dict[tuple[str, date], VendorTotal] = {}
    for row in rows:
        if row.station_id is None or row.period_date is None or row.period_date < from_date:
            continue
        vendor_id = row.station_id[:100]
        totals[vendor_id, row.period_date] = VendorTotal(
            organisation_id=account.organisation_id,
            account=account,
            site_id=sites.get(vendor_id),
            vendor_station_id=vendor_id,
            day_date=row.period_date,
            currency=row.currency or "",
            sessions=row.sessions,
            energy_kwh=row.energy_kwh,
            revenue=row.revenue,
            fetched_at=now,
        )
    return list(totals.values())
