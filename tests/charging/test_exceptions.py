"""Exceptions in any order and as often as they come, and what they tell of stations and sessions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from charging import exceptions
from charging.models import StationException
from charging.models.session import State
from eevion.exceptions import StationException as Payload
from eevion.exceptions import read_exception
from eevion.reader import Reader
from fleet import budget, gateway
from fleet.models import RequestSlot, Station, UnknownStation
from tests import factories
from tests.contract.vendor import Vendor
from tests.factories import NOW

pytestmark = pytest.mark.django_db
BEGAN = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)


def payload(station: Station | str, **keys: Any) -> Payload:
    vendor_id = station if isinstance(station, str) else station.vendor_id
    said = {"exceptionId": "ex_1", "type": "connectorFaulted", "stationId": vendor_id, "startedAt": BEGAN.isoformat()}
    return read_exception(Reader({**said, **keys}))


def apply(station: Station, **keys: Any) -> StationException:
    return exceptions.apply(account=station.account, payload=payload(station, **keys), now=NOW)


def test_a_fault_opens_and_clears_its_connector() -> None:
    station = factories.station()
    connector = station.connectors.get(number=2)
    apply(station, connectorId=2, errorCode="GroundFailure")
    connector.refresh_from_db()
    assert (connector.fault_code, connector.fault_since) == ("GroundFailure", BEGAN)
    apply(station, connectorId=2, clearedAt=NOW.isoformat())
    connector.refresh_from_db()
    assert (connector.fault_code, connector.fault_since) == ("", None)
    assert StationException.objects.count() == 1


def test_one_that_was_cleared_stays_cleared_when_its_opening_comes_late() -> None:
    station = factories.station()
    apply(station, type="stationOffline", clearedAt=NOW.isoformat())
    row = apply(station, type="stationOffline")
    station.refresh_from_db()
    assert (row.cleared_at, station.offline_since) == (NOW, None)


def test_the_oldest_open_one_counts() -> None:
    station = factories.station()
    later = (BEGAN + timedelta(minutes=5)).isoformat()
    apply(station, type="stationOffline", exceptionId="ex_2", startedAt=later)
    apply(station, type="stationOffline")
    station.refresh_from_db()
    assert station.offline_since == BEGAN
    apply(station, type="stationOffline", clearedAt=NOW.isoformat())
    station.refresh_from_db()
    assert station.offline_since == BEGAN + timedelta(minutes=5)


def test_an_unknown_station_is_offered_for_adoption() -> None:
    account = factories.account()
    row = exceptions.apply(account=account, payload=payload("HC-new"), now=NOW)
    assert (row.station, row.vendor_station_id) == (None, "HC-new")
    assert list(UnknownStation.objects.values_list("vendor_id", "seen_in")) == [("HC-new", "exceptions")]


def test_a_station_of_another_account_is_not_touched() -> None:
    station = factories.station()
    row = exceptions.apply(account=factories.account(), payload=payload(station, type="stationOffline"), now=NOW)
    station.refresh_from_db()
    assert (row.station, station.offline_since) == (None, None)


def test_a_known_session_is_linked_and_read_next() -> None:
    station = factories.station()
    session = factories.session(station, vendor_session_id="ses_1")
    row = apply(station, type="sessionInterrupted", sessionID="ses_1")
    session.refresh_from_db()
    assert (row.session, session.hurry) == (session, True)


def test_a_strange_session_id_is_shown_at_an_unknown_start_and_not_taken() -> None:
    station = factories.station()
    session = factories.session(station, state=State.UNKNOWN)
    for _ in (1, 2):
        apply(station, type="sessionInterrupted", sessionID="ses_7")
    session.refresh_from_db()
    assert (session.state, session.vendor_session_id) == (State.UNKNOWN, None)
    assert [event.data for event in session.events.all()] == [{"vendor_session_id": "ses_7"}]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_list_is_read_page_by_page_and_again_without_doubles() -> None:
    vendor = Vendor()
    try:
        vendor.order("settings", page_rows=1)
        account = factories.account(base_url=vendor.url, api_key=vendor.key())
        site = factories.site(account.organisation)
        mine = [factories.station(site, account=account, vendor_id=vendor.station()) for _ in range(3)]
        for station in mine:
            vendor.order("break", stationId=station.vendor_id, kind="offline")
        now = vendor.now()
        counts = [exceptions.list_all(account, now) for _ in range(2)]
        assert counts == [3, 3]
        assert StationException.objects.filter(station__in=mine, cleared_at=None).count() == 3
        assert Station.objects.filter(offline_since__isnull=False).count() == 3
        vendor.order("repair", stationId=mine[0].vendor_id)
        exceptions.list_all(account, vendor.now())
        assert set(Station.objects.filter(offline_since=None)) == {mine[0]}
        # A window later, in a fan-out of commands: the slot of the management history stays with it.
        RequestSlot.objects.filter(budget=account.budget).update(free_at=Now())
        while budget.take(budget_id=account.budget_id, lane=gateway.Lane.COMMANDS, timeout_s=8):
            pass
        assert exceptions.list_all(account, vendor.now()) == 3
        assert gateway.free_now(account, gateway.Lane.HISTORY) == 1
    finally:
        vendor.close()
