"""The rollup says what the sessions say: on every kind of day, after every kind of change, in every currency apart."""

import json
import os
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F

from charging import imports, session_file
from charging.models import Session
from charging.models.session import Origin, State
from fleet.models import Station
from reporting import rollups
from reporting.models import DayRollup
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Sums = dict[tuple[int, date, str], tuple[int, Decimal, Decimal, int, int]]


def _done(station: Station, completed_at: datetime, energy_kwh: str = "1", **fields: Any) -> Session:
    values = {
        "requested_at": completed_at - timedelta(hours=1),
        "completed_at": completed_at,
        "ended_at": completed_at,
        "final_at": completed_at,
        "energy_kwh": Decimal(energy_kwh),
        "cost": Decimal("0.50"),
        "duration_s": 60,
    }
    return factories.session(station, state=State.COMPLETED, **(values | fields))


def _rolled() -> Sums:
    return {
        (row.site_id, row.day_date, row.currency): (
            row.sessions,
            row.energy_kwh,
            row.revenue,
            row.uncosted,
            row.connected_s,
        )
        for row in DayRollup.objects.all()
    }


def _summed() -> Sums:
    """The same from the sessions, in Python and by Python's own zones."""
    sums: dict[tuple[int, date, str], list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0), 0, 0])
    for session in Session.objects.filter(state=State.COMPLETED, final_at__isnull=False).select_related("site"):
        assert session.completed_at is not None
        day = session.completed_at.astimezone(ZoneInfo(session.site.timezone)).date()
        row = sums[session.site_id, day, session.currency]
        row[0] += 1
        row[1] += session.energy_kwh or 0
        row[2] += session.cost or 0
        row[3] += session.cost is None
        row[4] += session.duration_s or 0
    return {key: (row[0], row[1], row[2], row[3], row[4]) for key, row in sums.items()}


def _days() -> dict[str, int]:
    return {str(row.day_date): row.sessions for row in DayRollup.objects.order_by("day_date")}


