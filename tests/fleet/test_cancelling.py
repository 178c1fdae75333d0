"""Taking back what is not sent, and what is then wanted of the station."""

import pytest

from fleet import cancelling
from fleet.budget import Lane
from fleet.models import Command, CommandEvent, CommandItem
from people.models import AuditEntry
from tests import factories
from tests.fleet.lot import NOW, Lot, end_holds, later, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot() -> Lot:
    made = Lot()
    made.actor = factories.actor(factories.member(organisation=made.site.organisation))
    return made


def cancel(lot: Lot, command: Command, items: list[CommandItem] | None = None) -> int:
    return cancelling.cancel(actor=lot.actor, command=command, now=later(5), items=items)


def test_a_cancelled_wish_was_never_wanted(lot: Lot) -> None:
    command = lot.ask("Hi", hold_s=10)
    assert (cancel(lot, command), states(command), lot.wanted()) == (1, ["cancelled"], ("", None))
    item, event, entry = command.items.get(), command.events.last(), AuditEntry.objects.latest("pk")
    assert (item.error_code, lot.actor.label in item.error, item.finished_at) == ("cancelled", True, later(5))
    assert event is not None
    assert (event.verb, event.stations, event.by_label) == ("cancelled", 1, lot.actor.label)
    assert (entry.verb, entry.details) == ("command.cancelled", {"stations": 1, "command": str(command.public_id)})


def test_a_second_call_changes_nothing(lot: Lot) -> None:
    command = lot.ask("Hi")
    assert (cancel(lot, command), cancel(lot, command)) == (1, 0)
    assert CommandEvent.objects.filter(verb="cancelled").count() == 1


def test_what_was_wanted_before_is_wanted_again(lot: Lot) -> None:
    lot.ask("before")
    lot.claim(lane=Lane.PEOPLE)
    command = lot.ask("after", now=later(3))
    assert lot.wanted() == ("after", later(3))
    cancel(lot, command)
    assert lot.wanted() == ("before", NOW)


def test_a_wish_that_another_replaced_does_not_come_back(lot: Lot) -> None:
    lot.ask("sent")
    lot.claim(lane=Lane.PEOPLE)
    lot.stations[0].command_items.update(state="finished", claimed_until=None)
    lot.ask("replaced")
    last = lot.ask("last")
    assert lot.claim(lane=Lane.PEOPLE) is not None
    last.items.update(state="queued", claimed_until=None)  # put back: it found no slot
    cancel(lot, last)
    assert lot.wanted()[0] == "sent"


def test_cancelling_the_older_of_two_leaves_the_newer_wanted_and_its_way_back(lot: Lot) -> None:
    old, new = lot.ask("old", hold_s=10), lot.ask("new", hold_s=10)
    cancel(lot, old)
    assert (lot.wanted()[0], new.items.get().wanted_before) == ("new", None)
    cancel(lot, new)
    assert lot.wanted() == ("", None)


def test_cancelling_the_newer_sends_the_older(lot: Lot) -> None:
    old, new = lot.ask("old"), lot.ask("new", hold_s=10)
    cancel(lot, new)
    parcel = lot.claim(lane=Lane.PEOPLE)
    assert parcel is not None
    assert (parcel.values, lot.wanted()[0], states(old)) == ({"setMessage": "old"}, "old", ["sending"])


def test_what_is_being_sent_cannot_be_cancelled(lot: Lot) -> None:
    command = lot.ask("Hi")
    lot.claim(lane=Lane.PEOPLE)
    assert (cancel(lot, command), states(command), lot.wanted()[0]) == (0, ["sending"], "Hi")


def test_only_some_items() -> None:
    lot = Lot(stations=3)
    command = lot.ask("Hi", hold_s=10)
    assert cancel(lot, command, items=[command.items.get(station=lot.stations[1])]) == 1
    assert states(command) == ["queued", "cancelled", "queued"]
    end_holds()
    assert [lot.wanted(station)[0] for station in lot.stations] == ["Hi", "", "Hi"]
