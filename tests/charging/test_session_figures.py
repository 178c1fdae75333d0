"""The figures of a session's page: idle time and its cause, the curve, why it does not end."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from charging import ends, session_figures
from charging.ends import IdleCause, IdleSpan
from charging.models import Reading, Session, SessionEvent
from charging.models.session import State
from lib import clock
from people import audit
from people.roles import Role
from tests import factories
from tests.factories import NOW


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def moved(minutes: int, state: State, reason: str = "") -> SessionEvent:
    return SessionEvent(occurred_at=at(minutes), kind="state", data={"state": state.value, "reason": reason})


def test_idle_time_goes_on_and_is_told_by_cause() -> None:
    session = Session(state=State.SUSPENDED, status_reason="SuspendedEVSE")
    events = [
        moved(0, State.CHARGING),
        moved(10, State.SUSPENDED, "SuspendedEV"),
        moved(15, State.CHARGING),
        moved(30, State.SUSPENDED, "SuspendedEVSE"),
    ]
    found = session_figures.idle(session, session_figures.spans(session, events), at(50))
    assert found.total_s == 25 * 60
    assert found.counts_from == at(25)
    assert found.by_cause == ((IdleCause.CHARGER, 20 * 60), (IdleCause.CAR, 5 * 60))


def test_no_time_is_counted_that_nobody_read() -> None:
    session = Session(state=State.SUSPENDED, started_at=at(0))
    spans = session_figures.spans(session, [moved(0, State.CHARGING), moved(10, State.SUSPENDED)])
    assert session_figures.idle(session, spans, at(50), silent_since=at(12)) == session_figures.Idle(
        120, None, ((IdleCause.NOT_REPORTED, 120),)
    )
    assert session_figures.charging_s(session, at(12)) == 720
    session.charging_ended_at = at(10)
    assert session_figures.charging_s(session, at(12)) == 600


def test_after_the_end_of_energy_the_vendors_own_times_count() -> None:
    session = Session(
        state=State.COMPLETED,
        charging_ended_at=at(20),
        completed_at=at(60),
        ended_at=at(60),
        end_reason="EVDisconnected",
    )
    events = [moved(22, State.STOPPED), moved(61, State.COMPLETED)]  # as we read it, a little late
    spans = session_figures.spans(session, events)
    assert spans == [IdleSpan(at(20), at(60), IdleCause.CAR)]
    assert session_figures.idle(session, spans, at(90)) == session_figures.Idle(2400, None, ((IdleCause.CAR, 2400),))


def test_the_same_is_the_idle_time_of_the_receipt() -> None:
    session = Session(state=State.COMPLETED, charging_ended_at=at(20), completed_at=at(60), ended_at=at(60))
    spans = session_figures.spans(session, [])
    assert session_figures.idle(session, spans, at(90)).total_s == session.idle_s


@pytest.mark.parametrize(
    ("session", "total_s"),
    [
        (Session(state=State.COMPLETED, ended_at=at(0)), None),
        (Session(state=State.PENDING), None),
        (Session(state=State.CHARGING), 0),
        (Session(state=State.COMPLETED, charging_ended_at=at(0), completed_at=at(0), ended_at=at(0)), 0),
    ],
)
def test_no_idle_time_and_none_reported_are_two_things(session: Session, total_s: int | None) -> None:
    assert session_figures.idle(session, session_figures.spans(session, []), at(9)).total_s == total_s


def test_energy_is_the_same_since_the_first_reading_that_says_it() -> None:
    session = Session(energy_kwh=Decimal(5))
    said = [(0, Decimal(4)), (1, Decimal(5)), (2, None), (3, Decimal(5))]
    readings = [Reading(received_at=at(minutes), energy_kwh=energy) for minutes, energy in said]
    assert session_figures.energy_same_since(session, readings) == at(1)
    assert session_figures.energy_same_since(session, []) is None


# --- the page ---------------------------------------------------------------------------------------------------------
def reading(session: Session, minutes: int, **fields: Any) -> Reading:
    moment = clock.now() + timedelta(minutes=minutes)
    values = {"received_at": moment, "confirmed_at": moment, "document_sha256": str(minutes), "document": "{}"}
    return Reading.objects.create(session=session, **(values | fields))


def page(session: Session, role: Role = Role.OWNER) -> str:
    member = factories.member(role, organisation=session.organisation)
    return factories.client_for(member).get(reverse("session", args=[session.public_id])).content.decode()


TARIFF = {
    "fee_id": "f", "name": "Public", "currency": "CAD",
    "price_per_kwh": "0.35", "price_per_minute": "0", "price_per_start": "0",
}  # fmt: skip


@pytest.mark.django_db
def test_between_readings_the_figures_are_estimates_with_their_age() -> None:
    session = factories.session(
        tariff=TARIFF, energy_kwh=Decimal(5), cost=Decimal("1.75"), power_kw=Decimal(7), started_at=clock.now()
    )
    reading(session, 0, energy_kwh=Decimal(5), power_kw=Decimal(7), cost=Decimal("1.75"), status="charging")
    html = page(session)
    assert html.count('class="est"') == 2
    assert "Last reading" in html
    assert "figures with ≈ are estimated since then" in html


@pytest.mark.django_db
def test_after_long_silence_nothing_is_estimated() -> None:
    session = factories.session(tariff=TARIFF, energy_kwh=Decimal(5), cost=Decimal("1.75"), power_kw=Decimal(7))
    reading(session, -60, energy_kwh=Decimal(5), power_kw=Decimal(7))
    html = page(session)
    assert "No reading since" in html
    assert 'class="est"' not in html


@pytest.mark.django_db
def test_the_chart_has_power_cost_and_idle_time_and_says_the_same_as_a_table() -> None:
    session = factories.session()
    reading(session, -3, power_kw=Decimal(7), cost=Decimal("1.5"))
    reading(session, -2, power_kw=Decimal(0), cost=Decimal("1.75"))
    reading(session, -1, power_kw=Decimal(0), cost=Decimal("1.75"))
    session.events.create(
        occurred_at=clock.now() - timedelta(minutes=2),
        kind="state",
        text="-",
        data={"state": "suspended", "reason": ""},
    )
    html = page(session)
    for words in ("Power, kW", "Cost, CAD", '<rect class="sp"', "<td>1.50 CAD</td>", "<td>cause not reported</td>"):
        assert words in html


@pytest.mark.django_db
def test_why_it_does_not_end_is_said_with_what_to_do() -> None:
    old = clock.now() - ends.TOO_LONG - timedelta(hours=1)
    session = factories.session(requested_at=old, started_at=old, vendor_session_id="v")
    html = page(session)
    assert "It has been open for more than three days." in html
    assert 'id="finding-stop"' in html
    assert 'id="finding-stop"' not in page(session, Role.VIEWER)


@pytest.mark.django_db
def test_an_answer_that_was_refused_is_evidence() -> None:
    session = factories.session()
    session.events.create(occurred_at=NOW, kind="clock", text="An earlier moment.", data={"document": '{"x": 41}'})
    html = page(session)
    assert "Refused answers" in html
    assert "{&quot;x&quot;: 41}" in html


@pytest.mark.django_db
def test_the_audit_of_a_session_is_its_own_and_for_those_who_may_see_the_trail() -> None:
    session, other = factories.session(), factories.session()
    owner = factories.member(organisation=session.organisation)
    actor = factories.actor(owner)
    audit.record(actor=actor, verb="session.requested", subject="HC", now=NOW, session=str(session.public_id))
    audit.record(actor=actor, verb="session.stop_requested", subject=str(session.public_id), now=NOW)
    audit.record(actor=actor, verb="session.decided", subject=str(other.public_id), now=NOW)
    url = reverse("session_audit", args=[session.public_id])
    lines = factories.client_for(owner).get(url).context["lines"]
    assert [str(line["words"]) for line in lines] == ["Stop asked for", "Session started"]
    assert url in page(session)
    assert url not in page(session, Role.OPERATOR)
