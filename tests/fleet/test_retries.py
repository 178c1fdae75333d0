"""Another try: of one item, of all that failed alike, of all that went wrong; a newer wish stands."""

from typing import Any

import pytest
from django.test import Client

from fleet import commands, drafts, retries
from fleet.models import Command, CommandDraft, CommandEvent, CommandItem, Station, StationSetting
from fleet.models.command import InSession, ItemState, Origin
from fleet.retries import Fact
from fleet.undo import LeftOut
from people.models import Membership
from tests import factories
from tests.factories import NOW

KIND = "priorityStatus"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"has_newer": True}, "a newer command asks something of it"),
        ({"in_service": False}, "no longer in service"),
        ({"is_right": True}, "it is so already"),
    ],
)
def test_what_is_left_out_says_why(fields: dict[str, Any], why: str) -> None:
    found = retries.decide(
        [Fact(**{"station_id": 1, "name": "HC-1", "kind": KIND, "wanted": "x", "has_newer": False} | fields)]
    )
    assert (found.groups, found.left_out) == ([], [LeftOut(why, ("HC-1",))])


def test_equal_wishes_stand_together() -> None:
    found = retries.decide(
        [Fact(n, f"HC-{n}", kind, "x", has_newer=False) for n in (1, 2) for kind in (KIND, "tariffId")]
    )
    assert found.groups == [{"values": {KIND: "x", "tariffId": "x"}, "station_ids": [1, 2]}]


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


@pytest.fixture
def rows(owner: Membership) -> list[Station]:
    site = factories.site(owner.organisation)
    return [factories.station(site) for _n in range(4)]


@pytest.fixture
def command(owner: Membership, rows: list[Station]) -> Command:
    """One refused for its tariff, one offline, one late, one done."""
    made = commands.request(actor=factories.actor(owner), wishes=commands.for_all(rows, {KIND: "unavailable"}), now=NOW)
    ends = [
        (ItemState.REJECTED, "unknown_tariff"), (ItemState.FAILED, "offline"), (ItemState.EXPIRED, ""),
        (ItemState.FINISHED, ""),
    ]  # fmt: skip
    for item, (state, code) in zip(made.items.order_by("pk"), ends, strict=True):
        CommandItem.objects.filter(pk=item.pk).update(state=state, error_code=code, finished_at=NOW)
    return made


def tried(command: Command, **chosen: Any) -> list[int]:
    found = retries.wishes(command, Station.objects.all(), **chosen)
    return [pk for group in found.groups for pk in group["station_ids"]]


@pytest.mark.django_db
class TestRetries:
    def test_all_of_a_code_or_one(self, command: Command, rows: list[Station]) -> None:
        ids = [row.pk for row in rows]
        item = command.items.get(station=rows[2])
        assert tried(command) == ids[:3]
        assert tried(command, error_code="offline") == [ids[1]]
        assert tried(command, item_id=item.pk) == [ids[2]]
        assert tried(command, item_id=command.items.get(station=rows[3]).pk) == []  # it is done

    def test_alike_are_those_of_one_state_and_code(self, command: Command, rows: list[Station]) -> None:
        command.items.update(error_code="offline")
        assert tried(command, state="failed", error_code="offline") == [rows[1].pk]
        assert tried(command, state="failed", error_code="") == []

    def test_what_is_right_by_now_is_left_out_unless_it_was_seen_otherwise(
        self, command: Command, rows: list[Station]
    ) -> None:
        StationSetting.objects.filter(station__in=rows[1:3]).update(finished_value="unavailable")
        command.items.filter(station=rows[2]).update(state=ItemState.CONTRADICTED)
        assert tried(command) == [rows[0].pk, rows[2].pk]

    def test_a_newer_wish_stands(self, owner: Membership, command: Command, rows: list[Station]) -> None:
        actor = factories.actor(owner)
        commands.request(actor=actor, wishes=commands.for_all(rows[:1], {KIND: "available"}), now=NOW)
        back = commands.request(actor=actor, wishes=commands.for_all(rows[1:2], {KIND: "available"}), now=NOW)
        back.items.update(state=ItemState.CANCELLED)
        commands.request(actor=actor, wishes=commands.for_all(rows[2:3], {"setMessage": "x"}), now=NOW)
        found = retries.wishes(command, Station.objects.all())
        assert tried(command) == [rows[1].pk, rows[2].pk]
        assert found.left_out == [LeftOut("a newer command asks something of it", (rows[0].vendor_id,))]

    def test_its_facts_cost_one_query(self, command: Command, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            tried(command)


@pytest.mark.django_db
class TestTheWay:
    def test_it_leads_to_a_dry_run_and_a_command_of_its_own(
        self, client: Client, owner: Membership, command: Command, rows: list[Station]
    ) -> None:
        Command.objects.update(in_session=InSession.SKIP, origin=Origin.PERSON)
        answer = client.post(f"/commands/{command.public_id}/retry", {"alike": "failed offline"})
        draft = CommandDraft.objects.get()
        assert answer.headers["Location"] == f"/commands/drafts/{draft.public_id}/"
        assert draft.groups == [{"values": {KIND: "unavailable"}, "station_ids": [rows[1].pk]}]
        assert (draft.origin, draft.parent, draft.options["in_session"]) == (Origin.RETRY, command, "skip")
        seen = drafts.look(draft, factories.actor(owner), NOW).digest
        client.post(f"/commands/drafts/{draft.public_id}/", {"typed": "1", "seen": seen})
        again = Command.objects.get(parent=command)
        assert (again.parent, again.origin) == (command, Origin.RETRY)
        assert command.events.get(verb=CommandEvent.Verb.RETRIED).stations == 1
        assert command.items.get(station=rows[1]).state == ItemState.FAILED  # the old row keeps its truth
        assert tried(command, error_code="offline") == []  # asked again already

    @pytest.mark.parametrize("data", [{}, {"alike": "contradicted "}], ids=["all", "alike"])
    def test_what_was_seen_otherwise_is_sent_again_though_it_is_reported_as_done(
        self, client: Client, owner: Membership, command: Command, rows: list[Station], data: dict[str, str]
    ) -> None:
        StationSetting.objects.filter(station__in=rows[:2]).update(finished_value="unavailable")
        command.items.update(state=ItemState.CONTRADICTED, error_code="", evidence="A start was accepted.")
        command.items.filter(station=rows[1]).update(state=ItemState.FAILED)
        command.items.filter(station__in=rows[2:]).update(state=ItemState.FINISHED)
        client.post(f"/commands/{command.public_id}/retry", data)
        draft = CommandDraft.objects.get()
        page = client.get(f"/commands/drafts/{draft.public_id}/").content.decode()
        assert "Change 1 station?" in page
        assert (f"{rows[1].vendor_id}: it is so already." in page) == (data == {})
        seen = drafts.look(draft, factories.actor(owner), NOW).digest
        client.post(f"/commands/drafts/{draft.public_id}/", {"typed": "1", "seen": seen})
        again = Command.objects.get(parent=command).items.get()
        assert (again.station_id, again.state) == (rows[0].pk, ItemState.QUEUED)

    @pytest.mark.parametrize("data", [{"item": "0"}, {"item": "x"}, {"item": "9" * 30}, {"alike": "failed"}])
    def test_nothing_to_try_says_so(self, client: Client, command: Command, data: dict[str, str]) -> None:
        answer = client.post(f"/commands/{command.public_id}/retry", data, follow=True)
        assert "There is nothing to try again." in answer.content.decode()
        assert CommandDraft.objects.count() == 0
