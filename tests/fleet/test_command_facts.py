"""What a dry run and its forecast are told: wishes under way, and the budgets as a sender would find them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from fleet import command_facts, commands, observations
from fleet.budget import Lane
from fleet.command_options import Options
from fleet.command_plan import Setting
from fleet.models import Account, ApiCall, Command, CommandItem, RequestBudget, RequestSlot, Station, StationSetting
from people.actor import Actor
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
KIND = "priorityStatus"


@pytest.fixture
def actor() -> Actor:
    return factories.actor()


@pytest.fixture
def account(actor: Actor) -> Account:
    member = factories.member()
    return factories.account(member.organisation.__class__.objects.get(pk=actor.organisation_id))


@pytest.fixture
def stations(account: Account) -> list[Station]:
    place = factories.site(account.organisation)
    return [factories.station(place, account=account) for _ in range(8)]


def asked(actor: Actor, stations: list[Station], value: str = "unavailable", **options: Any) -> Command:
    wishes = commands.for_all(stations, {KIND: value})
    return commands.request(actor=actor, wishes=wishes, now=NOW, options=Options(send_equal=True, **options))


def called(account: Account, duration_ms: int, ago: timedelta = timedelta(0), **fields: str) -> None:
    values = {"endpoint": "manage", "outcome": "ok"} | fields
    ApiCall.objects.create(
        account=account,
        lane="commands",
        why="test",
        started_at=Now() - ago,
        waited_ms=0,
        duration_ms=duration_ms,
        **values,
    )


def settings_of(actor: Actor, station: Station) -> Setting | None:
    found = command_facts.facts(actor, [station.pk], [KIND, "setMessage"], NOW)
    return found[0].settings.get(KIND)


def test_a_setting_is_what_finished_and_the_newest_wish(actor: Actor, stations: list[Station]) -> None:
    station = stations[0]
    assert settings_of(actor, station) is None
    StationSetting.objects.create(station=station, kind=KIND, finished_value="available")
    assert settings_of(actor, station) == Setting("available")
    first, second = asked(actor, [station], "outOfService"), asked(actor, [station], "unavailable")
    assert settings_of(actor, station) == Setting("available", "unavailable", has_left=False, by=actor.label)
    second.items.update(state="finished")
    first.items.update(state="accepted")
    assert settings_of(actor, station) == Setting("available", "outOfService", has_left=True, by=actor.label)
    first.items.update(state="failed")
    assert settings_of(actor, station) == Setting("available")


def test_what_was_seen_otherwise_is_not_right_already(actor: Actor, stations: list[Station]) -> None:
    station = stations[0]
    [row] = asked(actor, [station], "unavailable").items.all()
    CommandItem.objects.filter(pk=row.pk).update(state="finished", finished_at=NOW)
    StationSetting.objects.update(finished_value="unavailable", finished_at=NOW)
    later = NOW + timedelta(minutes=1)
    told = {"station_id": station.pk, "at": later, "seen_at": later, "evidence": "a start", "now": later}
    observations.started(accepted=True, **told)
    assert settings_of(actor, station) == Setting("unavailable", seen_otherwise=True)
    wishes = commands.for_all([station], {KIND: "unavailable"})
    assert commands.request(actor=actor, wishes=wishes, now=later).items.get().state == "queued"
    observations.started(accepted=False, **told)
    CommandItem.objects.filter(state="queued").update(state="failed")
    assert settings_of(actor, station) == Setting("unavailable")


def test_held_is_by_a_session_or_by_a_start_without_an_answer(actor: Actor, stations: list[Station]) -> None:
    def connector(place: int) -> Any:
        return stations[place].connectors.filter(number=1)

    connector(0).update(session_state="charging")
    connector(1).update(session_state="unknown")
    connector(2).update(blocked_until=NOW + timedelta(seconds=1))
    connector(3).update(blocked_until=NOW)
    Station.objects.filter(pk=stations[4].pk).update(offline_since=NOW, lifecycle="planned")
    found = command_facts.facts(actor, [row.pk for row in stations[:5]], [KIND], NOW)
    told = [(row.is_busy, row.is_blocked, row.is_offline, row.in_service) for row in found]
    assert told == [
        (True, False, False, True),
        (False, True, False, True),
        (False, True, False, True),
        (False, False, False, True),
        (False, False, True, False),
    ]


def test_only_stations_in_sight_are_found(actor: Actor, stations: list[Station]) -> None:
    foreign = factories.station()
    found = command_facts.facts(actor, [stations[0].pk, foreign.pk], [KIND], NOW)
    assert [row.station_id for row in found] == [stations[0].pk]


def key(account: Account, lane: Lane = Lane.COMMANDS, **more: Any) -> Any:
    return command_facts.keys(command_facts.accounts([account.pk]), lane=lane, **more)[account.budget_id]


def test_the_slots_of_the_lane_with_the_time_until_each_is_free(account: Account) -> None:
    assert [len(key(account, lane).free_in_s) for lane in (Lane.COMMANDS, Lane.PEOPLE)] == [48, 60]
    RequestSlot.objects.filter(budget=account.budget, lane="shared").update(free_at=Now() + timedelta(seconds=30))
    assert all(25 < free_s <= 30 for free_s in key(account).free_in_s)
    RequestBudget.objects.update(frozen_until=Now() + timedelta(seconds=90))
    assert all(85 < free_s <= 90 for free_s in key(account).free_in_s)


def test_the_round_trip_is_the_median_of_late_manage_calls(account: Account) -> None:
    assert key(account).rtt_s == command_facts.RTT_S
    called(account, 9_000, outcome="unknown"), called(account, 9_000, endpoint="session")
    called(account, 9_000, ago=timedelta(hours=2)), called(factories.account(account.organisation), 9_000)
    for duration_ms in (100, 300, 5_000):
        called(account, duration_ms)
    assert key(account).rtt_s == 0.3


def test_what_waits_for_the_same_key_is_ahead(actor: Actor, account: Account, stations: list[Station]) -> None:
    asked(actor, stations)
    CommandItem.objects.filter(station=stations[0]).update(state="accepted")
    CommandItem.objects.filter(station=stations[1]).update(error_code="in_session")
    CommandItem.objects.filter(station=stations[2]).update(due_at=None)
    assert (key(account).ahead, key(account, Lane.PEOPLE).ahead) == (5, 0)
    assert key(account, replaced=[(row.pk, KIND) for row in stations[:5]]).ahead == 3
    assert key(account, replaced=[(row.pk, "setMessage") for row in stations]).ahead == 5
    Account.objects.update(stations_per_call=2)
    assert key(account).ahead == 3
    asked(actor, stations[5:6], "available")  # few, by a person: it goes ahead of them in a lane of its own
    assert (key(account).ahead, key(account, Lane.PEOPLE).ahead) == (3, 1)


def test_another_account_with_the_same_key_is_in_the_same_queue(
    actor: Actor, account: Account, stations: list[Station]
) -> None:
    twin = factories.account(account.organisation)
    Account.objects.filter(pk=twin.pk).update(budget=account.budget)
    asked(actor, stations)
    both = command_facts.keys(command_facts.accounts([twin.pk]), lane=Lane.COMMANDS)
    assert both[account.budget_id].ahead == 8
