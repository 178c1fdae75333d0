"""The vendor's own sums."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from eevion import Document, Drift, DriftKind, ReportRow, UnexpectedPayload, reports

FULL: Document = {
    "siteId": "site_1",
    "siteName": "Harbour",
    "stationId": "HC-1",
    "periodStart": "2026-01-08",
    "timezone": "America/Vancouver",
    "sessions": 3,
    "energy": Decimal("41.507"),
    "revenue": Decimal("12.30"),
    "currency": "CAD",
    "connectedDuration": 9000,
    "chargingDuration": 7200,
}


def test_a_full_row_is_read_without_drift() -> None:
    (row,) = reports.read_page({"rows": [FULL], "nextCursor": None}).rows
    assert row == ReportRow(
        site_id="site_1",
        site_name="Harbour",
        station_id="HC-1",
        period_date=date(2026, 1, 8),
        period_start_at=None,
        timezone="America/Vancouver",
        sessions=3,
        energy_kwh=Decimal("41.507"),
        revenue=Decimal("12.30"),
        currency="CAD",
        connected_duration_s=9000,
        charging_duration_s=7200,
        raw=FULL,
        drift=(),
    )


def test_a_period_that_starts_at_a_moment_names_its_local_day() -> None:
    (row,) = reports.read_page({"rows": [FULL | {"periodStart": "2026-01-08T00:00:00-08:00"}]}).rows
    assert (row.period_date, row.period_start_at) == (date(2026, 1, 8), datetime(2026, 1, 8, 8, tzinfo=UTC))
    assert row.drift == ()


def test_odd_figures_are_not_said_and_noted() -> None:
    page = reports.read_page(
        {"rows": [FULL | {"sessions": Decimal("2.5"), "revenue": -1, "periodStart": "January"}, "x"]}
    )
    assert [(row.sessions, row.revenue, row.period_date) for row in page.rows] == [(None, None, None)]
    assert set(page.drift) == {
        Drift("rows[].sessions", DriftKind.BAD_VALUE, "2.5"),
        Drift("rows[].revenue", DriftKind.BAD_VALUE, "-1"),
        Drift("rows[].periodStart", DriftKind.BAD_VALUE, '"January"'),
        Drift("rows[]", DriftKind.BAD_VALUE, '"x"'),
    }


def test_a_page_without_its_list_is_unexpected() -> None:
    with pytest.raises(UnexpectedPayload, match="no list rows"):
        reports.read_page({"total": 3})
