"""The list of commands: its filters, its words, who sees what of it, and its CSV."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from fleet import commands, commands_list
from fleet.models import Account, Command
from fleet.models.command import Origin
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW
from tests.fleet.asking import asked, station

pytestmark = pytest.mark.django_db


def end(command: Command, state: str) -> None:
    command.items.update(state=state, accepted_at=NOW, finished_at=NOW)


def shown(owner: Membership, **query: Any) -> list[Command]:
    return [row.command for row in factories.client_for(owner).get("/commands/", query).context["rows"]]


def test_states_narrow_the_list(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    opened, held, paused, wrong, portal, done = (asked(owner, [where]) for _ in range(6))
    for row, state in ((wrong, "failed"), (portal, "finished"), (done, "observed")):
        end(row, state)
    Command.objects.filter(pk=held.pk).update(held_until=Now() + timedelta(hours=1))
    Command.objects.filter(pk=paused.pk).update(paused_at=NOW)
    Command.objects.filter(pk=portal.pk).update(origin=Origin.PORTAL)
    found = {state: shown(owner, state=state) for state in ("open", "held", "paused", "wrong", "portal", "nonsense")}
    assert found == {
        "open": [paused, held, opened], "held": [held], "paused": [paused], "wrong": [wrong], "portal": [portal],
        "nonsense": [done, portal, wrong, paused, held, opened],
    }  # fmt: skip


def test_what_who_and_where_narrow_the_list(owner: Membership, account: Account) -> None:
    here, there = station(owner, account, vendor_id="HC-HERE"), station(owner, account, vendor_id="HC-THERE")
    first, second = asked(owner, [here]), asked(owner, [there], {"setMessage": "x", "tariffId": "f"})
    Command.objects.filter(pk=second.pk).update(requested_by_label="Depot key (API)", origin=Origin.API)
    queries: list[dict[str, Any]] = [
        {"site": here.site_id}, {"site": 999_999}, {"site": "x"}, {"station": "there"}, {"kind": "setMessage"},
        {"kind": "x"}, {"origin": "api"}, {"who": "depot"}, {"site": here.site_id, "who": "depot"},
        {"site": there.site_id, "state": "open"}, {"site": here.site_id, "state": "wrong"},
    ]  # fmt: skip
    assert [shown(owner, **query) for query in queries] == [
        [first], [], [], [second], [second], [second, first], [second], [second], [], [second], [],
    ]  # fmt: skip


def test_newest_is_what_was_asked_last_not_what_was_read_last(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    late = asked(owner, [where])
    early = asked(owner, [where], now=NOW - timedelta(days=1))  # the portal's, read in the history afterwards
    assert shown(owner) == [late, early]


def test_the_scope_names_the_only_station_and_the_only_site(owner: Membership, account: Account) -> None:
    here = factories.site(owner.organisation, name="Harbour")
    first, second = (factories.station(here, account=account, vendor_id=f"HC-{n}") for n in (1, 2))
    for stations in ([first], [first, second], [first, second, station(owner, account)]):
        asked(owner, stations)
    rows = factories.client_for(owner).get("/commands/").context["rows"]
    assert [row.scope for row in rows] == ["3 stations at 2 sites", "2 stations at Harbour", "HC-1"]


def test_each_row_says_how_it_stands(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    made = [asked(owner, [where, station(owner, account)]) for _ in range(5)]
    end(made[0], "finished")
    end(made[1], "skipped")
    end(made[2], "cancelled")
    end(made[3], "timed_out")
    rows = factories.client_for(owner).get("/commands/").context["rows"]
    assert [row.standing.words for row in reversed(rows)] == [
        "All 2 finished",
        "Nothing to send: every station was left out",
        "Taken back before it was sent",
        "0 of 2 finished, 2 without a word in time",
        "0 of 2 finished",
    ]


def test_a_command_whose_stations_want_different_values_says_so(owner: Membership, account: Account) -> None:
    first, second = station(owner, account), station(owner, account)
    wishes = [commands.Wish(first, {"tariffId": "a", "setMessage": ""}), commands.Wish(second, {"tariffId": "b"})]
    for origin in (Origin.PERSON, Origin.UNDO):
        commands.request(actor=factories.actor(owner), wishes=wishes, now=NOW, origin=origin)
    rows = factories.client_for(owner).get("/commands/").context["rows"]
    assert [dict(row.said) for row in rows] == [
        {"Tariff": "as it was before", "Message": "no message"},
        {"Tariff": "a value for each station", "Message": "no message"},
    ]


def test_who_sees_some_sites_counts_their_items_only(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account), station(owner, account)
    made = asked(owner, [mine, other])
    made.items.filter(station=other).update(state="failed")
    limited = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[mine.site_id])
    page = factories.client_for(limited).get("/commands/")
    assert [(row.scope[:4], row.progress.total, row.progress.wrong) for row in page.context["rows"]] == [
        (mine.vendor_id[:4], 1, 0)
    ]
    assert (shown(limited, state="wrong"), shown(owner, state="wrong")) == ([], [made])
    assert shown(limited, site=other.site_id) == []


def test_undo_is_offered_where_something_may_be_done(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    waits, done, portal = (asked(owner, [where]) for _ in range(3))
    for row in (done, portal):
        end(row, "finished")
    Command.objects.filter(pk=portal.pk).update(origin=Origin.PORTAL)
    html = factories.client_for(owner).get("/commands/").content.decode()
    assert f"/commands/{done.public_id}/undo" in html
    assert f"/commands/{waits.public_id}/undo" not in html and f"/commands/{portal.public_id}/undo" not in html


def test_the_list_asks_again_while_something_is_under_way(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    client = factories.client_for(owner)
    assert 'hx-trigger="every 2s"' in client.get("/commands/").content.decode()
    Command.objects.update(paused_at=NOW)
    assert 'hx-trigger="every 10s"' in client.get("/commands/").content.decode()
    end(made, "finished")
    part = client.get("/commands/", headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in part and "<html" not in part and "All commands" not in part


def test_the_csv_carries_the_filter_and_guards_against_formulas(owner: Membership, account: Account) -> None:
    done, _open = (asked(owner, [station(owner, account)], {"setMessage": "hello"}) for _ in range(2))
    end(done, "finished")
    Command.objects.filter(pk=done.pk).update(origin=Origin.PORTAL, requested_by_label="=cmd()")
    client = factories.client_for(owner)
    sent = client.get("/commands/csv", {"state": "portal"})
    head, *lines = b"".join(sent.streaming_content).decode().splitlines()
    row = dict(zip(head.split(","), lines[0].split(","), strict=True))
    assert (len(lines), row["command_id"], row["asked_by"]) == (1, str(done.public_id), "'=cmd()")
    assert [row[name] for name in ("items", "accepted", "finished", "observed", "cannot_be_observed")] == [
        "1", "1", "1", "0", "1",
    ]  # fmt: skip
    assert len(b"".join(client.get("/commands/csv").streaming_content).decode().splitlines()) == 3


def test_a_cursor_without_sense_is_the_first_page(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    for cursor in ("x", "1.2-3", "999999999999.000000-1", ""):
        page = commands_list.page(Command.objects.all(), {"before": "", "after": cursor}, counted=True)
        assert page.rows == [made]
