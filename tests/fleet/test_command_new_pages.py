"""To which stations, what, and how: the wizard up to the draft."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fleet import drafts
from fleet.models import Account, CommandDraft, Station
from fleet.models.station import Lifecycle
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
ASKED = {"availability": "unavailable", "in_session": "wait", "patience": "86400", "brake_percent": "10"}


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


def a_station(account: Account, **fields: Any) -> Station:
    return factories.station(factories.site(account.organisation), account=account, **fields)


def chosen(draft: CommandDraft) -> set[int]:
    return set(drafts.wanted(draft))


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_filter_is_the_selection_beyond_one_page(client: Client, account: Account) -> None:
    place = factories.site(account.organisation)
    rows = [factories.station(place, account=account, connectors=0) for _ in range(103)]
    a_station(account), a_station(account, lifecycle=Lifecycle.PLANNED)
    first = page(client.get("/commands/new/", {"site": place.pk}))
    assert first.count('name="station"') == 100 and "Continue with all 103 that match" in first
    second = page(client.get("/commands/new/", {"site": place.pk, "all": "1", "choose": "1"}))
    assert "What to send to 103 stations" in second and "and 91 more" in second
    assert second.count('type="hidden"') < 15
    done = client.post("/commands/new/", ASKED | {"site": place.pk, "all": "1"})
    draft = CommandDraft.objects.get()
    assert (done.status_code, done.url) == (302, f"/commands/drafts/{draft.public_id}/")
    assert chosen(draft) == {row.pk for row in rows}


def test_state_and_text_narrow_the_selection(client: Client, account: Account) -> None:
    east, west = a_station(account, vendor_id="EAST-1"), a_station(account, vendor_id="WEST-1")
    a_station(account, vendor_id="EAST-2", offline_since=factories.NOW)
    client.post("/commands/new/", ASKED | {"all": "1", "q": "east", "state": "no_news"})
    client.post("/commands/new/", ASKED | {"all": "1", "q": "west"})
    assert [chosen(row) for row in CommandDraft.objects.order_by("pk")] == [{east.pk}, {west.pk}]


def test_by_hand_and_by_a_list_of_ids(client: Client, account: Account) -> None:
    one, two = a_station(account, vendor_id="HC-A"), a_station(account, vendor_id="HC-B")
    foreign = factories.station(vendor_id="HC-FOREIGN")
    client.post("/commands/new/", ASKED | {"station": [one.pk, foreign.pk, "x"]})
    typed = "HC-A, HC-FOREIGN\r\nHC-B;HC-X HC-A"
    second = page(client.post("/commands/new/", {"ids": typed}))
    assert "What to send to 2 stations" in second and "HC-FOREIGN, HC-X" in second
    client.post("/commands/new/", ASKED | {"ids": typed})
    assert [chosen(row) for row in CommandDraft.objects.order_by("pk")] == [{one.pk}, {one.pk, two.pk}]
    nobody = page(client.post("/commands/new/", {"ids": "HC-X"}))
    assert "That is no station yet" in nobody and ">HC-X</textarea>" in nobody


def test_no_station_and_nothing_asked_are_said(client: Client, account: Account) -> None:
    assert "First the stations" in page(client.get("/commands/new/"))
    row = a_station(account)
    assert "That is no station yet" not in page(client.get("/commands/new/"))
    assert "That is no station yet" in page(client.get("/commands/new/", {"choose": "1"}))
    assert "No active station matches" in page(client.get("/commands/new/", {"all": "1", "q": "nothing like it"}))
    assert "Choose at least one thing" in page(
        client.post("/commands/new/", ASKED | {"station": row.pk, "availability": ""})
    )
    assert CommandDraft.objects.count() == 0


def test_what_is_chosen_stands_in_the_draft(client: Client, account: Account) -> None:
    row, tariff = a_station(account), factories.tariff(account)
    more = {"tariff": tariff.pk, "message": "Zu 🚗 <b>&amp; offen", "is_canary": "on", "send_equal": "on"}
    client.post("/commands/new/", ASKED | more | {"station": row.pk, "in_session": "skip", "brake_percent": ""})
    draft = CommandDraft.objects.get()
    assert draft.groups == [
        {
            "values": {
                "tariffId": tariff.fee_id,
                "priorityStatus": "unavailable",
                "setMessage": "Zu 🚗 <b>&amp; offen",
            },
            "station_ids": [row.pk],
        }
    ]
    assert draft.options == {
        "in_session": "skip", "is_canary": True, "brake_percent": None, "patience_s": 86400, "hold_s": 10.0,
        "send_equal": True,
    }  # fmt: skip
    shown = page(client.get(f"/commands/drafts/{draft.public_id}/"))
    assert "Zu 🚗 &lt;b&gt;&amp;amp; offen" in shown and "<b>&amp;" not in shown
    again = page(client.get("/commands/new/", {"draft": draft.public_id}))
    assert "Zu 🚗 &lt;b&gt;&amp;amp; offen</textarea>" in again and f'value="{tariff.pk}" selected' in again
    assert 'value="skip" id="id_in_session_2" checked' in again


def test_a_message_that_is_too_long_is_said_at_its_field_and_kept(client: Client, account: Account) -> None:
    row, text = a_station(account), "ä" * 5000
    answer = page(client.post("/commands/new/", ASKED | {"station": row.pk, "message": text}))
    assert (
        "This has 5000 characters" in answer
        and "leave out 4500" in answer
        and f">{text}</textarea>" in answer.replace("\n", "")
    )
    assert CommandDraft.objects.count() == 0
    client.post("/commands/new/", ASKED | {"station": row.pk, "message": "🚗" * 499 + "\r\n" + "x"})
    assert CommandDraft.objects.count() == 0
    client.post("/commands/new/", ASKED | {"station": row.pk, "message": "🚗" * 498 + "\r\n" + "x"})
    assert len(CommandDraft.objects.get().groups[0]["values"]["setMessage"]) == 500


def test_only_the_tariffs_of_the_stations_account(client: Client, owner: Membership, account: Account) -> None:
    mine, other = a_station(account), a_station(factories.account(owner.organisation))
    own, strange = factories.tariff(account, name="Own fee"), factories.tariff(other.account, name="Strange fee")
    one = page(client.get("/commands/new/", {"station": mine.pk}))
    assert own.name in one and strange.name not in one
    both = page(client.get("/commands/new/", {"station": [mine.pk, other.pk]}))
    assert own.name not in both and "of several accounts" in both
    client.post("/commands/new/", ASKED | {"station": mine.pk, "tariff": strange.pk})
    assert CommandDraft.objects.count() == 0


def test_a_fee_id_that_we_do_not_know_may_be_written(client: Client, account: Account) -> None:
    row, tariff = a_station(account), factories.tariff(account)
    twice = page(client.post("/commands/new/", ASKED | {"station": row.pk, "tariff": tariff.pk, "other_fee": "fee_x"}))
    assert "not both" in twice
    client.post("/commands/new/", ASKED | {"station": row.pk, "other_fee": " fee_x "})
    draft = CommandDraft.objects.get()
    assert draft.groups[0]["values"]["tariffId"] == "fee_x"
    assert 'value="fee_x"' in page(client.get("/commands/new/", {"draft": draft.public_id}))


@pytest.mark.parametrize("way", ["page", "all", "station", "ids"])
def test_three_stations_cost_the_queries_of_one(client: Client, account: Account, way: str) -> None:
    def asked(rows: list[Station]) -> int:
        data: dict[str, Any] = {
            "page": {}, "all": {"all": "1"}, "station": {"station": [row.pk for row in rows]},
            "ids": {"ids": " ".join(row.vendor_id for row in rows)},
        }[way]  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/commands/new/", data).status_code == 200
        return len(queries)

    rows = [a_station(account)]
    asked(rows)
    one = asked(rows)
    rows += [a_station(account), a_station(account)]
    assert asked(rows) == one


def test_who_is_limited_to_sites_asks_there_only(owner: Membership, account: Account) -> None:
    mine, other = a_station(account), a_station(account)
    limited = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[mine.site_id])
    factories.client_for(limited).post("/commands/new/", ASKED | {"all": "1", "station": other.pk})
    assert chosen(CommandDraft.objects.get()) == {mine.pk}


def test_the_pages_of_stations_lead_here(client: Client, owner: Membership, account: Account) -> None:
    row = a_station(account)
    a_station(account, lifecycle=Lifecycle.DECOMMISSIONED)
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    for url in ("/stations/?q=HC", f"/sites/{row.site_id}/"):
        shown, seen = page(client.get(url)), page(viewer.get(url))
        assert re.search(r'href="/commands/new/\?[^"]*all=1', shown) and 'name="station"' in shown
        assert "/commands/new/" not in seen and 'name="station"' not in seen


def test_other_stations_keeps_the_filter(client: Client, account: Account) -> None:
    a_station(account, vendor_id="EAST-1")
    assert 'href="/commands/new/?q=east">Other stations' in page(client.get("/commands/new/?all=1&q=east"))


def test_ticks_survive_paging_and_can_be_dropped(client: Client, account: Account) -> None:
    """As a browser without scripts sends it: the buttons of the pager are in the form of the ticks."""
    place = factories.site(account.organisation)
    rows = [factories.station(place, account=account, connectors=0) for _ in range(103)]
    foreign, planned = factories.station(), a_station(account, lifecycle=Lifecycle.PLANNED)
    picked, last = [rows[0], rows[1], rows[2], rows[50]], rows[102]
    ticked = {"choose": "1", "station": [row.pk for row in [*picked, foreign, planned]]}
    for url in ("/stations/", "/commands/new/"):
        first = page(client.get(url))
        after = re.search(r'formaction="([^"]*)" name="after" value="([^"]*)"', first)
        assert after is not None and after[1] == url
        second = page(client.get(url, ticked | {"after": after[2]}))
        assert "<b>4</b> chosen on other pages" in second and "That is no station yet" not in second
        kept = re.search(r'name="kept" value="([^"]*)" checked', second)
        assert kept is not None
        both = {"choose": "1", "kept": kept[1], "station": [last.pk]}
        before = re.search(r'formaction="[^"]*" name="before" value="([^"]*)"', second)
        assert before is not None
        back = page(client.get(url, both | {"before": before[1]}))
        assert "<b>1</b> chosen on another page" in back
        assert re.findall(r'name="station" value="(\d+)"[^>]* checked', back) == [str(row.pk) for row in picked]
        assert "What to send to 5 stations" in page(client.get("/commands/new/", both))
        dropped = page(client.get(url, {"choose": "1", "station": [last.pk], "before": before[1]}))
        assert "<b>1</b> chosen on another page" in dropped and not re.search(r'name="station"[^>]* checked', dropped)
    client.post("/commands/new/", ASKED | both)
    assert chosen(CommandDraft.objects.get()) == {row.pk for row in [*picked, last]}


def test_what_is_not_in_service_cannot_be_ticked(client: Client, account: Account) -> None:
    row = a_station(account)
    a_station(account, lifecycle=Lifecycle.DECOMMISSIONED)
    assert re.findall(r'name="station" value="(\d+)"', page(client.get("/stations/"))) == [str(row.pk)]
