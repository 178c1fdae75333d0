"""Undo: what goes back, what is left out and why; the pure decision, what it reads, and the way to the dry run."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from fleet import commands, drafts, undo
from fleet.command_plan import Outcome
from fleet.models import Command, CommandDraft, CommandEvent, CommandItem, Station, StationSetting
from fleet.models.command import DONE_ITEMS, ItemState, Origin
from fleet.undo import Fact, LeftOut
from people.models import Membership
from tests import factories
from tests.factories import NOW

KIND = "priorityStatus"
LATER = NOW + timedelta(hours=1)


# --- the decision -----------------------------------------------------------------------------------------------------
def fact(**fields: Any) -> Fact:
    values: dict[str, Any] = {
        "station_id": 1, "name": "HC-1", "kind": KIND, "state": "finished", "wanted": "unavailable",
        "before": "available", "value_now": "unavailable", "has_later": False,
    }  # fmt: skip
    return Fact(**(values | fields))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": "queued"}, "not sent yet, so it can be cancelled instead"),
        ({"state": "failed"}, "it was not carried out there"),
        ({"state": "cancelled"}, "it was not carried out there"),
        ({"state": "skipped"}, "it was not carried out there"),
        ({"in_service": False}, "no longer in service"),
        ({"before": None}, "what it was before is not known"),
        ({"before": "unavailable"}, "it was so before"),
        ({"has_later": True}, "changed since by a later command"),
        ({"value_now": "outOfService"}, "changed since by a later command"),
        ({"value_now": "available"}, "it is back already"),
    ],
)
def test_what_is_left_out_says_why(fields: dict[str, Any], why: str) -> None:
    found = undo.decide([fact(**fields)])
    assert (found.groups, found.left_out) == ([], [LeftOut(why, ("HC-1",))])


@pytest.mark.parametrize("state", ["sending", "accepted", "timed_out", "unknown"])
def test_what_may_have_happened_goes_back_though_the_station_looks_as_before(state: str) -> None:
    found = undo.decide([fact(state=state, value_now="available")])
    assert found.groups == [{"values": {KIND: "available"}, "station_ids": [1]}]


def test_an_empty_message_is_a_value_to_go_back_to() -> None:
    found = undo.decide([fact(kind="setMessage", wanted="x", before="", value_now="x")])
    assert found.groups == [{"values": {"setMessage": ""}, "station_ids": [1]}]


FACTS = st.builds(
    Fact, station_id=st.integers(1, 6), name=st.just("HC"), kind=st.sampled_from([KIND, "tariffId"]),
    state=st.sampled_from([state.value for state in ItemState]), wanted=st.sampled_from("ab"),
    before=st.sampled_from(["a", "b", "c", None]), value_now=st.sampled_from(["a", "b", None]),
    has_later=st.booleans(), in_service=st.booleans(),
)  # fmt: skip


@given(st.lists(FACTS, unique_by=lambda fact: (fact.station_id, fact.kind)))
def test_every_station_goes_back_to_what_it_had_or_is_named(known: list[Fact]) -> None:
    found = undo.decide(known)
    back = {
        (pk, kind): value
        for group in found.groups
        for pk in group["station_ids"]
        for kind, value in group["values"].items()
    }
    assert set(back.items()) <= {((one.station_id, one.kind), one.before) for one in known}
    for one in known:
        if (one.station_id, one.kind) in back:
            assert (one.in_service, one.has_later, one.before != one.wanted) == (True, False, True)
    if known and len(back) < len(known):
        assert found.left_out
    ids = [pk for group in found.groups for pk in group["station_ids"]]
    assert len(ids) == len(set(ids))


def test_many_stations_of_a_reason_are_counted() -> None:
    left = LeftOut("gone", tuple(f"HC-{n}" for n in range(9)))
    assert str(left) == "HC-0, HC-1, HC-2, HC-3, HC-4 and 4 more: gone"


# --- what it reads, and where it leads --------------------------------------------------------------------------------
@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


def asked(owner: Membership, stations: list[Station], value: str, *, now: Any = NOW, kind: str = KIND) -> Command:
    return commands.request(actor=factories.actor(owner), wishes=commands.for_all(stations, {kind: value}), now=now)


def done(command: Command, state: ItemState = ItemState.FINISHED, at: Any = NOW) -> Command:
    """As if the sender and the vendor had done their part."""
    for item in command.items.all():
        CommandItem.objects.filter(pk=item.pk).update(state=state, finished_at=at)
        if state in DONE_ITEMS:
            settings = StationSetting.objects.filter(station_id=item.station_id, kind=item.kind)
            settings.update(finished_value=item.wanted_value, finished_at=at)
    return command


def wishes(command: Command) -> undo.Found:
    return undo.wishes(command, Station.objects.all())


@pytest.mark.django_db
class TestUndo:
    def test_each_station_goes_back_to_its_own_value(self, owner: Membership, station: Station) -> None:
        other = factories.station(station.site)
        done(asked(owner, [station], "available"))
        done(asked(owner, [other], "outOfService"))
        closed = done(asked(owner, [station, other], "unavailable", now=LATER), at=LATER)
        assert wishes(closed).groups == [
            {"values": {KIND: "available"}, "station_ids": [station.pk]},
            {"values": {KIND: "outOfService"}, "station_ids": [other.pk]},
        ]

    def test_what_nobody_knew_before_is_left_out(self, owner: Membership, station: Station) -> None:
        found = wishes(done(asked(owner, [station], "unavailable")))
        assert (found.groups, [left.why for left in found.left_out]) == ([], ["what it was before is not known"])

    def test_a_later_command_is_not_overridden(self, owner: Membership, station: Station) -> None:
        done(asked(owner, [station], "available"))
        closed = done(asked(owner, [station], "unavailable", now=LATER), at=LATER)
        asked(owner, [station], "outOfService", now=LATER)  # it still waits
        assert [left.why for left in wishes(closed).left_out] == ["changed since by a later command"]

    def test_a_later_one_that_came_to_nothing_does_not_matter(self, owner: Membership, station: Station) -> None:
        done(asked(owner, [station], "available"))
        closed = done(asked(owner, [station], "unavailable", now=LATER), at=LATER)
        for state in (ItemState.CANCELLED, ItemState.REJECTED, ItemState.EXPIRED, ItemState.FAILED):
            done(asked(owner, [station], "outOfService", now=LATER), state, LATER)
        assert wishes(closed).groups == [{"values": {KIND: "available"}, "station_ids": [station.pk]}]

    def test_a_job_of_the_portal_that_came_first_but_was_read_later_does_not_matter(
        self, owner: Membership, station: Station
    ) -> None:
        done(asked(owner, [station], "available"))
        closed = done(asked(owner, [station], "unavailable", now=LATER), at=LATER)
        for at, expected in ((LATER - timedelta(minutes=1), 1), (LATER + timedelta(minutes=1), 0)):
            portal = Command.objects.create(
                organisation=owner.organisation, origin=Origin.PORTAL, requested_by_label="", requested_at=at, values={}
            )
            CommandItem.objects.create(
                command=portal, station=station, kind=KIND, wanted_value="x", state="finished", finished_at=at
            )
            assert len(wishes(closed).groups) == expected

    def test_the_one_under_way_before_is_what_it_replaced(self, owner: Membership, station: Station) -> None:
        done(asked(owner, [station], "available"))
        first = asked(owner, [station], "outOfService", now=LATER)
        second = asked(owner, [station], "unavailable", now=LATER)
        assert second.items.get().value_before == "available"
        done(first, at=LATER + timedelta(seconds=5))
        done(second, at=LATER + timedelta(seconds=9))
        assert wishes(second).groups == [{"values": {KIND: "outOfService"}, "station_ids": [station.pk]}]

    def test_its_facts_cost_one_query(
        self, owner: Membership, station: Station, django_assert_num_queries: Any
    ) -> None:
        many = [station, *(factories.station(station.site) for _n in range(4))]
        command = done(asked(owner, many, "unavailable"))
        with django_assert_num_queries(1):
            wishes(command)


@pytest.mark.django_db
class TestTheWay:
    def test_it_leads_to_the_dry_run_and_tells_the_one_undone(
        self, client: Client, owner: Membership, station: Station
    ) -> None:
        other = factories.station(station.site, vendor_id="HC-NEW")
        done(asked(owner, [station], "available"))
        closed = done(asked(owner, [station, other], "unavailable", now=LATER), at=LATER)
        answer = client.post(f"/commands/{closed.public_id}/undo", follow=True)
        draft = CommandDraft.objects.get()
        assert answer.redirect_chain == [(f"/commands/drafts/{draft.public_id}/", 302)]
        assert "HC-NEW: what it was before is not known." in answer.content.decode()
        assert (draft.origin, draft.parent) == (Origin.UNDO, closed)
        actor = factories.actor(owner)
        look = drafts.look(draft, actor, LATER)
        assert [line.outcome for line in look.plan.lines] == [Outcome.SEND]
        client.post(f"/commands/drafts/{draft.public_id}/", {"typed": "1", "seen": look.digest})
        back = Command.objects.get(parent=closed)
        assert (back.origin, back.parent, back.items.get().wanted_value) == (Origin.UNDO, closed, "available")
        told = closed.events.get(verb=CommandEvent.Verb.UNDONE)
        assert (told.by_label, told.stations) == (actor.label, 1)

    def test_nothing_to_undo_says_why_and_makes_no_draft(
        self, client: Client, owner: Membership, station: Station
    ) -> None:
        command = asked(owner, [station], "unavailable")
        answer = client.post(f"/commands/{command.public_id}/undo", follow=True)
        words = f"There is nothing to undo. {station.vendor_id}: not sent yet, so it can be cancelled instead."
        assert words in answer.content.decode()
        assert CommandDraft.objects.count() == 0

    def test_only_the_stations_in_reach_go_back(self, owner: Membership, station: Station) -> None:
        far = factories.station(factories.site(owner.organisation), vendor_id="HC-FAR")
        done(asked(owner, [station, far], "available"))
        closed = done(asked(owner, [station, far], "unavailable", now=LATER), at=LATER)
        limited = factories.member(organisation=owner.organisation, site_ids=[station.site_id])
        limited.role = "manager"
        limited.save()
        answer = factories.client_for(limited).post(f"/commands/{closed.public_id}/undo", follow=True)
        assert CommandDraft.objects.get().groups == [{"values": {KIND: "available"}, "station_ids": [station.pk]}]
        assert "HC-FAR" not in answer.content.decode()

    def test_looking_is_not_enough(self, client: Client, owner: Membership, station: Station) -> None:
        command = asked(owner, [station], "unavailable")
        assert client.get(f"/commands/{command.public_id}/undo").status_code == 405