@pytest.mark.parametrize(
    ("zone", "moments", "days"),
    [
        # Toronto: 2026-03-08 has 23 hours, 2026-11-01 has 25
        ("America/Toronto", ["2026-03-08T05:00", "2026-03-09T03:59:59"], {"2026-03-08": 2}),
        ("America/Toronto", ["2026-03-08T04:59:59", "2026-03-09T04:00"], {"2026-03-07": 1, "2026-03-09": 1}),
        ("America/Toronto", ["2026-11-01T04:00", "2026-11-02T04:59:59"], {"2026-11-01": 2}),
        ("America/Toronto", ["2026-11-01T03:59:59", "2026-11-02T05:00"], {"2026-10-31": 1, "2026-11-02": 1}),
        # Santiago skips midnight itself on 2026-09-06 and repeats 23:00 to 24:00 on 2026-04-04
        ("America/Santiago", ["2026-09-06T03:59:59", "2026-09-06T04:00"], {"2026-09-05": 1, "2026-09-06": 1}),
        (
            "America/Santiago",
            ["2026-04-05T02:30", "2026-04-05T03:30", "2026-04-05T04:00"],
            {"2026-04-04": 2, "2026-04-05": 1},
        ),
        ("Asia/Kathmandu", ["2026-05-01T18:14:59", "2026-05-01T18:15"], {"2026-05-01": 1, "2026-05-02": 1}),
    ],
)
def test_a_session_is_in_exactly_the_local_day_of_its_end(zone: str, moments: list[str], days: dict[str, int]) -> None:
    station = factories.station(factories.site(timezone=zone))
    rollups.fill(NOW)  # the first fill takes the whole site; what follows goes day by day
    for moment in moments:
        _done(station, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    rollups.fill(NOW)
    assert _days() == days
    assert _rolled() == _summed()
    DayRollup.objects.all().delete()
    station.site.fill_mark.delete()
    rollups.fill(NOW)
    assert _days() == days


def test_only_completed_and_final_sessions_count() -> None:
    station = factories.station()
    _done(station, NOW, final_at=None)
    for state in (State.EXPIRED, State.FAILED, State.ABANDONED):
        factories.session(station, state=state, final_at=NOW)
    factories.session(station, state=State.CHARGING)
    rollups.fill(NOW)
    assert _rolled() == {}


def test_currencies_stay_apart_and_what_has_no_cost_is_counted() -> None:
    station = factories.station()
    _done(station, NOW, "2", cost=Decimal("1.25"))
    _done(station, NOW, "3", cost=Decimal("9.99"), currency="USD")
    _done(station, NOW, "4", cost=None)
    rollups.fill(NOW)
    day = date(2026, 11, 23)
    assert _rolled() == {
        (station.site_id, day, "CAD"): (2, Decimal(6), Decimal("1.25"), 1, 120),
        (station.site_id, day, "USD"): (1, Decimal(3), Decimal("9.99"), 0, 60),
    }


def test_a_late_session_a_correction_and_a_moved_end_are_filled_again() -> None:
    station = factories.station()
    moved, corrected = _done(station, NOW, "5"), _done(station, NOW - timedelta(days=1), "7")
    rollups.fill(NOW)
    assert _days() == {"2026-11-22": 1, "2026-11-23": 1}
    moved.completed_at = NOW - timedelta(days=2)
    moved.requested_at = NOW - timedelta(days=3)
    moved.save()
    corrected.energy_kwh = Decimal("7.125")
    corrected.save()
    _done(station, NOW - timedelta(days=9), "1")
    rollups.fill(NOW)
    assert _days() == {"2026-11-14": 1, "2026-11-21": 1, "2026-11-22": 1}
    assert _rolled() == _summed()


def test_filling_again_changes_nothing_and_does_nothing() -> None:
    _done(factories.station(), NOW)
    assert rollups.fill(NOW) == 1
    before = list(DayRollup.objects.values())
    assert rollups.fill(NOW) == 0
    assert list(DayRollup.objects.values()) == before


def test_another_zone_cuts_all_days_anew() -> None:
    station = factories.station()
    _done(station, datetime(2026, 6, 1, 3, 30, tzinfo=UTC))
    rollups.fill(NOW)
    assert _days() == {"2026-05-31": 1}
    station.site.timezone = "Europe/Berlin"
    station.site.save()
    rollups.fill(NOW)
    assert _days() == {"2026-06-01": 1}


@pytest.mark.parametrize("seed", range(3))
def test_any_mixture_filled_in_any_steps_equals_the_raw_sums(seed: int) -> None:
    draw = random.Random(seed)
    places = [
        factories.station(factories.site(timezone=zone))
        for zone in ("America/Toronto", "Asia/Kolkata", "Pacific/Auckland")
    ]
    sessions: list[Session] = []
    for _step in range(60):
        at = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(seconds=draw.randrange(12 * 86_400))
        if sessions and draw.random() < 0.3:
            session = draw.choice(sessions)
            session.completed_at, session.requested_at = at, min(at, session.requested_at)
            session.final_at = datetime(2026, 11, 10, tzinfo=UTC)
            session.energy_kwh = Decimal(draw.randrange(90_000)) / 1000
            session.save()
        else:
            fields = {"currency": draw.choice(["CAD", "USD"]), "cost": draw.choice([None, Decimal("1.10")])}
            final_at = datetime(2026, 11, 9, tzinfo=UTC)
            kwh = str(Decimal(draw.randrange(90_000)) / 1000)
            sessions.append(_done(draw.choice(places), at, kwh, final_at=final_at, **fields))
        if draw.random() < 0.2:
            rollups.fill(NOW)
    rollups.fill(NOW)
    assert _rolled() == _summed()


@pytest.mark.skipif(not os.environ.get("CHARGEHAND_DATA"), reason="CHARGEHAND_DATA names no folder with real sessions")
def test_real_sessions_by_month_equal_the_published_facts() -> None:
    """The facts are by the month of the start, so the file's starts are taken as the ends here."""
    folder = Path(os.environ["CHARGEHAND_DATA"])
    facts = json.loads((folder / "facts_boulder.json").read_text())["all_rows"]
    rows = [
        row
        for row in session_file.read(folder / "boulder_sessions_2018_2021.csv.gz")
        if isinstance(row, session_file.Row)
    ]
    site = factories.site(timezone=facts["timezone"], currency="USD")
    account = factories.account(site.organisation)
    for vendor_id in {row.station for row in rows}:
        factories.station(site, account=account, vendor_id=vendor_id)
    outcome = imports.save(site.organisation, iter(rows), now=NOW)
    assert (outcome.created, outcome.known, outcome.bad) == (facts["sessions"], 0, [])
    rollups.fill(NOW)
    assert sum(row.energy_kwh for row in DayRollup.objects.all()) == Decimal(facts["energy_kwh"])
    assert _rolled() == _summed()
    Session.objects.filter(origin=Origin.IMPORT).update(completed_at=F("started_at"))
    DayRollup.objects.all().delete()
    site.fill_mark.delete()
    rollups.fill(NOW)
    sessions: Counter[str] = Counter()
    energy: dict[str, Decimal] = defaultdict(Decimal)
    for row in DayRollup.objects.all():
        sessions[f"{row.day_date:%Y-%m}"] += row.sessions
        energy[f"{row.day_date:%Y-%m}"] += row.energy_kwh
    said = {month: (fact["sessions"], Decimal(fact["energy_kwh"])) for month, fact in facts["by_month"].items()}
    assert {month: (sessions[month], energy[month]) for month in sessions} == said
