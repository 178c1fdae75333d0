"""Reading the management history: from when on, to its end, and whose job it is. The vendor is the sandbox."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

import eevion
from fleet import commands, deliveries, drift, items, job_history, job_owners
from fleet.budget import Lane
from fleet.models import (
    Account,
    ApiCall,
    Command,
    CommandItem,
    HookToken,
    ManageCall,
    RequestSlot,
    Station,
    StationSetting,
)
from fleet.models.command import ItemState, Origin
from tests import factories
from tests.contract.vendor import Vendor
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
S = ItemState
ALL_DONE_S = 30


@pytest.fixture(scope="module")
def running_vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def vendor(running_vendor: Vendor) -> Iterator[Vendor]:
    yield running_vendor
    running_vendor.order("faults", clear=True)
    running_vendor.order("settings", page_rows=200)


class House:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.actor = factories.actor()
        self.site = factories.site(factories.Organisation.objects.get(pk=self.actor.organisation_id))
        self.account: Account = factories.account(self.site.organisation, base_url=vendor.url, api_key=vendor.key())

    def station(self) -> Station:
        return factories.station(self.site, account=self.account, vendor_id=self.vendor.station())

    def ask(self, station: Station, **values: str) -> CommandItem:
        wishes = commands.for_all([station], values)
        return commands.request(actor=self.actor, wishes=wishes, now=self.vendor.now()).items.get()

    def send(self) -> None:
        for lane in (Lane.PEOPLE, Lane.COMMANDS):
            commands.deliver(clock=self.vendor.now, lane=lane, patience_s=0)

    def portal(self, *stations: Station, message: str = "Portal") -> None:
        self.vendor.order("portal-job", stationIds=[station.vendor_id for station in stations], setMessage=message)
        self.vendor.advance(ALL_DONE_S)

    def read(self) -> int:
        RequestSlot.objects.update(free_at=Now())
        return commands.read_history(self.account, self.vendor.now())

    def age(self, minutes: float) -> None:
        """Let so much wall time pass since the calls so far, and as much of the vendor's."""
        for call in ApiCall.objects.all():
            call.started_at -= timedelta(minutes=minutes)
            call.save()
        self.vendor.advance(minutes * 60)


@pytest.fixture
def house(vendor: Vendor) -> House:
    return House(vendor)


def state(item: CommandItem) -> str:
    item.refresh_from_db()
    return item.state


def portal_messages() -> list[str]:
    found = Command.objects.filter(origin=Origin.PORTAL).order_by("requested_at", "pk")
    return [command.values["setMessage"] for command in found]


def test_with_nothing_open_it_is_read_every_fifteen_minutes(house: House) -> None:
    station = house.station()
    house.portal(station, message="one")
    house.read()
    house.portal(station, message="two")
    assert (house.read(), portal_messages()) == (0, ["one"])
    house.age(15)
    house.read()
    assert portal_messages() == ["one", "two"]


def test_an_open_call_does_not_hide_what_the_portal_did_before_it(house: House) -> None:
    station, other = house.station(), house.station()
    house.read()
    house.portal(station, message="early")
    house.age(14)
    item = house.ask(other, setMessage="Hi")
    house.send()
    house.vendor.advance(ALL_DONE_S)
    house.read()
    assert (state(item), portal_messages()) == (S.FINISHED, ["early"])


@pytest.mark.parametrize(
    ("jobs", "apart_s", "allowed_s"),
    [(9, 2, 300), (10, 0, 60), (10, 2, 64), (10, -30, 120), (10, 600, 300)],
    ids=["too few", "equal", "ahead", "behind", "at most"],
)
def test_how_far_clocks_are_apart_is_judged_by_the_last_jobs(jobs: int, apart_s: int, allowed_s: int) -> None:
    account = factories.account()
    for number in range(jobs):
        token = HookToken.objects.create(account=account, kind="job", token_hash=f"{number:064d}", created_at=NOW)
        born = (NOW + timedelta(seconds=apart_s if number == 3 else 0)).isoformat()
        ManageCall.objects.create(
            account=account, token=token, station_ids=[], values={}, attempted_at=NOW,
            job={"jobId": f"j{number}", "createdAt": born, "stationIds": [], "status": "succeeded"},
        )  # fmt: skip
    assert job_owners.skew(account) == timedelta(seconds=allowed_s)


