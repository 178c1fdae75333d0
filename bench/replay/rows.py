"""The file of the replay: which rows are played, at which sites, stations and connectors. docs/session_csv.md."""

import csv
import gzip
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

# A file that has abbreviations only is taken to be North American; the `zone` column or --zone say more.
ZONES = {
    "MST": "America/Denver", "MDT": "America/Denver", "EST": "America/New_York", "EDT": "America/New_York",
    "CST": "America/Chicago", "CDT": "America/Chicago", "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One session to play. `reference` is the play's own, so that it is unique."""

    reference: str
    session_id: str
    station: str
    connector: int | None
    site: str
    zone: str
    level: int
    start_at: datetime
    duration_s: int
    charging_s: int
    energy_kwh: Decimal


def read(path: Path, first: date, days: int, zone: str = "") -> list[Row]:
    """The rows that start on these days in their site's zone, by start. Raises ValueError, KeyError, OSError."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    rows = []
    for line in csv.DictReader(io.StringIO(text, newline="")):
        row = _row(line, zone)
        if first <= row.start_at.astimezone(ZoneInfo(row.zone)).date() < first + timedelta(days=days):
            rows.append(row)
    return sorted(rows, key=lambda row: (row.start_at, row.reference))


def _row(line: dict[str, str], zone: str) -> Row:
    start_at, end_at = (_moment(line[name]) for name in ("start_utc", "end_utc"))
    duration_s = max(1, int((end_at - start_at).total_seconds()))
    charging_s = min(duration_s, int(Decimal(line.get("charging_s") or duration_s)))
    energy_kwh = Decimal(line["energy_kwh"])
    abbreviation = line.get("start_tz", "")
    return Row(
        reference=f"replay-{line['session_id']}",
        session_id=line["session_id"],
        station=line["station"],
        connector=int(line["connector"]) if line.get("connector") else None,
        site=line.get("address") or "Replay",
        zone=zone or line.get("zone") or ZONES.get(abbreviation, abbreviation) or "UTC",
        level=3 if "DC" in line.get("port_type", "") or "3" in line.get("port_type", "") else 2,
        start_at=start_at,
        duration_s=duration_s,
        charging_s=duration_s if energy_kwh and not charging_s else charging_s,
        energy_kwh=energy_kwh,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def connectors(rows: list[Row]) -> dict[str, int]:
    """How many connectors each station has: those named, or as many as were in use at once in the file."""
    found: dict[str, int] = {}
    by_station: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_station[row.station].append(row)
    for station, its in by_station.items():
        edges = sorted(
            edge for row in its for edge in ((row.start_at, 1), (row.start_at + timedelta(seconds=row.duration_s), -1))
        )
        most = now = 0
        for _at, step in edges:
            now += step
            most = max(most, now)
        found[station] = max([most, 1, *(row.connector for row in its if row.connector)])
    return found
