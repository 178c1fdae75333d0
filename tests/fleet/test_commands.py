"""Commands from the wish to the last word of the vendor. The vendor is the sandbox, a process of its own."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from fleet import claims, commands, deliveries, hooks, items, jobs
from fleet.budget import Lane
from fleet.models import (
    Command,
    CommandItem,
    HookToken,
    ManageCall,
    RequestSlot,
    StationSetting,
    UnknownStation,
)
from fleet.models.command import ItemState
from people.models import AuditEntry
from tests import factories
from tests.contract.vendor import Vendor
from tests.fleet.house import House, states

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
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


@pytest.fixture
def house(vendor: Vendor) -> House:
    return House(vendor)


def test_a_command_is_written_down_with_what_was_before(house: House) -> None:
    station = house.station()
    StationSetting.objects.create(station=station, kind="setMessage", finished_value="Hello", finished_by="portal")
    command = house.ask(station, setMessage="", priorityStatus="unavailable")
    found = command.items.order_by("kind").values_list("kind", "wanted_value", "value_before", "state")
    assert list(found) == [("priorityStatus", "unavailable", None, "queued"), ("setMessage", "", "Hello", "queued")]
    wanted = StationSetting.objects.filter(station=station).order_by("kind").values_list("kind", "wanted_value")
    assert list(wanted) == [("priorityStatus", "unavailable"), ("setMessage", "")]
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.subject, entry.details) == (
        "command.requested",
        station.vendor_id,
        {"values": {"setMessage": "", "priorityStatus": "unavailable"}, "command": str(command.public_id)},
    )


@pytest.mark.parametrize(
    "values", [{}, {"tariffId": " "}, {"priorityStatus": ""}, {"colour": "blue"}, {"setMessage": "x" * 501}]
)
def test_what_cannot_be_asked_leaves_nothing_behind(house: House, values: dict[str, str]) -> None:
    with pytest.raises(commands.BadCommand):
        house.ask(house.station(), **values)
    assert Command.objects.count() == 0


def test_from_the_wish_to_the_end_by_history(house: House) -> None:
    station = house.station()
    tariff = factories.tariff(house.account, fee_id="fee_l2_fleet")
    command = house.ask(station, tariffId="fee_l2_fleet", setMessage="Hi")
    assert house.deliver() == 1
    assert states(command) == ["accepted", "accepted"]
    assert len(house.vendor.jobs(station.vendor_id)) == 1
    house.vendor.advance(ALL_DONE_S)
    house.history()
    assert states(command) == ["finished", "finished"]
    station.refresh_from_db()
    assert station.tariff == tariff
    assert station.last_seen_at is not None  # a job that it did is a sign of life
    done = StationSetting.objects.filter(station=station).order_by("kind").values_list("finished_value", "finished_by")
    assert list(done) == [("Hi", "us"), ("fee_l2_fleet", "us")]
    assert house.history() == 0


def test_one_call_carries_as_many_stations_as_the_account_says(vendor: Vendor) -> None:
    house = House(vendor, stations_per_call=2)
    stations = [house.station() for _ in range(3)]
    command = house.ask(*stations, setMessage="Hi")
    assert (house.deliver(), ManageCall.objects.count(), states(command)) == (2, 2, ["accepted"] * 3)


def test_a_newer_wish_replaces_one_that_waits(house: House) -> None:
    station = house.station()
    old, new = house.ask(station, setMessage="old"), house.ask(station, setMessage="new")
    house.deliver()
    assert (states(old), states(new)) == (["cancelled"], ["accepted"])
    assert [job["setMessage"] for job in house.vendor.jobs(station.vendor_id)] == ["new"]


def test_the_webhook_settles_and_a_second_one_changes_nothing(house: House) -> None:
    station = house.station()
    command = house.ask(station, setMessage="Hi")
    house.deliver()
    call = ManageCall.objects.get()
    body = (
        f'{{"jobId": "{call.job_id}", "stationIds": ["{station.vendor_id}"], "setMessage": "Hi", "status": "failed",'
        f' "results": [{{"stationId": "{station.vendor_id}", "command": "setMessage", "status": "failed",'
        ' "error": {"code": "offline", "message": "no answer"}}]}'
    ).encode()
    token = "a token of the test"
    HookToken.objects.filter(pk=call.token_id).update(token_hash=hooks.secrets.fingerprint(token))
    for times in (1, 2):
        message = hooks.receive(token=token, kind="job", body=body, truncated=False, now=house.vendor.now())
        assert message is not None
        commands.digest_job(message=message, now=house.vendor.now())
        message.refresh_from_db()
        assert message.times == times
    item = command.items.get()
    assert (item.state, item.error) == ("failed", "offline: no answer")
    late = body.replace(b"failed", b"succeeded")
    message = hooks.receive(token=token, kind="job", body=late, truncated=False, now=house.vendor.now())
    assert message is not None
    commands.digest_job(message=message, now=house.vendor.now())
    assert states(command) == ["finished_late"]


def test_a_message_of_another_job_is_not_believed(house: House) -> None:
    house.ask(house.station(), setMessage="Hi")
    house.deliver()
    call = ManageCall.objects.get()
    job = jobs.eevion.parse_job_webhook(b'{"jobId": "another", "status": "succeeded"}')
    with pytest.raises(jobs.WrongJob):
        commands.settle(account=house.account, job=job, call=call, now=house.vendor.now())


def test_rejected_says_why(house: House) -> None:
    house.vendor.fault("manage", "refuse")
    command = house.ask(house.station(), setMessage="Hi")
    house.deliver()
    assert states(command) == ["rejected"]
    assert command.items.get().error != ""


def test_without_a_slot_nothing_is_taken_from_the_queue(house: House) -> None:
    RequestSlot.objects.update(free_at=Now() + timedelta(seconds=40))
    command = house.ask(house.station(), setMessage="Hi")
    assert house.deliver() == 0
    assert (states(command), ManageCall.objects.count()) == (["queued"], 0)
    RequestSlot.objects.update(free_at=Now())
    assert (house.deliver(), states(command)) == (1, ["accepted"])


def test_a_slot_that_another_took_first_puts_it_back_without_a_trace(house: House) -> None:
    command = house.ask(house.station(), setMessage="Hi")
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None
    RequestSlot.objects.update(free_at=Now() + timedelta(seconds=40))
    deliveries.send(parcel, clock=house.vendor.now, lane=Lane.PEOPLE, patience_s=0)
    assert (states(command), ManageCall.objects.count()) == (["queued"], 0)
    assert command.items.get().sent_at is None


def test_a_lost_reply_is_found_in_the_history_and_never_sent_twice(house: House) -> None:
    station = house.station()
    house.vendor.fault("manage", "lostReply")
    command = house.ask(station, setMessage="Hi")
    house.deliver()
    assert states(command) == ["unknown"]
    house.vendor.advance(ALL_DONE_S)
    house.history()
    assert states(command) == ["finished"]
    assert len(house.vendor.jobs(station.vendor_id)) == 1


def test_a_lost_request_is_sent_again_once_the_history_proves_it_absent(house: House) -> None:
    station = house.station()
    house.vendor.fault("manage", "lostRequest")
    command = house.ask(station, setMessage="Hi")
    house.deliver()
    assert states(command) == ["unknown"]
    commands.read_history(house.account, house.vendor.now())  # begun before the timeout had passed
    assert states(command) == ["unknown"]
    house.history()
    assert states(command) == ["queued"]
    assert (house.deliver(), states(command)) == (1, ["accepted"])
    assert len(house.vendor.jobs(station.vendor_id)) == 1


def test_a_second_request_for_one_station_waits_behind_the_first_ones_of_others(house: House) -> None:
    lost, other = house.station(), house.station()
    house.vendor.fault("manage", "lostRequest")
    again = house.ask(lost, setMessage="Hi")
    house.deliver()
    waiting = house.ask(other, setMessage="Hi")
    house.history()
    assert (states(again), states(waiting)) == (["queued"], ["queued"])
    order = CommandItem.objects.filter(state="queued").order_by("due_at").values_list("command_id", flat=True)
    assert list(order) == [waiting.pk, again.pk]


def test_an_unknown_one_gives_way_to_a_newer_wish(house: House) -> None:
    station = house.station()
    house.vendor.fault("manage", "lostRequest")
    old = house.ask(station, setMessage="old")
    house.deliver()
    new = house.ask(station, setMessage="new")
    house.history()
    assert (house.deliver(), states(old), states(new)) == (1, ["cancelled"], ["accepted"])


def test_a_sender_that_died_leaves_what_had_left_unknown(house: House) -> None:
    command = house.ask(house.station(), setMessage="Hi")
    parcel = claims.claim(now=house.vendor.now(), lane=Lane.PEOPLE)
    assert parcel is not None
    deliveries._leave(parcel, house.vendor.now())
    assert (deliveries.lapse(now=house.vendor.now()), states(command)) == (0, ["sending"])
    CommandItem.objects.update(claimed_until=Now())
    assert (deliveries.lapse(now=house.vendor.now()), states(command)) == (1, ["unknown"])


def test_what_the_portal_did_is_taken_in_and_its_stations_offered(house: House) -> None:
    known, unknown = house.station(), house.vendor.station()
    client = jobs.eevion.Client(house.vendor.url, house.account.api_key)
    client.manage_stations(station_ids=[known.vendor_id, unknown], priority_status="outOfService")
    house.vendor.advance(ALL_DONE_S)
    house.history()
    setting = StationSetting.objects.get(station=known)
    assert (setting.finished_value, setting.finished_by) == ("outOfService", "portal")
    assert UnknownStation.objects.get(vendor_id=unknown).seen_in == "history"


def test_only_moves_of_the_table(house: House) -> None:
    item = house.ask(house.station(), setMessage="Hi").items.get()
    with pytest.raises(items.ForbiddenMove):
        items.move(item, ItemState.FINISHED, now=house.vendor.now())
