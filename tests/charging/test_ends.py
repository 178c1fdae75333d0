"""Start windows that lapse, sessions that never end, idle time: ended by readings, explained, never invented."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from charging import ends, sessions
from charging.ends import IdleCause, IdleSpan
from charging.models import Session, SessionEvent
from charging.models.session import State
from eevion.sessions import read_session
from fleet.models import Account
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def pending(**fields: Any) -> Session:
    values = {"state": State.PENDING, "vendor_session_id": "ses_1", "accepted_at": NOW} | fields
    station = factories.station(start_limit_s=120)
    Account.objects.filter(pk=station.account_id).update(last_answer_at=Now())
    return factories.session(station, **values)


def read(session: Session, status: str, minutes: float, **said: Any) -> Session:
    document = read_session({"sessionID": "ses_1", "status": status, **said})
    sessions.apply(session=session, document=document, now=NOW + minutes * MINUTE, via="read")
    session.refresh_from_db()
    return session


def age_reading(session: Session, seconds: int) -> None:
    Session.objects.filter(pk=session.pk).update(read_at=Now() - timedelta(seconds=seconds), hurry=False)


# --- the start window -------------------------------------------------------------------------------------------------
def test_within_the_window_a_pending_session_waits() -> None:
    session = pending()
    assert ends.look_at_lapsed_starts(NOW + MINUTE) == 0
    assert read(session, "pending", 1).state == State.PENDING


def test_after_the_window_a_reading_ends_it_and_frees_the_connector() -> None:
    session = pending()
    assert ends.look_at_lapsed_starts(NOW + 3 * MINUTE) == 1
    session.refresh_from_db()
    assert (session.hurry, session.state) == (True, State.PENDING)
    read(session, "pending", 3)
    assert (session.state, session.holds_connector, session.final_at) == (State.EXPIRED, False, None)


def test_a_late_success_is_a_normal_move() -> None:
    session = read(pending(), "pending", 3)
    assert read(session, "charging", 4, energy=Decimal(1)).state == State.CHARGING
    assert (session.ended_at, session.energy_kwh, session.holds_connector) == (None, Decimal(1), True)
    assert SessionEvent.objects.filter(session=session, kind="odd").count() == 0


def test_an_expired_start_is_followed_until_the_vendor_ends_it() -> None:
    session = read(pending(), "pending", 3)
    age_reading(session, 61)
    assert ends.follow_given_up(NOW + 10 * MINUTE) == 1
    read(session, "pending", 10)
    age_reading(session, 61)
    assert ends.follow_given_up(NOW + 80 * MINUTE) == 0  # not for ever
    read(session, "expired", 11)
    age_reading(session, 61)
    assert session.final_at == NOW + 11 * MINUTE
    assert ends.follow_given_up(NOW + 12 * MINUTE) == 0
    assert SessionEvent.objects.filter(session=session, kind="odd").count() == 0


# --- sessions that nobody knows any more ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.ABANDONED),
        ({"energy_kwh": Decimal(0), "cost": Decimal(0)}, State.ABANDONED),
        ({"energy_kwh": Decimal("0.001")}, State.PENDING),
        ({"cost": Decimal("1.00")}, State.PENDING),
    ],
)
def test_what_cost_nothing_is_closed_and_money_waits_for_a_person(fields: dict[str, Any], state: State) -> None:
    session = pending(read_failures=2, **fields)
    ends.reap(NOW + timedelta(minutes=61))
    session.refresh_from_db()
    assert session.state == state
    assert ends.reap(NOW + timedelta(minutes=61)) == 0


def test_a_vendor_that_answers_nothing_says_nothing_about_a_session() -> None:
    for long_ago in (None, Now() - timedelta(minutes=6)):
        session = pending(read_failures=2)
        Account.objects.filter(pk=session.station.account_id).update(last_answer_at=long_ago)
    assert ends.reap(NOW + timedelta(minutes=61)) == 0


def test_nothing_is_closed_early_or_while_it_can_be_read() -> None:
    pending(read_failures=2)
    assert ends.reap(NOW + timedelta(minutes=59)) == 0
    Session.objects.update(read_failures=1)
    assert ends.reap(NOW + timedelta(days=9)) == 0


# --- why it does not end ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "hours", "kind"),
    [
        ({"state": State.CHARGING}, 71, None),
        ({"state": State.CHARGING}, 73, "too_long"),
        ({"state": State.STOPPED, "charging_ended_at": NOW}, 12, None),
        ({"state": State.STOPPED, "charging_ended_at": NOW}, 13, "long_idle"),
        ({"state": State.CHARGING, "read_failures": 2}, 1, "lost"),
        ({"state": State.COMPLETED}, 999, None),
    ],
)
def test_a_session_that_does_not_end_is_explained(fields: dict[str, Any], hours: int, kind: str | None) -> None:
    found = ends.explain(factories.session(**fields), NOW + timedelta(hours=hours))
    assert (found and found.kind) == kind


def test_energy_that_does_not_grow_is_explained() -> None:
    session = factories.session()
    later = NOW + timedelta(hours=7)
    found = ends.explain(session, later, unchanged_since=NOW)
    assert found is not None and (found.kind, found.action) == ("no_progress", "stop")
    assert ends.explain(session, later, unchanged_since=NOW + timedelta(hours=2)) is None


# --- idle time --------------------------------------------------------------------------------------------------------
def test_idle_spans_with_who_caused_them() -> None:
    session = factories.session(vendor_session_id="ses_1")
    read(session, "suspended", 10, statusReason="SuspendedEV")
    read(session, "charging", 20)
    read(session, "suspended", 30)
    read(session, "stopped", 40, endReason="Remote", statusReason="SuspendedEVSE")
    assert ends.idle_spans(session.events.all()) == [
        IdleSpan(NOW + 10 * MINUTE, NOW + 20 * MINUTE, IdleCause.CAR),
        IdleSpan(NOW + 30 * MINUTE, NOW + 40 * MINUTE, IdleCause.NOT_REPORTED),
        IdleSpan(NOW + 40 * MINUTE, None, IdleCause.CHARGER),
    ]


@pytest.mark.parametrize(
    ("status_reason", "end_reason", "cause"),
    [
        ("SuspendedEV", "", IdleCause.CAR),
        ("SuspendedEVSE", "", IdleCause.CHARGER),
        ("", "Remote", IdleCause.STOP),
        ("", "", IdleCause.NOT_REPORTED),
        ("SomethingNew", "", IdleCause.NOT_REPORTED),
    ],
)
def test_the_cause_is_the_vendors_word_or_not_reported(status_reason: str, end_reason: str, cause: IdleCause) -> None:
    session = factories.session(state=State.STOPPED, status_reason=status_reason, end_reason=end_reason)
    assert ends.idle_cause(session) == cause
