"""A stop rule's whole way against the real sandbox: suspected, read, fired, sent, refused once, and obeyed."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from charging import rule_watch, session_rules, sessions, stops
from charging.models import Session
from charging.models.session import Origin, State, StopState
from charging.stop_rules import Rule
from fleet.models import Station
from tests import factories
from tests.contract.vendor import Inbox, Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PLAN = {"energy_kwh": "7.125", "duration_s": 1800}  # 14.25 kW


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def station(vendor: Vendor, settings: Any) -> Iterator[Station]:
    inbox = Inbox()  # where the vendor reaches us
    settings.PUBLIC_URL = inbox.url("").removesuffix("/hooks/")
    account = factories.account(base_url=vendor.url, api_key=vendor.key())
    site = factories.site(account.organisation)
    yield factories.station(site, account=account, vendor_id=vendor.station(connectors=2))
    inbox.close()


def charging(vendor: Vendor, station: Station, *rules: Rule) -> Session:
    """A session that has taken 2.375 kWh in ten minutes."""
    vendor.order("plug", stationId=station.vendor_id, connectorId=1, plan=PLAN)
    session = sessions.request_start(
        actor=factories.actor(factories.member(organisation=station.organisation)),
        station=station,
        connector_number=1,
        reference="driver-1",
        origin=Origin.PERSON,
        now=vendor.now(),
        stop_at=rules,
    )
    sessions.send_start(session.pk, vendor.now)
    vendor.advance(600)
    return read(vendor, session)


def read(vendor: Vendor, session: Session) -> Session:
    row = sessions.read(session.pk, vendor.now)
    assert row is not None
    Session.objects.filter(pk=session.pk).update(read_at=Now() - rule_watch.REPEAT_AFTER[0])
    return row


def at_three_kwh(vendor: Vendor) -> Rule:
    return Rule("energy", vendor.now(), amount=Decimal(3))


def test_at_an_energy(vendor: Vendor, station: Station) -> None:
    session = charging(vendor, station, at_three_kwh(vendor))
    assert rule_watch.look(vendor.now()) == []
    vendor.advance(170)  # 3.05 kWh by now
    assert rule_watch.look(vendor.now()) == []
    session.refresh_from_db()
    assert (session.hurry, session.stop_state) == (True, StopState.NONE)
    known = read(vendor, session)
    assert rule_watch.look(vendor.now()) == stops.due() == [session.pk]
    sent = sessions.send_stop(session.pk, vendor.now)
    assert sent is not None
    assert (sent.stop_state, sent.stop_requested_by) == (StopState.SENT, "stop rule at 3 kWh")
    vendor.advance(60)
    after = read(vendor, session)
    assert after.state == State.STOPPED
    assert after.energy_kwh is not None
    assert known.energy_kwh is not None
    assert Decimal(3) <= known.energy_kwh <= after.energy_kwh < Decimal("3.2")
    assert rule_watch.look(vendor.now()) == []


def test_at_a_cost_of_the_vendor(vendor: Vendor, station: Station) -> None:
    session = charging(vendor, station)
    cost = session.cost
    assert cost is not None
    who = factories.actor(factories.member(organisation=station.organisation))
    session_rules.add(actor=who, session=session, rules=[Rule("money", vendor.now(), amount=cost)], now=vendor.now())
    assert rule_watch.look(vendor.now()) == [session.pk]


def test_a_refused_stop_is_repeated_and_then_taken(vendor: Vendor, station: Station) -> None:
    session = charging(vendor, station, at_three_kwh(vendor))
    vendor.advance(200)
    read(vendor, session)
    vendor.fault("session.stop", "refuse", stationId=station.vendor_id)
    assert rule_watch.look(vendor.now()) == [session.pk]
    refused = sessions.send_stop(session.pk, vendor.now)
    assert refused is not None
    assert refused.stop_state == StopState.REFUSED
    read(vendor, session)
    assert rule_watch.look(vendor.now()) == []  # a minute first
    vendor.advance(70)
    read(vendor, session)
    assert rule_watch.look(vendor.now()) == [session.pk]
    sent = sessions.send_stop(session.pk, vendor.now)
    assert sent is not None
    assert sent.stop_state == StopState.SENT
    vendor.advance(60)
    assert read(vendor, session).state == State.STOPPED


def test_two_sweeps_at_once_ask_for_one_stop(vendor: Vendor, station: Station) -> None:
    session = charging(vendor, station, at_three_kwh(vendor))
    vendor.advance(200)
    read(vendor, session)
    now = vendor.now()
    together = threading.Barrier(4)

    def work() -> None:
        together.wait(10)
        rule_watch.look(now)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    kinds = list(session.events.values_list("kind", flat=True))
    assert (kinds.count("rule"), kinds.count("stop")) == (2, 1)  # the rules as given, and the one that fired
