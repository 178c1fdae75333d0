"""Totals by local day of completion, whoever started the session; and the demo world's past in them."""

import csv
import io
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.sandbox.vendor import Vendor


def visit(vendor: Vendor, seconds: int, *, by_card: bool = False) -> None:
    vendor.control("plug", {"stationId": "S2", "plan": {"energy_kwh": 3, "duration_s": seconds}})
    if by_card:
        vendor.control("rfid", {"stationId": "S2"})
    else:
        vendor.start("S2")
    vendor.advance(seconds)


def test_a_session_counts_on_the_local_day_it_completed(vendor: Vendor) -> None:
    vendor.advance(10 * 3600)  # 22:00 in Toronto
    visit(vendor, 3600)
    visit(vendor, 7200, by_card=True)  # ends at 01:00 on the next local day
    query = {"from": "2026-01-08", "to": "2026-01-10", "interval": "day"}
    rows = vendor.call("GET", "reporting", params=query).json()["rows"]
    common = {
        "siteId": "site_test_site",
        "siteName": "Test site",
        "stationId": "S2",
        "timezone": "America/Toronto",
        "sessions": 1,
        "energy": 3.0,
        "revenue": 0.96,
        "currency": "CAD",
    }
    assert rows == [
        {**common, "periodStart": "2026-01-08T00:00:00-05:00", "connectedDuration": 3600, "chargingDuration": 3600},
        {**common, "periodStart": "2026-01-09T00:00:00-05:00", "connectedDuration": 7200, "chargingDuration": 7200},
    ]
    (total,) = vendor.call(
        "GET", "reporting", params={"from": "2026-01-08", "to": "2026-01-10", "groupBy": "site"}
    ).json()["rows"]
    assert (total["stationId"], total["sessions"], total["energy"]) == (None, 2, 6.0)
    first_day = vendor.call("GET", "reporting", params={"from": "2026-01-08", "to": "2026-01-09"}).json()["rows"]
    assert [row["sessions"] for row in first_day] == [1]


def test_history_and_reporting_agree(vendor: Vendor) -> None:
    vendor.control("reset", {"seed": 3, "world": "demo"})
    vendor.control("keys", {"key": "many", "limit": 1000})
    url = f"{vendor.base_url}/_sandbox/history.csv"
    text = vendor.http.get(url, params={"days": 20}, timeout=10).text
    assert vendor.http.get(url, params={"days": 20}, timeout=10).text == text
    expected: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    last: dict[tuple[str, str], str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        end_at = datetime.fromisoformat(row["end_utc"])
        day = str(end_at.astimezone(ZoneInfo(row["zone"])).date())
        if "2025-12-25" <= day < "2026-01-05":
            sums = expected[row["station"], day]
            expected[row["station"], day] = [
                a + b for a, b in zip(sums, (Decimal(1), Decimal(row["energy_kwh"]), Decimal(row["cost"])), strict=True)
            ]
        assert row["energy_kwh"][-4] == row["cost"][-3] == "."
        bay = (row["station"], row["connector"])
        assert last.get(bay, "") <= row["start_utc"] < row["end_utc"]
        last[bay] = row["end_utc"]
    found, cursor = {}, ""
    while cursor is not None:
        query = {"from": "2025-12-25", "to": "2026-01-05", "interval": "day", "cursor": cursor}
        page = vendor.call("GET", "reporting", key="many", params=query).json()
        for row in page["rows"]:
            sums = [Decimal(str(row[name])) for name in ("sessions", "energy", "revenue")]
            found[row["stationId"], row["periodStart"][:10]] = sums
        cursor = page["nextCursor"]
    assert found == expected
    assert len(found) > 200


def test_the_lists_of_the_demo_world_name_what_the_product_imports(vendor: Vendor) -> None:
    vendor.control("reset", {"seed": 3, "world": "demo"})
    stations = list(
        csv.DictReader(io.StringIO(vendor.http.get(f"{vendor.base_url}/_sandbox/stations.csv", timeout=5).text))
    )
    assert (len(stations), len({s["site"] for s in stations}), len({s["station"] for s in stations})) == (24, 5, 24)
    assert {s["currency"] for s in stations} == {"CAD"}
    assert all(ZoneInfo(s["timezone"]) for s in stations)
    tariffs = csv.DictReader(io.StringIO(vendor.http.get(f"{vendor.base_url}/_sandbox/tariffs.csv", timeout=5).text))
    assert "fee_l2_public" in {row["fee_id"] for row in tariffs}
