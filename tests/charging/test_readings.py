"""How a failing read is paced, and what retention takes. Which one is next: test_read_queue."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from charging import read_queue, readings, sessions, starts, stops, tasks
from charging.models import Reading, Session
from charging.models.session import State
from tests import factories
from tests.contract.vendor import Vendor
from tests.factories import NOW

pytestmark = pytest.mark.django_db


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
    due = factories.session(station, state=State.REQUESTED, due_at=Now())
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
        assert read_queue.pick(read_queue.lines()[0]) is None
        Session.objects.filter(pk=session.pk).update(read_claimed_until=None)
    session.refresh_from_db()
    assert (session.state, session.read_failures, sessions.is_lost(session)) == (State.CHARGING, 3, True)
    texts = list(session.events.values_list("text", flat=True))
    assert texts == ["The vendor does not know this session any more. It is asked again from time to time."]