def test_a_reading_that_broke_off_is_made_good(house: House) -> None:
    station = house.station()
    house.vendor.advance(600)  # other tests' jobs are long past
    house.vendor.order("settings", page_rows=1)
    house.read()
    for message in ("one", "two"):
        house.portal(station, message=message)
    house.age(20)
    house.vendor.fault("history", "error", skip=1)
    with pytest.raises(eevion.OutcomeUnknown):
        house.read()
    assert portal_messages() == ["one"]  # what came was taken in
    house.age(20)
    house.read()
    assert portal_messages() == ["one", "two"]


def test_two_readers_of_an_account_do_not_take_each_others_slots(house: House) -> None:
    house.portal(house.station())
    taken = [job_history.SEAT, house.account.pk]
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", taken)
        assert (house.read(), portal_messages()) == (0, [])
    house.read()
    assert portal_messages() == ["Portal"]


def test_an_open_job_of_the_portal_is_followed_each_minute(house: House) -> None:
    station = house.station()
    house.vendor.order("portal-job", stationIds=[station.vendor_id], setMessage="Hi")
    house.read()
    item = CommandItem.objects.get()
    assert item.state == S.ACCEPTED
    house.vendor.advance(ALL_DONE_S)
    house.read()
    assert (state(item), house.read()) == (S.FINISHED, 0)


def test_what_had_no_word_in_time_is_looked_for_a_day_longer(house: House) -> None:
    item = house.ask(house.station(), setMessage="Hi")
    house.send()
    now = house.vendor.now()
    items.move(CommandItem.objects.get(pk=item.pk), S.TIMED_OUT, now=now)
    house.vendor.advance(ALL_DONE_S)
    house.read()
    assert state(item) == S.FINISHED_LATE


def test_after_that_day_it_is_let_go(house: House) -> None:
    item = house.ask(house.station(), setMessage="Hi")
    house.send()
    long_ago = house.vendor.now() - job_history.FOLLOWED
    items.move(CommandItem.objects.get(pk=item.pk), S.TIMED_OUT, now=long_ago)
    ApiCall.objects.create(
        account=house.account, lane="history", why=job_history.COMPLETE, endpoint="history", started_at=Now(),
        waited_ms=0, duration_ms=0, outcome="ok",
    )  # fmt: skip
    assert house.read() == 0


def test_a_job_whose_answer_is_still_on_its_way_is_left_for_the_next_reading(house: House) -> None:
    item = house.ask(house.station(), setMessage="Hi")
    house.vendor.fault("manage", "lostReply")
    house.send()
    CommandItem.objects.filter(pk=item.pk).update(state=S.SENDING, claimed_until=Now() + timedelta(seconds=30))
    house.vendor.advance(ALL_DONE_S)
    house.read()
    assert (state(item), Command.objects.filter(origin=Origin.PORTAL).count()) == (S.SENDING, 0)
    assert not ApiCall.objects.filter(why=job_history.COMPLETE).exists()
    CommandItem.objects.filter(pk=item.pk).update(claimed_until=Now())
    deliveries.lapse(now=house.vendor.now())
    house.read()
    assert (state(item), Command.objects.filter(origin=Origin.PORTAL).count()) == (S.FINISHED, 0)


def test_the_same_wish_of_another_user_of_the_key_is_not_taken_for_ours(house: House) -> None:
    station = house.station()
    item = house.ask(station, setMessage="Hi")
    house.send()
    client = eevion.Client(house.vendor.url, house.account.api_key)
    client.manage_stations(station_ids=[station.vendor_id], set_message="Hi")
    house.vendor.advance(ALL_DONE_S)
    house.read()
    theirs = Command.objects.get(origin=Origin.PORTAL)
    assert (state(item), theirs.requested_by_label, theirs.items.get().state) == (
        S.FINISHED, "Another user of the key", S.FINISHED,
    )  # fmt: skip
    assert ManageCall.objects.get().job_id != theirs.job_id


def test_our_wish_stays_and_drift_appears(house: House) -> None:
    station = house.station()
    house.ask(station, setMessage="ours")
    house.send()
    house.vendor.advance(ALL_DONE_S)
    house.read()
    assert list(drift.matching(house.actor, {})) == []
    house.portal(station, message="theirs")
    house.age(15)
    house.read()
    setting = StationSetting.objects.get()
    assert (setting.wanted_value, setting.finished_value, setting.finished_by) == ("ours", "theirs", "portal")
    assert list(drift.matching(house.actor, {})) == [setting]
