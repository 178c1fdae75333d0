"""The whole way of a session against the real sandbox: start, reading, unplugging, webhook, final figures.

The webhook's body is taken from where the sandbox posted it and handed to our own URL, so that one process is enough.
"""

import threading
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from charging import inbox, read_queue, sessions, starts
from charging.models import Session
from charging.models.session import Origin, State
from fleet.models import RawMessage, Station
from tests import factories
from tests.contract.vendor import Inbox, Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PLAN = {"energy_kwh": "7.125", "duration_s": 1800}


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def post(settings: Any) -> Iterator[Inbox]:
    """Where the vendor reaches us."""
    inbox = Inbox()
    settings.PUBLIC_URL = inbox.url("").removesuffix("/hooks/")
    yield inbox
    inbox.close()


@pytest.fixture
def station(vendor: Vendor) -> Station:
    account = factories.account(base_url=vendor.url, api_key=vendor.key())
    site = factories.site(account.organisation)
    return factories.station(site, account=account, vendor_id=vendor.station(connectors=2))


def request(station: Station, vendor: Vendor) -> Session:
    actor = factories.actor(factories.member(organisation=station.organisation))
    return sessions.request_start(
        actor=actor,
        station=station,
        connector_number=1,
        reference="driver-1",
        origin=Origin.PERSON,
        now=vendor.now(),
    )


def hand_over(post: Inbox, now: datetime) -> Session | None:
    """Bring what the vendor posted to our own route, and digest it."""
    path = post.paths()[0]
    body = post.take(path.removeprefix("/hooks/"))[0]
    assert Client().post(path, body, content_type="application/json").status_code == 200
    message = RawMessage.objects.get()
    return inbox.digest(message.pk, now)


def wait_for_post(post: Inbox) -> None:
    with post._arrived:
        assert post._arrived.wait_for(lambda: post._messages, 10)


def test_a_session_from_start_to_final_figures(vendor: Vendor, post: Inbox, station: Station) -> None:
    vendor.order("plug", stationId=station.vendor_id, connectorId=1, plan=PLAN)
    session = request(station, vendor)
    started = sessions.send_start(session.pk, vendor.now)
    assert started is not None
    assert (started.state, started.error) == (State.PENDING, "")
    assert started.vendor_session_id == vendor.sessions(station.vendor_id)[0]["sessionID"]
    vendor.advance(900)
    [line] = read_queue.lines()
    assert read_queue.pick(line) == read_queue.Picked(session.pk, hurried=False)
    live = sessions.read(session.pk, vendor.now, claimed=True)
    assert live is not None
    assert live.state == State.CHARGING
    assert live.energy_kwh is not None
    assert abs(live.energy_kwh - Decimal("3.5625")) < Decimal("0.05")
    vendor.advance(1000)
    wait_for_post(post)
    hurried = hand_over(post, vendor.now())
    assert hurried is not None
    assert (hurried.state, hurried.hurry, hurried.final_at) == (State.CHARGING, True, None)
    final = sessions.read(session.pk, vendor.now)
    assert final is not None
    truth = vendor.sessions(station.vendor_id)[0]
    assert (final.state, final.energy_kwh, final.cost) == (
        State.COMPLETED,
        Decimal("7.125"),
        Decimal(str(truth["cost"])),
    )
    assert final.final_at is not None
    assert final.holds_connector is False
    kinds = list(final.events.values_list("kind", flat=True))
    assert kinds == ["requested", "accepted", "state", "webhook", "silence", "state", "final"]


def test_a_lost_reply_is_unknown_and_settled_by_its_own_webhook(vendor: Vendor, post: Inbox, station: Station) -> None:
    vendor.fault("session.start", "lostReply", stationId=station.vendor_id)
    vendor.order("plug", stationId=station.vendor_id, connectorId=1, plan=PLAN)
    session = request(station, vendor)
    lost = sessions.send_start(session.pk, vendor.now)
    assert lost is not None
    assert (lost.state, lost.vendor_session_id, lost.holds_connector) == (State.UNKNOWN, None, True)
    assert sessions.send_start(session.pk, vendor.now) is None
    assert starts.due() == []
    with pytest.raises(sessions.StationBlocked):
        actor = factories.actor(factories.member(organisation=station.organisation))
        sessions.request_start(
            actor=actor, station=station, connector_number=1, reference="b", origin=Origin.API, now=vendor.now()
        )
    vendor.advance(1900)
    starts.release_blocks(vendor.now())
    session.refresh_from_db()
    assert (session.state, session.holds_connector) == (State.UNKNOWN, False)
    wait_for_post(post)
    hand_over(post, vendor.now())
    final = sessions.read(session.pk, vendor.now)
    assert final is not None
    assert (final.state, final.energy_kwh, final.error) == (State.COMPLETED, Decimal("7.125"), "")
    assert len(vendor.sessions(station.vendor_id)) == 1


