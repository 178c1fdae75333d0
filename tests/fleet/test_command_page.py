"""The page of one command: how it stands, its lamps, its rows, what was sent and answered."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from fleet.models import Account, Command, CommandEvent, CommandItem
from fleet.models.command import Origin
from lib import clock
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW
from tests.fleet.asking import asked, items, station

pytestmark = pytest.mark.django_db


def put(item: CommandItem, state: str, **fields: Any) -> None:
    CommandItem.objects.filter(pk=item.pk).update(state=state, **fields)


def page(owner: Membership, command: Command, **query: str) -> str:
    return factories.client_for(owner).get(f"/commands/{command.public_id}/", query).content.decode()


# --- the part that asks again -----------------------------------------------------------------------------------------
def test_it_asks_again_while_something_is_under_way_and_stops_by_itself(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account), station(owner, account)], now=clock.now())
    url = f"/commands/{made.public_id}/"
    html = client.get(url).content.decode()
    assert "0 of 2 finished" in html and 'hx-trigger="every 2s"' in html and ">Look again</a>" in html
    first, second = items(made)
    put(first, "finished", accepted_at=NOW, finished_at=NOW)
    put(second, "failed", accepted_at=NOW, finished_at=NOW, error="offline: no answer", error_code="offline")
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "1 of 2 finished, 1 went wrong" in part and "offline: no answer" in part
    assert "hx-trigger" not in part and "<html" not in part and ">Look again</a>" not in part


def test_what_has_not_changed_is_not_sent_again(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account)])
    url = f"/commands/{made.public_id}/"
    seen = client.get(url).context["seen"]
    again = client.get(url, headers={"HX-Request": "true", "X-Seen": seen})
    assert (again.status_code, again.content) == (204, b"")
    put(items(made)[0], "accepted", accepted_at=NOW)
    changed = client.get(url, headers={"HX-Request": "true", "X-Seen": seen})
    assert changed.status_code == 200 and seen not in changed.content.decode()


def test_a_paused_command_is_looked_at_more_seldom(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    Command.objects.update(paused_at=NOW, paused_why="3 of 5 failed")
    html = page(owner, made)
    assert "Paused: 3 of 5 failed" in html and 'hx-trigger="every 10s"' in html and "the command is paused" in html


def test_what_waits_long_for_a_free_station_is_looked_at_more_seldom(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account), station(owner, account)], now=clock.now() - timedelta(minutes=6))
    assert 'hx-trigger="every 10s"' in page(owner, made)
    put(items(made)[0], "accepted", accepted_at=NOW)
    assert 'hx-trigger="every 2s"' in page(owner, made)


def test_a_held_command_counts_down(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    Command.objects.update(held_until=Now() + timedelta(seconds=8))
    html = page(owner, made)
    assert "Goes out in" in html and 'data-est="8"' in html and "Held, can still be taken back" in html


def test_one_and_three_items_cost_the_same(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    one_item = asked(owner, [station(owner, account) for _ in range(2)])
    three_items = asked(owner, [station(owner, account) for _ in range(4)])
    client.get("/commands/")
    with CaptureQueriesContext(connection) as one:
        client.get(f"/commands/{one_item.public_id}/")
    with CaptureQueriesContext(connection) as three:
        assert client.get(f"/commands/{three_items.public_id}/").content.decode().count('<tr id="item-') == 4
    assert len(three) == len(one)


# --- what it says -----------------------------------------------------------------------------------------------------
def test_every_end_has_words_of_its_own(owner: Membership, account: Account) -> None:
    states = {
        "sending": "being sent", "unknown": "unknown", "accepted": "accepted", "timed_out": "no word in time",
        "finished": "finished", "finished_late": "timed out, then done", "observed": "observed",
        "contradicted": "seen otherwise", "failed": "failed", "rejected": "refused", "cancelled": "taken back",
        "expired": "not sent in time", "skipped": "left out", "queued": "not sent",
    }  # fmt: skip
    made = asked(owner, [station(owner, account) for _ in states])
    for item, state in zip(items(made), states, strict=True):
        put(item, state, accepted_at=NOW, finished_at=NOW, observed_at=NOW)
    rows = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["rows"]
    said = {row.item.state: {lamp.words for lamp, _near in row.lamps} for row in rows}
    assert {state for state, words in states.items() if words not in said[state]} == set()


def test_a_message_cannot_be_observed_and_is_not_counted(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)], {"setMessage": "Closed", "priorityStatus": "unavailable"})
    for item in items(made):
        put(item, "observed" if item.kind == "priorityStatus" else "finished", accepted_at=NOW, finished_at=NOW)
    progress = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["progress"]
    assert [(lamp.n, lamp.total) for lamp in progress.lamps] == [(2, 2), (2, 2), (1, 1)]
    only = asked(owner, [station(owner, account)], {"setMessage": "Closed"})
    lamp = factories.client_for(owner).get(f"/commands/{only.public_id}/").context["progress"].lamps[2]
    assert (lamp.words, lamp.total) == ("cannot be observed", 0)


def test_a_command_speaks_in_words_and_can_be_narrowed(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    tariff = factories.tariff(account, name="Night")
    made = asked(owner, [station(owner, account)], {"tariffId": tariff.fee_id, "priorityStatus": "outOfService"})
    for address in ("/commands/", f"/commands/{made.public_id}/"):
        text = client.get(address).content.decode()
        assert "Night" in text and "Out of service" in text and tariff.fee_id not in text
    made.items.filter(kind="tariffId").update(state="rejected", error="No such fee.", error_code="unknown_fee")
    url = f"/commands/{made.public_id}/"
    wanted = {
        "": {}, "open": {"show": "open"}, "wrong": {"show": "wrong"}, "code": {"code": "unknown_fee"},
        "state": {"show": "rejected", "code": ""}, "nonsense": {"show": "x\0"},
    }  # fmt: skip
    shown = {name: client.get(url, query).context["rows"] for name, query in wanted.items()}
    kinds = {name: [row.item.kind for row in rows] for name, rows in shown.items()}
    assert kinds == {
        "": ["tariffId", "priorityStatus"], "open": ["priorityStatus"], "wrong": ["tariffId"], "code": ["tariffId"],
        "state": ["tariffId"], "nonsense": ["tariffId", "priorityStatus"],
    }  # fmt: skip


def test_failures_stand_together_by_their_code(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account) for _ in range(4)])
    first, second, third, fourth = items(made)
    for item in (first, second):
        put(item, "failed", error="offline: no answer", error_code="offline")
    put(third, "rejected", error="No such fee.", error_code="unknown_fee")
    put(fourth, "skipped", error="already so", error_code="already_right")
    groups = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["groups"]
    assert [(group["n"], group["error_code"], group["reason"]) for group in groups] == [
        (2, "offline", "no answer"), (1, "unknown_fee", "No such fee."), (1, "already_right", "already so"),
    ]  # fmt: skip


def test_the_account_whose_key_is_refused_is_named_as_the_reason(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    Account.objects.update(key_refused_at=NOW)
    assert "Waits: the account&#x27;s key is refused" in page(owner, made)


def test_the_timeline_tells_events_and_first_and_last(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account), station(owner, account)])
    first, second = items(made)
    put(first, "finished", sent_at=NOW, finished_at=NOW + timedelta(minutes=1))
    put(second, "finished", sent_at=NOW + timedelta(seconds=1), finished_at=NOW + timedelta(minutes=2))
    CommandEvent.objects.create(command=made, at=NOW + timedelta(minutes=3), verb="braked", detail="3 of 5 failed")
    events = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["events"]
    assert [line.words for line in events] == [
        "Asked", "First one sent", "Last one sent", "First one finished", "Last one finished", "Stopped by the brake",
    ]  # fmt: skip


def test_the_timeline_does_not_say_undone_of_what_may_be_taken_back(owner: Membership, account: Account) -> None:
    where = [station(owner, account)]
    made = asked(owner, where)
    for origin in (Origin.UNDO, Origin.RETRY):
        asked(owner, where, origin=origin, parent=made)
    events = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["events"]
    assert [line.words for line in events] == ["Asked", "Undo asked", "Another try asked"]


def test_the_timeline_tells_what_failed_and_what_was_seen_otherwise(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account) for _ in range(3)])
    first, second, third = items(made)
    put(first, "failed", finished_at=NOW + timedelta(minutes=1))
    put(second, "rejected", finished_at=NOW + timedelta(minutes=2))
    put(third, "contradicted", finished_at=NOW + timedelta(minutes=3), observed_at=NOW + timedelta(minutes=4))
    events = factories.client_for(owner).get(f"/commands/{made.public_id}/").context["events"]
    assert [(line.words, line.mark) for line in events[1:]] == [
        ("First one failed", "failed"), ("Last one failed", "failed"), ("Finished", "finished"),
        ("Seen otherwise", "contradicted"),
    ]  # fmt: skip


# --- sites out of reach -----------------------------------------------------------------------------------------------
def test_who_sees_some_sites_sees_their_items_only(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account, vendor_id="HC-MINE"), station(owner, account, vendor_id="HC-OTHER")
    made, hidden = asked(owner, [mine, other]), asked(owner, [other])
    limited = factories.client_for(
        factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[mine.site_id])
    )
    html = limited.get(f"/commands/{made.public_id}/").content.decode()
    assert "HC-MINE" in html and "HC-OTHER" not in html and "0 of 1" in html
    assert limited.get(f"/commands/{hidden.public_id}/").status_code == 404
    assert factories.client_for(factories.member()).get(f"/commands/{made.public_id}/").status_code == 404


# --- the station's page -----------------------------------------------------------------------------------------------
def test_a_station_tells_its_commands(owner: Membership, account: Account) -> None:
    where = station(owner, account, vendor_id="HC-9")
    made = [asked(owner, [where]) for _ in range(9)]
    client = factories.client_for(owner)
    assert f'hx-get="/stations/{where.pk}/commands"' in client.get(f"/stations/{where.pk}/").content.decode()
    part = client.get(f"/stations/{where.pk}/commands", headers={"HX-Request": "true"})
    assert [row.item.command_id for row in part.context["rows"]] == [row.pk for row in made[:0:-1]]
    whole = client.get(f"/stations/{where.pk}/commands").content.decode()
    assert "Commands of HC-9" in whole and "<html" in whole


def test_a_station_tells_what_is_held_as_the_command_does(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    made = asked(owner, [where])
    Command.objects.update(held_until=Now() + timedelta(seconds=8))
    whole = factories.client_for(owner).get(f"/stations/{where.pk}/commands").content.decode()
    assert "Held, can still be taken back" in whole and "Held, can still be taken back" in page(owner, made)


# --- what belongs together --------------------------------------------------------------------------------------------
def test_it_leads_to_what_it_came_of_and_what_came_of_it(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    made = asked(owner, [where])
    undo = asked(owner, [where], origin=Origin.UNDO, parent=made)
    assert f'href="/commands/{undo.public_id}/">Undo</a>' in page(owner, made)
    assert f'href="/commands/{made.public_id}/">The command it came of</a>' in page(owner, undo)


def test_it_leads_to_the_schedule_whose_time_or_end_it_was(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    begins, ends = (asked(owner, [where], origin=Origin.SCHEDULE) for _ in range(2))
    schedule = factories.command_schedule(where, name="Sunday closing")
    schedule.runs.create(due_at=NOW, outcome="fired", command=begins, return_command=ends)
    for made in (begins, ends):
        html = page(owner, made)
        assert f'href="/commands/scheduled/{schedule.public_id}/"' in html and "Sunday closing" in html


def test_who_does_not_see_the_other_command_is_not_told_of_it(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account), station(owner, account)
    made = asked(owner, [mine, other])
    hidden = asked(owner, [other], origin=Origin.RETRY, parent=made)
    limited = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[mine.site_id])
    html = page(limited, made)
    assert "Belongs together" not in html and str(hidden.public_id) not in html
