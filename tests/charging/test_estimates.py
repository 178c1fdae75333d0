"""Estimates: they start at the reading, never fall, stop at the horizon, and know when nothing is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from charging import estimate_quality, estimates, settling
from charging.estimates import Facts
from charging.models import Reading, Session
from charging.models.session import State
from charging.prices import Price
from eevion.sessions import read_session
from tests import factories

READ_AT = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)
KNOWN = Facts(
    state=State.CHARGING,
    energy_kwh=Decimal("10.000"),
    power_kw=Decimal("7.2"),
    duration_s=3600,
    cost=Decimal("4.00"),
    currency="CAD",
    price=Price("CAD", Decimal("0.50"), Decimal("0.06"), Decimal(0)),
    zone=ZoneInfo("America/Toronto"),
    read_at=READ_AT,
    seen_at=READ_AT,
    horizon_s=300,
)


def after(seconds: float) -> datetime:
    return READ_AT + timedelta(seconds=seconds)


def test_a_minute_later_energy_and_cost_have_grown_by_power_and_price() -> None:
    found = estimates.of(KNOWN, after(60))
    assert estimates.shown_energy_kwh(found, after(60)) == Decimal("10.120")
    assert estimates.shown_cost(found, after(60)) == Decimal("4.1200")
    assert (found.is_confirmed, found.silent_since) == (False, None)


def test_at_the_horizon_it_stops_and_the_silence_is_said() -> None:
    found = estimates.of(KNOWN, after(301))
    assert estimates.shown_energy_kwh(found, after(3600)) == Decimal("10.600")
    assert found.silent_since == READ_AT
    assert estimates.of(KNOWN, after(300)).silent_since is None


@pytest.mark.parametrize("state", [State.SUSPENDED, State.STOPPED, State.STOPPING])
def test_without_energy_only_the_minutes_cost(state: State) -> None:
    found = estimates.of(replace(KNOWN, state=state), after(60))
    assert estimates.shown_energy_kwh(found, after(60)) == Decimal("10.000")
    assert estimates.shown_cost(found, after(60)) == Decimal("4.0600")


def test_a_session_that_is_over_stands_still() -> None:
    found = estimates.of(replace(KNOWN, state=State.COMPLETED), after(600))
    assert (found.is_confirmed, found.silent_since) == (True, None)
    assert estimates.shown_cost(found, after(600)) == Decimal("4.0000")


def test_what_nobody_said_is_not_made_up() -> None:
    silent = estimates.of(replace(KNOWN, energy_kwh=None, cost=None), after(60))
    assert (silent.energy, silent.cost) == (None, None)
    no_power = estimates.of(replace(KNOWN, power_kw=None), after(60))
    assert estimates.shown_energy_kwh(no_power, after(60)) == Decimal("10.000")


def test_a_cost_that_the_vendor_does_not_say_comes_from_the_tariff() -> None:
    found = estimates.of(replace(KNOWN, cost=None), after(0))
    assert estimates.shown_cost(found, after(0)) == Decimal("8.6000")
    assert estimates.of(replace(KNOWN, cost=None, price=None), after(0)).cost is None


def test_a_tariff_in_another_currency_moves_nothing() -> None:
    found = estimates.of(replace(KNOWN, currency="USD"), after(60))
    assert estimates.shown_cost(found, after(60)) == Decimal("4.0000")
    assert estimates.of(replace(KNOWN, currency="USD", cost=None), after(60)).cost is None


def test_a_reading_speaks_of_the_moment_that_the_vendor_names() -> None:
    late = replace(KNOWN, read_at=READ_AT - timedelta(seconds=60))
    assert estimates.shown_energy_kwh(estimates.of(late, READ_AT), READ_AT) == Decimal("10.120")


@given(st.floats(-600, 4000), st.floats(0, 4000))
def test_it_never_falls_and_never_passes_its_horizon(first_s: float, more_s: float) -> None:
    found = estimates.of(KNOWN, after(0))
    assert found.energy is not None
    early, late = found.energy.at(after(first_s)), found.energy.at(after(first_s + more_s))
    assert KNOWN.energy_kwh <= early <= late <= Decimal("10.6")  # type: ignore[operator]


@pytest.mark.django_db
class TestRecordedErrors:
    """Each reading of a charging session keeps what was shown until it came."""

    def read(self, session: Session, seconds: float, energy_kwh: str, **said: Any) -> Reading:
        known: dict[str, Any] = {
            "sessionID": session.vendor_session_id,
            "stationId": session.station.vendor_id,
            "status": "charging",
            "power": Decimal("7.2"),
            "energy": Decimal(energy_kwh),
        }
        now = after(seconds)
        document = read_session(known | said)
        settling.apply(session=session, document=document, now=now, via="read")
        return Reading.objects.filter(session=session).order_by("-id")[0]

    def test_the_error_is_kept_with_the_reading(self) -> None:
        session = factories.session(vendor_session_id="ses_1", power_kw=None)
        first = self.read(session, 0, "10.000")
        assert first.estimated_energy_kwh is None
        second = self.read(session, 60, "10.100")
        assert (second.estimated_energy_kwh, second.estimate_age_s) == (Decimal("10.120"), 60)

    def test_nothing_is_kept_after_silence_or_where_nothing_moved(self) -> None:
        session = factories.session(vendor_session_id="ses_1")
        self.read(session, 0, "10.000", status="suspended", power=0)
        assert self.read(session, 60, "10.000").estimated_energy_kwh is None
        assert self.read(session, 4000, "12.000").estimated_energy_kwh is None

    def test_the_week_is_summed_up_for_whom_it_concerns(self) -> None:
        cache.clear()
        owner = factories.member()
        station = factories.station(factories.site(owner.organisation))
        session = factories.session(station, vendor_session_id="ses_1")
        self.read(session, 0, "10.000")
        for n in range(1, 41):
            self.read(session, 60 * n, str(Decimal("10") + Decimal("0.1") * n))
        found = estimate_quality.this_week(factories.actor(owner), after(3000))
        assert found == estimate_quality.Quality(40, Decimal("0.020"), Decimal("0.020"))
        assert estimate_quality.this_week(factories.actor(), after(3000)) is None