def test_a_refusal_fails_in_the_vendors_words(vendor: Vendor, station: Station) -> None:
    vendor.fault("session.start", "refuse", stationId=station.vendor_id)
    failed = sessions.send_start(request(station, vendor).pk, vendor.now)
    assert failed is not None
    assert (failed.state, failed.holds_connector) == (State.FAILED, False)
    assert failed.error.startswith("Refused by the vendor: ")


def test_a_vendor_that_is_down_is_tried_again_and_given_up_in_words(vendor: Vendor, station: Station) -> None:
    station.account.base_url = "http://127.0.0.1:1"
    station.account.save()
    station.start_limit_s = 60
    station.save()
    session = request(station, vendor)
    states = []
    for _ in range(5):
        Session.objects.filter(pk=session.pk).update(due_at=datetime.fromisoformat("2020-01-01T00:00:00Z"))
        tried = sessions.send_start(session.pk, vendor.now)
        assert tried is not None
        states.append(tried.state)
    assert states == [State.REQUESTED] * 4 + [State.FAILED]
    assert tried.error.startswith("Given up, nothing was started. The vendor cannot be reached")


def test_a_stop_is_sent_and_seen(vendor: Vendor, station: Station) -> None:
    vendor.order("plug", stationId=station.vendor_id, connectorId=1, plan=PLAN)
    session = request(station, vendor)
    sessions.send_start(session.pk, vendor.now)
    vendor.advance(60)
    sessions.read(session.pk, vendor.now)
    actor = factories.actor(factories.member(organisation=station.organisation))
    sessions.request_stop(actor=actor, session=session, now=vendor.now())
    stopped = sessions.send_stop(session.pk, vendor.now)
    assert stopped is not None
    assert (stopped.state, stopped.stop_state) == (State.STOPPING, "sent")
    vendor.advance(60)
    after = sessions.read(session.pk, vendor.now)
    assert after is not None
    assert after.state == State.STOPPED


def test_a_stop_without_an_answer_is_repeated_after_a_read(vendor: Vendor, station: Station) -> None:
    vendor.order("plug", stationId=station.vendor_id, connectorId=1, plan=PLAN)
    session = request(station, vendor)
    sessions.send_start(session.pk, vendor.now)
    vendor.advance(60)
    sessions.read(session.pk, vendor.now)
    vendor.fault("session.stop", "lostRequest", stationId=station.vendor_id)
    actor = factories.actor(factories.member(organisation=station.organisation))
    sessions.request_stop(actor=actor, session=session, now=vendor.now())
    lost = sessions.send_stop(session.pk, vendor.now)
    assert lost is not None
    assert lost.stop_state == "unknown"
    read = sessions.read(session.pk, vendor.now)
    assert read is not None
    assert read.stop_state == "wanted"
    sent = sessions.send_stop(session.pk, vendor.now)
    assert sent is not None
    assert sent.stop_state == "sent"


def test_a_worker_that_died_while_sending_leaves_an_unknown_start(vendor: Vendor, station: Station) -> None:
    session = request(station, vendor)
    past = datetime.fromisoformat("2020-01-01T00:00:00Z")
    Session.objects.filter(pk=session.pk).update(claimed_until=past, attempts=1)
    assert starts.settle_stale(vendor.now()) == 1
    session.refresh_from_db()
    assert (session.state, session.claimed_until) == (State.UNKNOWN, None)


def test_two_workers_send_one_start(vendor: Vendor, station: Station) -> None:
    session = request(station, vendor)

    def work() -> None:
        sessions.send_start(session.pk, vendor.now)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(vendor.sessions(station.vendor_id)) == 1
