"""The vendor's own sums per station or site and period, the independent witness of our ledger.

Marks in the docstrings: D documented, D* capability documented and key or shape assumed, A assumed.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from eevion.document import Document
from eevion.reader import Drift, Reader

PATH: Final = "/reporting"
GroupBy = Literal["station", "site"]
Interval = Literal["day", "total"]

REVENUE_LIMIT = Decimal(1_000_000_000)
ENERGY_LIMIT_KWH = Decimal(1_000_000_000)
SESSIONS_LIMIT = 1_000_000_000
DURATION_LIMIT_S = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """Sums of the sessions that completed in one period (D*, keys A), sessions we did not start included.

    `period_date` is the local day in `timezone` as written; `period_start_at` is None where only a date was said.
    A row per site has no station; without any id it is a total.
    """

    site_id: str | None
    site_name: str | None
    station_id: str | None
    period_date: date | None
    period_start_at: datetime | None
    timezone: str | None
    sessions: int | None
    energy_kwh: Decimal | None
    revenue: Decimal | None
    currency: str | None
    connected_duration_s: int | None
    charging_duration_s: int | None
    raw: Document
    drift: tuple[Drift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """One page of rows (D*; the key that holds them and the cursor are A)."""

    rows: tuple[ReportRow, ...]
    next_cursor: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


def read_page(document: Document, http_status: int | None = None) -> ReportPage:
    reader = Reader(document)
    return ReportPage(
        rows=reader.page("rows", _read_row),
        next_cursor=reader.label("nextCursor"),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def _read_row(reader: Reader) -> ReportRow:
    said = reader.document.get("periodStart")
    has_time = isinstance(said, str) and len(said) > len("2026-01-08")
    return ReportRow(
        site_id=reader.label("siteId"),
        site_name=reader.label("siteName"),
        station_id=reader.label("stationId"),
        period_date=reader.day("periodStart"),
        period_start_at=reader.moment("periodStart") if has_time else None,
        timezone=reader.label("timezone"),
        sessions=reader.count("sessions", SESSIONS_LIMIT),
        energy_kwh=reader.amount("energy", ENERGY_LIMIT_KWH),
        revenue=reader.amount("revenue", REVENUE_LIMIT),
        currency=reader.currency("currency"),
        connected_duration_s=reader.seconds("connectedDuration", DURATION_LIMIT_S),
        charging_duration_s=reader.seconds("chargingDuration", DURATION_LIMIT_S),
        raw=reader.document,
        drift=reader.drift(),
    )
