"""How the read lanes are handed out: spread over the window, by one process at a time, to real reads."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.db.models.functions import Now

from charging import read_pace
from charging.models import Session
from charging.read_queue import Line
from fleet import budget
from fleet.budget import Lane
from fleet.models import Station
from lib.advisory import Lock
from tests import factories
from tests.contract.vendor import Vendor

LINE = Line(1, 60.0, 53, [1], 100, 100.0, 0, 0, factories.NOW)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


def live(station: Station, vendor: Vendor) -> None:
    name = vendor.station()
    vendor.order("plug", stationId=name, connectorId=1, plan={"energy_kwh": 7, "duration_s": 3600})
    started = vendor.client().start_session(station_id=name, connector_id=1)
    factories.session(station, vendor_session_id=started.session_id)


@pytest.mark.parametrize(
    ("free", "share"),
    [(1, read_pace.CALM_GAP), (8, read_pace.BUSY_GAP), (53, read_pace.BUSY_GAP)],
)
def test_the_gap_is_a_little_less_than_the_lane_allows_and_less_still_with_slots_to_spare(
    free: int, share: float
) -> None:
    assert read_pace.gap_s(LINE, free) == pytest.approx(60 / 53 * share, rel=0.01)


@pytest.mark.django_db
def test_the_outlook_counts_the_slots_that_are_free_at_once() -> None:
    row = factories.account().budget
    row.slots.filter(lane="reads").update(free_at=Now() + timedelta(seconds=60))
    assert budget.outlook(budget_id=row.pk, lane=Lane.READS).free == 48


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_each_due_session_is_read_once_and_none_again_before_its_time(vendor: Vendor) -> None:
    account = factories.account(base_url=vendor.url, api_key=vendor.key(), slots=600)
    other = factories.account(base_url=vendor.url, api_key=vendor.key(), slots=600)
    places = [factories.station(account=account), factories.station(account=other)]
    for number in range(6):
        live(places[number % 2], vendor)
    heard: list[Session] = []
    assert read_pace.run(lambda: datetime.now(UTC), stop=threading.Event(), for_s=2.5, heard=heard.append) is True
    assert sorted(session.pk for session in heard) == sorted(Session.objects.values_list("pk", flat=True))
    assert [session.readings.count() for session in Session.objects.all()] == [1] * 6
    assert not Session.objects.filter(read_at=None).exists()
    assert not Session.objects.exclude(read_claimed_until=None).exists()
    assert set(Session.objects.values_list("read_interval_s", flat=True)) == {30.0}  # the pace, for their horizon


@pytest.mark.django_db(transaction=True)
def test_only_one_hands_out_and_it_ends_when_it_is_asked_to() -> None:
    stop, said = threading.Event(), []

    def hand_out() -> None:
        try:
            said.append(read_pace.run(lambda: datetime.now(UTC), stop=stop))
        finally:
            connections.close_all()

    first = threading.Thread(target=hand_out)
    first.start()
    end = time.monotonic() + 10
    while not _is_seated() and time.monotonic() < end:
        time.sleep(0.01)
    assert read_pace.run(lambda: datetime.now(UTC), stop=stop) is False
    stop.set()
    first.join(10)
    assert said == [True]
    assert not _is_seated()


def _is_seated() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [Lock.READER])
        return bool(cursor.fetchone()[0])
