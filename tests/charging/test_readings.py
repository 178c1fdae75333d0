"""Which sessions are read next, how a failing read is paced, and what retention takes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from charging import readings, sessions, starts, stops, tasks
from charging.models import Reading, Session
from charging.models.session import State
from fleet.models import Station
from tests import factories
from tests.contract.vendor import Vendor
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def live(station: Station, name: str, age_s: int | None, **fields: object) -> int:
    session = factories.session(station, vendor_session_id=name, **fields)
    read_at = None if age_s is None else Now() - timedelta(seconds=age_s)
    Session.objects.filter(pk=session.pk).update(read_at=read_at)
    return session.pk


def test_hurried_ones_first_then_the_oldest_and_none_that_is_fresh() -> None:
    station = factories.station()
    old = live(station, "old", 100)
    never = live(station, "never", None)
    hurried = live(station, "hurried", 1, hurry=True)
    live(station, "fresh", 1)
    live(station, "over", 500, state=State.COMPLETED)
    factories.session(station, state=State.UNKNOWN)
    assert readings.pick_due() == [hurried, never, old]
    assert readings.pick_due() == []


def test_one_tick_takes_a_twentieth_of_the_window() -> None:
    station = factories.station()
    for n in range(10):
        live(station, f"s{n}", 100)
    assert len(readings.pick_due()) == 3


def test_a_key_without_free_slots_reads_nothing() -> None:
    station = factories.station()
    live(station, "s", None)
    station.account.budget.slots.update(free_at=Now() + timedelta(hours=1))
    assert readings.pick_due() == []


def test_old_readings_of_ended_sessions_go() -> None:
    for state in (State.CHARGING, State.COMPLETED):
        session = factories.session(state=state)
        Reading.objects.create(session=session, received_at=NOW, confirmed_at=NOW, document_sha256="", document="{}")
    assert readings.prune(NOW) == 0
    assert readings.prune(NOW + timedelta(seconds=1)) == 1
    assert [row.session.state for row in Reading.objects.all()] == [State.CHARGING]


def test_sweeping_without_a_broker_settles_what_was_left_behind() -> None:
    station = factories.station()
    long_ago = Now() - timedelta(hours=1)
    start = factories.session(station, state=State.REQUESTED, claimed_until=long_ago, attempts=1)
    stop = factories.session(station, stop_state="wanted", claimed_until=long_ago, vendor_session_id="s")
    due = factories.session(station, state=State.REQUESTED, due_at=long_ago)
    tasks.sweep()
    assert Session.objects.get(pk=start.pk).state == State.UNKNOWN
    assert Session.objects.get(pk=stop.pk).stop_state == "unknown"
    assert (starts.due(), stops.due()) == ([due.pk], [])


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_session_the_vendor_does_not_know_is_asked_ever_more_seldom_and_shown(vendor: Vendor) -> None:
    station = factories.station(account=factories.account(base_url=vendor.url, api_key=vendor.key()))
    session = factories.session(station, vendor_session_id="ses_nobody", hurry=True)
    for _ in range(3):
        assert sessions.read(session.pk, lambda: NOW) is None
        assert readings.pick_due() == []
        Session.objects.filter(pk=session.pk).update(read_claimed_until=None)
    session.refresh_from_db()
    assert (session.state, session.read_failures, sessions.is_lost(session)) == (State.CHARGING, 3, True)
    texts = list(session.events.values_list("text", flat=True))
    assert texts == ["The vendor does not know this session any more. It is asked again from time to time."]
