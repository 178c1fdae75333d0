"""Figures that the vendor changes after they were final: recorded, decided by a person, never silent."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from charging import corrections, sessions
from charging.models import Correction, Reading, Session
from charging.models.correction import CorrectionDecision as Decision
from charging.models.session import State
from eevion.sessions import read_session
from people.models import AuditEntry
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
FINAL = {"sessionID": "ses_1", "status": "completed", "energy": Decimal(7), "cost": Decimal("2.45"), "duration": 3600}


def read(session: Session, minutes: int, **said: Any) -> Session:
    now = NOW + timedelta(minutes=minutes)
    return sessions.apply(session=session, document=read_session(FINAL | said), now=now, via="read")


def final() -> Session:
    session = factories.session(vendor_session_id="ses_1")
    read(session, 0)
    session.refresh_from_db()
    return session


def figures(session: Session) -> tuple[Decimal | None, Decimal | None, int | None]:
    session.refresh_from_db()
    return session.energy_kwh, session.cost, session.duration_s


def test_other_figures_are_recorded_and_change_nothing() -> None:
    session = final()
    read(session, 1, energy=Decimal(9), cost=Decimal("3.15"))
    assert figures(session) == (Decimal(7), Decimal("2.45"), 3600)
    found = Correction.objects.get()
    assert (found.energy_kwh_before, found.energy_kwh_after) == (Decimal(7), Decimal(9))
    assert (found.cost_before, found.cost_after, found.decision) == (Decimal("2.45"), Decimal("3.15"), "")
    assert found.reading == Reading.objects.filter(session=session).last()


def test_a_new_document_with_the_same_figures_is_no_correction() -> None:
    session = final()
    read(session, 1, power=Decimal(0), externalReference="van")
    assert Correction.objects.count() == 0


def test_a_correction_of_the_time_alone_says_what_changed() -> None:
    session = final()
    read(session, 1, duration=3900)
    words = session.events.get(kind="correction").text
    assert "7.000 kWh, 2.4500 CAD, 3900 s instead of 7.000 kWh, 2.4500 CAD, 3600 s" in words


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_figures_of_one_that_never_charged_are_final_too(status: str) -> None:
    session = factories.session(vendor_session_id="ses_1", state=State.PENDING)
    read(session, 0, status=status, energy=Decimal(0), cost=Decimal(0), duration=0)
    read(session, 1, status=status, energy=Decimal(0), cost=Decimal("1.50"), duration=0)
    assert figures(session) == (Decimal(0), Decimal(0), 0)
    assert (session.state, session.final_at) == (status, NOW)
    assert Correction.objects.get().cost_after == Decimal("1.50")


def test_a_failed_session_that_is_called_completed_afterwards_is_no_days_business() -> None:
    session = factories.session(vendor_session_id="ses_1", state=State.PENDING)
    read(session, 0, status="failed", energy=Decimal(0), cost=Decimal(0), duration=0)
    read(session, 1)
    assert figures(session) == (Decimal(0), Decimal(0), 0)
    assert (session.state, session.completed_at) == (State.FAILED, None)
    assert Correction.objects.get().energy_kwh_after == Decimal(7)
    assert [event.text for event in session.events.filter(kind="odd")] == [
        "The vendor said “Completed” of a session that is Failed. Not taken."
    ]


def test_one_that_was_final_as_expired_and_charged_after_all_is_final_anew() -> None:
    session = factories.session(vendor_session_id="ses_1", state=State.PENDING)
    read(session, 0, status="expired", energy=None, cost=None, duration=None)
    read(session, 9)
    assert figures(session) == (Decimal(7), Decimal("2.45"), 3600)
    assert (session.state, session.final_at) == (State.COMPLETED, NOW + timedelta(minutes=9))
    assert session.events.filter(kind="final").count() == 2


def test_money_in_another_currency_is_not_taken_for_ours() -> None:
    session = final()
    read(session, 1, cost=Decimal("1.80"), currency="USD")
    assert Correction.objects.count() == 0


@pytest.mark.parametrize(("accept", "energy"), [(True, Decimal(9)), (False, Decimal(7))])
def test_a_person_decides_once(accept: bool, energy: Decimal) -> None:
    session, owner = final(), factories.actor()
    read(session, 1, energy=Decimal(9))
    found = Correction.objects.get()
    decided = corrections.decide(actor=owner, correction=found, accept=accept, now=NOW)
    assert figures(session) == (energy, Decimal("2.45"), 3600)
    assert decided.decision == (Decision.ACCEPTED if accept else Decision.KEPT)
    assert (decided.energy_kwh_before, decided.energy_kwh_after) == (Decimal(7), Decimal(9))
    assert AuditEntry.objects.filter(verb__startswith="session.correction_").count() == 1
    with pytest.raises(corrections.AlreadyDecided):
        corrections.decide(actor=owner, correction=found, accept=True, now=NOW)


def test_a_newer_answer_takes_the_place_of_an_undecided_one() -> None:
    session = final()
    read(session, 1, energy=Decimal(9))
    read(session, 2, energy=Decimal(10))
    assert list(Correction.objects.values_list("energy_kwh_after", "decision")) == [
        (Decimal(9), Decision.KEPT),
        (Decimal(10), Decision.OPEN),
    ]
    read(session, 3)  # and back again: nothing is left to decide
    assert Correction.objects.filter(decision=Decision.OPEN).count() == 0


def test_figures_that_a_person_declined_are_not_asked_about_again() -> None:
    session = final()
    read(session, 1, energy=Decimal(9))
    corrections.decide(actor=factories.actor(), correction=Correction.objects.get(), accept=False, now=NOW)
    read(session, 2, energy=Decimal(9))
    assert Correction.objects.count() == 1
    read(session, 3, energy=Decimal(10))
    read(session, 4, energy=Decimal(9))  # of these nobody said anything after the ten
    assert Correction.objects.get(decision=Decision.OPEN).energy_kwh_after == 9


def test_accepted_figures_are_the_final_ones_of_the_next_correction() -> None:
    session = final()
    read(session, 1, energy=Decimal(9))
    corrections.decide(actor=factories.actor(), correction=Correction.objects.get(), accept=True, now=NOW)
    read(session, 2, energy=Decimal(9), cost=Decimal("3.15"))
    newer = Correction.objects.get(decision=Decision.OPEN)
    assert (newer.energy_kwh_before, newer.cost_before, newer.cost_after) == (9, Decimal("2.45"), Decimal("3.15"))
