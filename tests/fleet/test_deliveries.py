"""Sending, with the sandbox as the vendor: deadlines, refusals, keys, lanes, threads."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

import eevion
from fleet import accounts, claims, commands, deadlines, deliveries, guards, senders, tasks
from fleet.budget import Lane
from fleet.command_options import Options
from fleet.models import Account, ApiCall, Command, HookToken, ManageCall, RequestSlot, Station
from tests import factories
from tests.contract.vendor import Vendor
from tests.fleet.house import House, states

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def running_vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def vendor(running_vendor: Vendor) -> Iterator[Vendor]:
    yield running_vendor
    running_vendor.order("faults", clear=True)


@pytest.fixture
def house(vendor: Vendor) -> House:
    return House(vendor)


def told(house: House, station: Station) -> list[str]:
    return [job["setMessage"] for job in house.vendor.jobs(station.vendor_id)]


def test_a_deadline_that_comes_while_the_call_waits_for_its_slot(house: House) -> None:
    station = house.station()
    wishes, begun = commands.for_all([station], {"setMessage": "late"}), house.vendor.now()
    command = commands.request(
        actor=house.actor, wishes=wishes, now=begun, options=Options(patience=timedelta(minutes=1))
    )
    times = iter([begun, begun + timedelta(seconds=60), begun + timedelta(seconds=60)])
    last = begun + timedelta(seconds=61)
    assert deliveries.deliver(clock=lambda: next(times, last), lane=Lane.PEOPLE, patience_s=0) == 1
    assert (states(command), told(house, station), ManageCall.objects.count()) == (["expired"], [], 0)
    assert list(command.events.values_list("verb", "stations")) == [("asked", 1), ("expired", 1)]
    assert RequestSlot.objects.filter(free_at__lte=Now()).count() == 60  # the slot is given back


def test_the_attempt_and_the_answer_are_kept(house: House) -> None:
    command = house.ask(house.station(), setMessage="Hi")
    before = house.vendor.now()
    house.deliver()
    item, call = command.items.get(), ManageCall.objects.get()
    assert item.sent_at is not None
    assert before <= item.sent_at <= house.vendor.now()
    assert (call.http_status, call.answer) == (202, {"jobId": call.job_id, "status": "queued"})


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_the_rows_own(house: House, status: int) -> None:
    house.vendor.order("faults", options={"refuse_status": status})
    house.vendor.fault("manage", "refuse")
    refused, taken = house.ask(house.station(), setMessage="Hi"), house.ask(house.station(), setMessage="Hi")
    house.deliver()
    item, call = refused.items.get(), ManageCall.objects.order_by("pk")[0]
    assert (item.state, item.error_code != "", item.error != "") == ("rejected", True, True)
    assert (call.http_status, "error" in call.answer) == (status, True)
    assert (states(taken), Account.objects.get(pk=house.account.pk).key_refused_at) == (["accepted"], None)


def test_a_station_that_the_vendor_does_not_know_spoils_no_other_of_its_call(vendor: Vendor) -> None:
    house = House(vendor, stations_per_call=3)
    known = [house.station(), house.station()]
    unknown = factories.station(house.site, account=house.account, vendor_id="nobody's")
    command = house.ask(known[0], unknown, known[1], setMessage="Hi")
    assert house.deliver() == 4  # together, then one by one
    assert sorted(states(command)) == ["accepted", "accepted", "rejected"]
    assert command.items.get(state="rejected").station_id == unknown.pk
    assert [told(house, station) for station in known] == [["Hi"], ["Hi"]]


def test_a_refused_key_costs_one_refusal_and_all_goes_on_with_another(house: House) -> None:
    good = house.account.api_key
    Account.objects.update(api_key="revoked half way")
    found = [house.station() for _ in range(5)]
    command = house.ask(*found, setMessage="Hi")
    assert (house.deliver(), states(command)) == (1, ["queued"] * 5)
    guards.show_refused_keys()
    assert set(command.items.values_list("error_code", flat=True)) == {"key_refused"}
    assert house.deliver() == 0
    accounts.rotate_key(actor=None, account=Account.objects.get(), api_key=good, now=house.vendor.now())
    guards.show_refused_keys()
    assert (house.deliver(), states(command)) == (5, ["accepted"] * 5)


def test_held_back_by_the_key_it_still_dies_at_its_deadline(house: House) -> None:
    Account.objects.update(key_refused_at=Now())
    command = house.ask(house.station(), setMessage="Hi")
    assert (house.deliver(), deadlines.expire(house.later(25 * 3600)), states(command)) == (0, 1, ["expired"])


def test_a_vendor_that_is_not_there_is_left_in_peace_for_a_while() -> None:
    account = factories.account()
    site = factories.site(account.organisation)
    found = [factories.station(site, account=account) for _ in range(3)]
    actor = factories.actor(factories.member(organisation=account.organisation))
    wishes = commands.for_all(found, {"setMessage": "Hi"})
    command = commands.request(actor=actor, wishes=wishes, now=factories.NOW)
    tried = deliveries.deliver(clock=lambda: factories.NOW, lane=Lane.PEOPLE, patience_s=0)
    assert (tried, states(command), ManageCall.objects.count()) == (1, ["queued"] * 3, 0)


def test_people_wait_for_nothing_while_the_slots_of_all_are_used(house: House) -> None:
    RequestSlot.objects.filter(lane="shared").update(free_at=Now() + timedelta(seconds=50))
    many = house.ask(*[house.station() for _ in range(7)], setMessage="many")
    few = [house.ask(house.station(), setMessage="few") for _ in range(6)]
    assert house.deliver() == 6
    assert ([states(one) for one in few], set(states(many))) == ([["accepted"]] * 6, {"queued"})
    assert set(ApiCall.objects.filter(endpoint="manage", waited_ms__lt=1000).values_list("lane", flat=True)) == {
        "people"
    }


def test_two_operators_command_the_same_stations_and_the_last_word_counts(house: House) -> None:
    found = [house.station() for _ in range(8)]
    other = factories.actor(factories.member(organisation=house.site.organisation))
    first = house.ask(*found, setMessage="first")
    wishes = commands.for_all(reversed(found), {"setMessage": "second"})
    second = commands.request(actor=other, wishes=wishes, now=house.vendor.now(), options=Options())
    assert (house.deliver(), set(states(first)), set(states(second))) == (8, {"cancelled"}, {"accepted"})
    assert [told(house, station) for station in found] == [["second"]] * 8


def test_a_wish_for_what_is_there_is_sent_all_the_same_while_another_is_on_its_way(house: House) -> None:
    station = house.station()
    station.settings.create(kind="setMessage", finished_value="A")
    house.ask(station, setMessage="B")
    wishes = commands.for_all([station], {"setMessage": "A"})
    back = commands.request(actor=house.actor, wishes=wishes, now=house.vendor.now(), options=Options())
    house.deliver()
    assert (states(back), told(house, station)) == (["accepted"], ["A"])


def test_the_rows_are_the_queue_and_no_message_is_needed(house: House) -> None:
    command = house.ask(house.station(), setMessage="Hi")
    tasks.deliver_now()
    assert states(command) == ["accepted"]
    tasks.deliver_now()
    tasks.deliver_due()
    tasks.advance_commands()
    tasks.advance_commands()
    assert (states(command), ManageCall.objects.count()) == (["accepted"], 1)


@pytest.mark.django_db(transaction=True)
def test_threads_of_one_task_send_each_row_once(house: House) -> None:
    found = [house.station() for _ in range(12)]
    command = house.ask(*found, setMessage="Hi")
    tasks.deliver_due()
    assert states(command) == ["accepted"] * 12
    assert [told(house, station) for station in found] == [["Hi"]] * 12


@pytest.mark.django_db(transaction=True)
def test_no_more_senders_than_seats() -> None:
    seats = senders.CREWS[Lane.PEOPLE].seats
    everybody, seated = threading.Barrier(seats + 2), []

    def sit() -> int:
        with senders.seat(Lane.PEOPLE) as found:
            seated.append(found)
            everybody.wait(20)
        return int(found)

    assert (senders.side_by_side(sit, seats + 2), sorted(seated)) == (seats, [False] * 2 + [True] * seats)
    assert senders.side_by_side(lambda: 1, 2) == 2


def test_what_a_killed_sender_had_in_hand_is_named(house: House) -> None:
    command: Command = house.ask(house.station(), setMessage="Hi")
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None
    deliveries._leave(parcel, house.vendor.now())
    command.items.update(claimed_until=Now())
    assert deliveries.lapse(now=house.vendor.now()) == 1
    assert ManageCall.objects.get().error == deliveries.STOPPED


def test_what_a_killed_sender_had_not_sent_waits_behind_what_was_never_tried(house: House) -> None:
    first, station = house.ask(house.station(), setMessage="Hi"), house.station()
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    house.ask(station, setMessage="Hi")
    first.items.update(claimed_until=Now())
    assert (deliveries.lapse(now=house.vendor.now()), states(first)) == (1, ["queued"])
    assert (ManageCall.objects.count(), HookToken.objects.count()) == (0, 0)
    again = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None and again is not None
    assert again.station_ids != parcel.station_ids


def test_a_sender_that_was_taken_for_dead_sends_nothing(house: House) -> None:
    station = house.station()
    command = house.ask(station, setMessage="Hi")
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None
    command.items.update(claimed_until=Now())
    deliveries.lapse(now=house.vendor.now())
    assert deliveries.send(parcel, clock=house.vendor.now, lane=Lane.PEOPLE, patience_s=0) is False
    assert (states(command), told(house, station)) == (["queued"], [])
    house.deliver()
    assert (states(command), told(house, station)) == (["accepted"], ["Hi"])


def test_a_refusal_written_down_after_the_sweep_leaves_no_item_in_doubt_for_ever(house: House) -> None:
    command = house.ask(house.station(), setMessage="Hi")
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None
    sent_at = deliveries._leave(parcel, house.vendor.now())
    command.items.update(claimed_until=Now())
    assert deliveries.lapse(now=house.vendor.now()) == 1
    refused = deliveries._outcome(parcel, eevion.Rejected("No.", status=422))
    refused(parcel, house.vendor.now(), deliveries._Attempt(sent_at))
    assert states(command) == ["unknown"]
    house.history()
    assert states(command) == ["queued"]
