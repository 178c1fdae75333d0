"""How a failing read is paced, and what retention takes. Which one is next: test_read_queue."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from charging import read_queue, readings, sessions, starts, stops, tasks
from charging.models import Reading, Session
from charging.models.session import State
from fleet.models import ApiCall, RequestBudget
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


def asked_in_between(session: Session, **fields: Any) -> Callable[[], datetime]:
    """The clock of a reader, looked at once the answer is here: until then somebody else writes."""

    def now() -> datetime:
        Session.objects.filter(pk=session.pk).update(**fields)
        return NOW

    return now


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("hurried", "in_between", "left"),
    [
        (False, {}, False),
        (True, {}, False),
        (False, {"hurry": True}, True),
        (True, {"hurry": True, "read_claimed_until": None}, True),
    ],
)
def test_a_hurry_ends_with_its_answer_and_what_came_in_between_asks_again(
    vendor: Vendor, hurried: bool, in_between: dict[str, Any], left: bool
) -> None:
    station = factories.station(account=factories.account(base_url=vendor.url, api_key=vendor.key()))
    started = vendor.client().start_session(station_id=vendor.station(), connector_id=1)
    session = factories.session(station, vendor_session_id=started.session_id, hurry=hurried)
    assert read_queue.pick(read_queue.lines()[0]) == read_queue.Picked(session.pk, hurried)
    assert sessions.read(session.pk, asked_in_between(session, **in_between), claimed=True) is not None
    session.refresh_from_db()
    assert (session.hurry, session.read_claimed_until) == (left, None)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_read_that_fails_puts_no_pause_on_whom_a_webhook_hurried_meanwhile(vendor: Vendor) -> None:
    station = factories.station(account=factories.account(base_url=vendor.url, api_key=vendor.key()))
    session = factories.session(station, vendor_session_id="ses_nobody", read_failures=4)
    assert read_queue.pick(read_queue.lines()[0]) is not None
    hurried = asked_in_between(session, hurry=True, read_claimed_until=None)
    assert sessions.read(session.pk, hurried, claimed=True) is None
    assert read_queue.pick(read_queue.lines()[0]) == read_queue.Picked(session.pk, hurried=True)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_key_that_has_spent_its_requests_makes_no_session_a_lost_one(vendor: Vendor) -> None:
    key = vendor.key(limit=1)
    session = factories.session(
        factories.station(account=factories.account(base_url=vendor.url, api_key=key)), vendor_session_id="ses_nobody"
    )
    for _ in range(3):  # the first one is answered: nobody knows it
        assert sessions.read(session.pk, lambda: NOW) is None
        Session.objects.filter(pk=session.pk).update(read_claimed_until=None)
        RequestBudget.objects.update(frozen_until=None)
    assert list(ApiCall.objects.order_by("pk").values_list("status", flat=True)) == [404, 429, 429]
    session.refresh_from_db()
    assert (session.read_failures, sessions.is_lost(session)) == (1, False)


@pytest.mark.parametrize("state", [State.CHARGING, State.COMPLETED])
def test_a_reader_that_died_leaves_the_hurry_behind(state: State) -> None:
    session = factories.session(state=state, vendor_session_id="ses_1", hurry=True)
    [line] = read_queue.lines()
    assert read_queue.pick(line) == read_queue.Picked(session.pk, hurried=True)
    assert read_queue.pick(line) is None
    Session.objects.filter(pk=session.pk).update(read_claimed_until=Now() - timedelta(seconds=1))
    assert read_queue.pick(line) == read_queue.Picked(session.pk, hurried=True)
