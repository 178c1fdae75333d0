"""Drafts of commands: kept, looked at, and confirmed once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from fleet import commands, drafts
from fleet.command_options import OF_PAGES, Options
from fleet.command_plan import Outcome
from fleet.models import Account, Command, CommandDraft, Connector, Station, StationSetting
from fleet.models.command import InSession
from people.actor import Actor
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
CLOSED = {"priorityStatus": "unavailable"}


@pytest.fixture
def actor(owner: Membership) -> Actor:
    return factories.actor(owner)


@pytest.fixture
def stations(owner: Membership, account: Account) -> list[Station]:
    place = factories.site(owner.organisation)
    return [factories.station(place, account=account) for _ in range(3)]


def draft_of(actor: Actor, stations: list[Station], values: dict[str, str] | None = None, **more: Any) -> CommandDraft:
    group = {"values": values or CLOSED, "station_ids": [row.pk for row in stations]}
    return drafts.make(actor=actor, groups=[group], now=NOW, **more)


def finished(station: Station, value: str, kind: str = "priorityStatus") -> None:
    StationSetting.objects.update_or_create(station=station, kind=kind, defaults={"finished_value": value})


def states(command: Command) -> dict[int, tuple[str, str]]:
    rows = command.items.values_list("station_id", "state", "error_code")
    return {pk: (state, code) for pk, state, code in rows}


def test_confirming_makes_the_command_once(actor: Actor, stations: list[Station]) -> None:
    draft = draft_of(actor, stations)
    look = drafts.look(draft, actor, NOW)
    assert (look.requests, len(look.plan.affected), look.is_late) == (3, 3, False)
    done = drafts.confirm(draft, actor, " 3 ", look.digest, NOW)
    made = done.command
    assert made is not None and drafts.confirm(draft, actor, "", "", NOW) == done
    assert (Command.objects.get(), made.values, made.items.count()) == (made, CLOSED, 3)
    assert (made.in_session, made.brake_percent, made.expires_at) == ("wait", 10, NOW + timedelta(hours=24))


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_find_the_same_command(actor: Actor, stations: list[Station]) -> None:
    draft = draft_of(actor, stations)
    seen, together = drafts.look(draft, actor, NOW).digest, threading.Barrier(2)
    found: list[Command | None] = []

    def confirm() -> None:
        together.wait()
        try:
            found.append(drafts.confirm(draft, actor, "3", seen, NOW).command)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Command.objects.get()] * 2


def test_what_is_left_out_is_written_down_and_not_wanted(actor: Actor, stations: list[Station]) -> None:
    finished(stations[0], "unavailable")
    Connector.objects.filter(station=stations[1], number=1).update(session_state="charging")
    draft = draft_of(actor, stations, options=Options(in_session=InSession.SKIP))
    look = drafts.look(draft, actor, NOW)
    assert [line.outcome for line in look.plan.lines] == [Outcome.ALREADY, Outcome.LEFT_OUT, Outcome.SEND]
    made = drafts.confirm(draft, actor, "1", look.digest, NOW).command
    assert made is not None and states(made) == {
        stations[0].pk: ("skipped", "already_right"),
        stations[1].pk: ("skipped", "in_session"),
        stations[2].pk: ("queued", ""),
    }
    wanted = StationSetting.objects.filter(wanted_at__isnull=False).order_by("station_id")
    assert [row.station_id for row in wanted] == [stations[0].pk, stations[2].pk]


def test_a_canary_begins_where_an_answer_is_most_likely(actor: Actor, stations: list[Station]) -> None:
    Station.objects.filter(pk=stations[0].pk).update(offline_since=NOW)
    Connector.objects.filter(station=stations[1], number=1).update(session_state="charging")
    draft = draft_of(actor, stations, options=Options(in_session=InSession.WAIT, is_canary=True))
    made = drafts.confirm(draft, actor, "3", drafts.look(draft, actor, NOW).digest, NOW).command
    assert made is not None
    assert dict(made.items.values_list("station_id", "wave")) == {
        stations[2].pk: 0, stations[0].pk: 1, stations[1].pk: 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "is_taken"), [("3", True), (" 3\n", True), ("03", False), ("2", False), ("", False), ("three", False)]
)
def test_the_number_is_taken_as_people_write_it(
    actor: Actor, stations: list[Station], typed: str, is_taken: bool
) -> None:
    draft = draft_of(actor, stations)
    seen = drafts.look(draft, actor, NOW).digest
    if is_taken:
        assert drafts.confirm(draft, actor, typed, seen, NOW).command == Command.objects.get()
        return
    with pytest.raises(drafts.WrongNumber, match="Type 3"):
        drafts.confirm(draft, actor, typed, seen, NOW)
    assert Command.objects.count() == 0


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([], "at least one station"),
        ([{"values": CLOSED, "station_ids": []}], "at least one station"),
        ([{"values": {}, "station_ids": [1]}], "at least one command"),
        ([{"values": {"setMessage": "x" * 501}, "station_ids": [1]}], "longer than 500"),
        ([{"values": {"colour": "blue"}, "station_ids": [1]}], "not a command"),
    ],
)
def test_what_makes_no_sense_is_no_draft(actor: Actor, groups: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(commands.BadCommand, match=words):
        drafts.make(actor=actor, groups=groups, now=NOW)
    assert CommandDraft.objects.count() == 0


def test_each_station_gets_the_values_of_all_its_groups(actor: Actor, stations: list[Station]) -> None:
    first, second, third = (row.pk for row in stations)
    groups = [
        {"values": CLOSED, "station_ids": [first, second]},
        {"values": {"setMessage": "Hi", "priorityStatus": "available"}, "station_ids": [second, third]},
    ]
    draft = drafts.make(actor=actor, groups=groups, now=NOW)
    assert drafts.wanted(draft) == {
        first: CLOSED,
        second: {"priorityStatus": "available", "setMessage": "Hi"},
        third: {"priorityStatus": "available", "setMessage": "Hi"},
    }
    made = drafts.confirm(draft, actor, "3", drafts.look(draft, actor, NOW).digest, NOW).command
    assert made is not None and made.items.count() == 5


def test_a_deadline_that_comes_first_is_known(actor: Actor, account: Account, stations: list[Station]) -> None:
    """Seven stations are more than people's own lane takes; four shared slots carry four of them in a minute."""
    more = [factories.station(stations[0].site, account=account) for _ in range(4)]
    shared = account.budget.slots.filter(lane="shared").order_by("pk").values_list("pk", flat=True)
    account.budget.slots.filter(pk__in=list(shared[4:])).delete()
    hour, minute = Options(patience=timedelta(hours=1)), Options(patience=timedelta(minutes=1))
    looks = [drafts.look(draft_of(actor, [*stations, *more], options=how), actor, NOW) for how in (hour, minute)]
    assert [(look.sending_s, look.is_late) for look in looks] == [(61.0, False), (61.0, True)]
    assert drafts.look(draft_of(actor, [*stations, *more], options=hour), actor, NOW, speed=60.0).is_late
    held = drafts.look(draft_of(actor, [*stations, *more], options=OF_PAGES), actor, NOW)
    assert held.sending_s == 71.0


def test_one_and_three_stations_cost_the_same(actor: Actor, stations: list[Station]) -> None:
    def asked(rows: list[Station]) -> int:
        draft = draft_of(actor, rows)
        with CaptureQueriesContext(connection) as queries:
            drafts.look(draft, actor, NOW)
        return len(queries)

    assert asked(stations[:1]) == asked(stations) == 7
