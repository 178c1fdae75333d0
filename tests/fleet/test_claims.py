"""Who is next: order, holds, guards, deadlines, lanes; without a vendor."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from fleet import commands, guards, rollouts
from fleet.budget import Lane
from fleet.models import Account, Command, CommandItem, Connector, ManageCall
from fleet.models.command import InSession
from fleet.models.station import Lifecycle
from tests import factories
from tests.fleet.lot import NOW, Lot, end_holds, later, states

pytestmark = pytest.mark.django_db


def test_a_wish_waits_while_a_newer_one_may_be_taken_back_and_then_gives_way() -> None:
    lot = Lot()
    old, new = lot.ask("old"), lot.ask("new", hold_s=10)
    assert (lot.claim(), states(old), states(new)) == (None, ["queued"], ["queued"])
    end_holds()
    parcel = lot.claim()
    assert parcel is not None
    assert (parcel.values, states(old), states(new)) == ({"setMessage": "new"}, ["cancelled"], ["sending"])
    assert old.items.get().error_code == "replaced"


def test_of_wishes_whose_turn_has_come_the_last_is_sent() -> None:
    lot = Lot()
    asked = [lot.ask(word) for word in ("first", "second", "third")]
    parcel = lot.claim()
    assert parcel is not None
    assert parcel.values == {"setMessage": "third"}
    assert [states(one) for one in asked] == [["cancelled"], ["cancelled"], ["sending"]]


def test_a_wish_in_a_closed_wave_gives_way_to_a_newer_one() -> None:
    lot = Lot(stations=12)
    canary = lot.ask("canary", is_canary=True)
    last = lot.stations[-1]
    lot.ask("newer", last)
    claimed = {parcel.station_ids[0] for parcel in (lot.claim(), lot.claim()) if parcel}
    assert claimed == {lot.stations[0].vendor_id, last.vendor_id}
    assert canary.items.get(station=last).state == "cancelled"
    assert lot.claim() is None


def test_the_same_command_is_not_sent_twice_at_once_to_a_station() -> None:
    lot = Lot()
    lot.ask("first")
    assert lot.claim() is not None
    second = lot.ask("second")
    assert (lot.claim(), states(second)) == (None, ["queued"])


def test_both_commands_of_a_station_go_in_one_call() -> None:
    lot = Lot()
    lot.ask("Hi")
    factories.tariff(lot.account, fee_id="fee_1")
    commands.request(actor=lot.actor, wishes=commands.for_all(lot.stations, {"tariffId": "fee_1"}), now=NOW)
    parcel = lot.claim()
    assert parcel is not None
    assert (parcel.values, ManageCall.objects.count()) == ({"setMessage": "Hi", "tariffId": "fee_1"}, 1)


@pytest.mark.parametrize(
    ("guard", "state", "code"),
    [("proceed", "sending", ""), ("wait", "queued", "in_session"), ("skip", "skipped", "in_session")],
)
@pytest.mark.parametrize("why", [{"session_state": "charging"}, {"blocked_until": later(60)}], ids=["busy", "blocked"])
def test_a_station_in_session(guard: str, state: str, code: str, why: dict[str, str]) -> None:
    lot = Lot()
    Connector.objects.filter(station=lot.stations[0], number=2).update(**why)
    item = lot.ask("Hi", in_session=InSession(guard)).items.get()
    assert (lot.claim() is not None) == (state == "sending")
    item.refresh_from_db()
    assert (item.state, item.error_code) == (state, code)


def test_one_that_waited_goes_once_the_station_is_free() -> None:
    lot = Lot()
    held = Connector.objects.filter(station=lot.stations[0])
    held.update(session_state="charging")
    command = lot.ask("Hi", in_session=InSession.WAIT)
    assert lot.claim() is None
    assert command.items.filter(due_at__gt=Now() + timedelta(seconds=5)).exists()
    held.update(session_state="")
    end_holds()
    assert (lot.claim() is not None, command.items.get().error) == (True, "")


@pytest.mark.parametrize("lifecycle", [Lifecycle.DECOMMISSIONED, Lifecycle.PLANNED])
def test_a_station_that_left_service_after_it_was_asked(lifecycle: str) -> None:
    lot = Lot(stations=2)
    command = lot.ask("Hi")
    gone = lot.stations[0]
    gone.lifecycle = lifecycle
    gone.save()
    assert lot.claim() is not None
    assert list(command.items.order_by("pk").values_list("state", "error_code")) == [
        ("skipped", "not_in_service"),
        ("sending", ""),
    ]


def test_nothing_is_claimed_at_its_deadline() -> None:
    lot = Lot()
    command = lot.ask("Hi", patience=timedelta(minutes=1))
    assert (lot.claim(later(60)), states(command)) == (None, ["queued"])
    assert lot.claim(later(59)) is not None


def test_nothing_of_a_paused_command_is_claimed() -> None:
    lot = Lot()
    lot.ask("Hi")
    Command.objects.update(paused_at=NOW)
    assert lot.claim() is None


def test_a_refused_key_holds_its_account_back_and_no_other() -> None:
    lot, other = Lot(), Lot()
    lot.ask("Hi")
    command = other.ask("Hi")
    Account.objects.filter(pk=lot.account.pk).update(key_refused_at=NOW)
    assert (lot.claim() is not None, states(command), lot.claim()) == (True, ["sending"], None)


def test_what_a_person_waits_for_has_a_lane_of_its_own() -> None:
    lot = Lot(stations=7)
    person = factories.actor(factories.member(organisation=lot.site.organisation))
    few, many = lot.ask("few", lot.stations[0], actor=person), lot.ask("many", *lot.stations[1:], actor=lot.actor)
    assert (few.is_interactive, many.is_interactive) == (True, False)
    parcel = lot.claim(lane=Lane.PEOPLE)
    assert parcel is not None
    assert (parcel.values, lot.claim(lane=Lane.PEOPLE)) == ({"setMessage": "few"}, None)


def test_a_claim_asks_as_much_whatever_the_length_of_the_queue() -> None:
    counts = []
    for stations in (3, 30):
        CommandItem.objects.all().delete()
        lot = Lot(stations=stations)
        lot.ask("Hi")
        with CaptureQueriesContext(connection) as asked:
            assert lot.claim() is not None
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 16


def test_rows_of_an_account_that_may_not_send_are_walked_past() -> None:
    front, behind = Lot(stations=30), Lot()
    front.ask("Hi")
    behind.ask("behind")
    Account.objects.filter(pk=front.account.pk).update(key_refused_at=NOW)
    parcel = behind.claim()
    assert parcel is not None
    assert parcel.values == {"setMessage": "behind"}


def brake(command: Command) -> None:
    with transaction.atomic():
        rollouts._brake(command, rollouts.Standing(total=1, failed=1, unsettled=0), NOW)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sweep", [lambda command: guards.postpone(NOW), brake], ids=["postpone", "brake"])
def test_a_sweep_locks_items_in_the_order_of_senders(sweep: Callable[[Command], object]) -> None:
    """Written again, the first row lies behind the second on the disk, and is met after it."""
    lot = Lot()
    wishes = commands.for_all(lot.stations, {"setMessage": "Hi", "tariffId": "fee"})
    command = commands.request(
        actor=lot.actor, wishes=wishes, now=NOW, options=commands.Options(in_session=InSession.WAIT, send_equal=True)
    )
    Connector.objects.update(session_state="charging")
    first, second = command.items.order_by("pk").values_list("pk", flat=True)
    CommandItem.objects.filter(pk=first).update(error="looked at")
    held, failed = threading.Event(), []

    def claim() -> None:
        try:
            with transaction.atomic():
                CommandItem.objects.select_for_update().get(pk=first)
                held.set()
                time.sleep(0.5)
                CommandItem.objects.select_for_update().get(pk=second)
        except OperationalError as error:
            failed.append(error)
        connection.close()

    thread = threading.Thread(target=claim)
    thread.start()
    assert held.wait(10)
    sweep(command)
    thread.join(10)
    assert failed == []
