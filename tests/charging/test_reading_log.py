"""Samples: the same answer is one row whoever brings it, null takes nothing away, a clock that runs backwards is
refused and shown once."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from charging import estimates, sessions, silence
from charging.models import Reading, Session
from eevion import SessionDocument
from eevion.sessions import read_session
from tests import factories
from tests.factories import NOW

SAID: dict[str, Any] = {
    "sessionID": "ses_1", "status": "charging", "energy": Decimal("1.5"), "power": Decimal("7.2"),
    "cost": Decimal("0.53"), "currency": "CAD", "duration": 750, "startedAt": "2026-06-01T15:30:00Z",
    "updatedAt": "2026-06-01T15:42:30Z",
}  # fmt: skip
SAID_AT = NOW - timedelta(minutes=17, seconds=30)  # startedAt and duration


def document(**said: Any) -> SessionDocument:
    return read_session({name: value for name, value in (SAID | said).items() if value is not ...})


def take(session: Session, minutes: int = 0, **said: Any) -> Session:
    now = NOW + timedelta(minutes=minutes)
    return sessions.apply(session=session, document=document(**said), now=now, via="read")


def confirmed() -> list[tuple[int, int]]:
    """Of each reading, in minutes: when it came, and when it was last so."""
    minute = timedelta(minutes=1)
    rows = Reading.objects.order_by("received_at")
    return [((row.received_at - NOW) // minute, (row.confirmed_at - NOW) // minute) for row in rows]


@pytest.mark.django_db
def test_the_same_answer_twice_is_one_row_that_was_confirmed() -> None:
    session = factories.session(vendor_session_id="ses_1")
    for minutes in (0, 1, 3, 2):
        take(session, minutes)
    assert confirmed() == [(0, 3)]


@pytest.mark.django_db
def test_a_long_silence_is_written_down_once_it_is_over() -> None:
    session = factories.session(vendor_session_id="ses_1")
    for minutes in (0, 4, 24):
        take(session, minutes)
    take(session, 30, updatedAt="2026-06-01T16:12:30Z", duration=2550)
    assert confirmed() == [(0, 24), (30, 30)]
    told = list(session.events.filter(kind="silence"))
    assert [event.text for event in told] == ["No answer about it for 20 min.", "No answer about it for 6 min."]
    minute = timedelta(minutes=1)
    assert silence.told(told) == [(NOW + 4 * minute, NOW + 24 * minute), (NOW + 24 * minute, NOW + 30 * minute)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_answer_brought_by_many_at_once_is_one_row() -> None:
    """Whoever keeps a reading holds the lock of its session."""
    session, together = factories.session(vendor_session_id="ses_1"), threading.Barrier(6)

    def bring() -> None:
        together.wait()
        take(session)
        connection.close()

    threads = [threading.Thread(target=bring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert confirmed() == [(0, 0)]


@pytest.mark.django_db
@pytest.mark.parametrize("absent", [None, ...])
def test_null_and_absence_take_nothing_away(absent: Any) -> None:
    session = factories.session(vendor_session_id="ses_1")
    take(session)
    gone = dict.fromkeys(("energy", "power", "cost", "currency", "duration", "startedAt"), absent)
    after = take(session, 1, **gone, updatedAt="2026-06-01T15:43:30Z")
    after.refresh_from_db()
    assert (after.energy_kwh, after.power_kw, after.cost) == (Decimal("1.5"), Decimal("7.2"), Decimal("0.53"))
    assert (after.currency, after.duration_s, after.started_at) == ("CAD", 750, NOW - timedelta(minutes=30))
    assert Reading.objects.get(received_at__gt=NOW).energy_kwh is None  # the sample keeps what was said


@pytest.mark.django_db
def test_figures_as_text_and_with_more_digits_rest_in_our_steps() -> None:
    session = take(factories.session(vendor_session_id="ses_1"), energy="1.50049", power="7.1996", cost="0.52995")
    session.refresh_from_db()
    assert (session.energy_kwh, session.power_kw, session.cost) == (Decimal("1.500"), Decimal("7.2"), Decimal("0.53"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "earlier", [{"updatedAt": "2026-06-01T15:40:00Z"}, {"updatedAt": ..., "startedAt": ..., "duration": 600}]
)
def test_a_clock_that_runs_backwards_is_refused_and_shown_once(earlier: dict[str, Any]) -> None:
    session = factories.session(vendor_session_id="ses_1")
    take(session)
    for minutes in (1, 2):
        take(session, minutes, energy=Decimal(minutes), **earlier)
    session.refresh_from_db()
    assert (session.energy_kwh, confirmed()) == (Decimal("1.5"), [(0, 0)])
    shown = session.events.get(kind="clock")
    assert '"energy":1' in shown.data["document"].replace(" ", "")
    take(session, 3, updatedAt="2026-06-01T15:50:00Z", duration=1200, energy=Decimal(3))  # and it is right again
    assert confirmed() == [(0, 0), (3, 3)]


@pytest.mark.django_db
def test_an_old_answer_that_comes_again_is_neither_taken_nor_shown() -> None:
    session = factories.session(vendor_session_id="ses_1")
    take(session)
    take(session, 1, updatedAt="2026-06-01T15:43:30Z", duration=810, energy=Decimal(2))
    take(session, 2)
    session.refresh_from_db()
    assert (session.energy_kwh, session.events.filter(kind="clock").count()) == (2, 0)
    assert confirmed() == [(0, 0), (1, 1)]


@pytest.mark.django_db
def test_an_end_is_taken_whatever_its_clock_says() -> None:
    session = factories.session(vendor_session_id="ses_1")
    take(session)
    take(session, 1, status="completed", updatedAt="2026-06-01T15:00:00Z", duration=10)
    session.refresh_from_db()
    assert session.state == "completed"


def odd(session: Session) -> list[str]:
    return list(session.events.filter(kind="odd").values_list("text", flat=True))


@pytest.mark.django_db
def test_after_a_moment_of_the_far_future_the_true_ones_are_taken() -> None:
    session = factories.session(vendor_session_id="ses_1")
    take(session, 0, updatedAt="2087-06-01T15:42:30Z", startedAt=...)
    after = take(session, 1, energy=Decimal("2.5"), updatedAt="2026-06-01T16:01:00Z")
    assert (after.energy_kwh, Reading.objects.count()) == (Decimal("2.500"), 2)
    assert odd(session) == ["The vendor's answer has times that cannot be: updatedAt. They were not taken."]


@pytest.mark.django_db
def test_a_charger_whose_clock_was_never_set_has_not_charged_for_years() -> None:
    session = factories.session(vendor_session_id="ses_1")
    for minutes in (0, 1):
        after = take(session, minutes, updatedAt=..., startedAt="2000-01-01T00:00:05Z", duration=750 + minutes)
    reading, at = Reading.objects.latest("pk"), NOW + timedelta(minutes=2)
    shown = estimates.of(estimates.facts(after, reading.measured_at, reading.confirmed_at, 300), at)
    assert (after.started_at, estimates.shown_energy_kwh(shown, at)) == (None, Decimal("1.620"))
    assert odd(session) == ["The vendor's answer has times that cannot be: startedAt. They were not taken."]


@pytest.mark.django_db
def test_a_session_does_not_end_in_another_century() -> None:
    session = factories.session(vendor_session_id="ses_1")
    after = take(session, status="completed", completedAt="2099-01-01T00:00:00Z", updatedAt=...)
    assert (after.completed_at, after.ended_at) == (SAID_AT, SAID_AT)
