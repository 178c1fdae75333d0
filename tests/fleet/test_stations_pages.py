"""The pages of stations: list, one, adding, changing."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet import stations, stations_list
from fleet.models import Account, Connector, Station, UnknownStation
from lib import clock
from people.models import Membership, Organisation
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Organisation:
    return factories.organisation()


@pytest.fixture
def owner(home: Organisation) -> Membership:
    return factories.member(organisation=home)


@pytest.fixture
def account(home: Organisation) -> Account:
    return factories.account(home)


def test_an_empty_list_says_what_comes_first(owner: Membership) -> None:
    client = factories.client_for(owner)
    assert "First an Eevion account" in client.get("/stations/").content.decode()
    factories.account(owner.organisation)
    assert "No station yet" in client.get("/stations/").content.decode()


def test_one_and_three_rows_cost_the_same(owner: Membership, home: Organisation, account: Account) -> None:
    client = factories.client_for(owner)
    factories.station(factories.site(home), account=account)
    client.get("/stations/")
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get("/stations/")
    for _ in range(2):
        factories.station(factories.site(home), account=account, tariff=factories.tariff(account))
    with CaptureQueriesContext(connection) as three:
        assert client.get("/stations/").content.decode().count('<tr id="station-') == 3
    assert len(three) == len(one)


def test_the_list_filters_by_site_state_and_text(owner: Membership, home: Organisation, account: Account) -> None:
    one = factories.station(factories.site(home), account=account, vendor_id="HC-A")
    two = factories.station(factories.site(home), account=account, vendor_id="HC-B", offline_since=factories.NOW)
    client = factories.client_for(owner)

    def listed(**query: Any) -> list[str]:
        text = client.get("/stations/", query).content.decode()
        return [row.vendor_id for row in (one, two) if f'id="station-{row.pk}"' in text]

    assert listed() == ["HC-A", "HC-B"]
    assert listed(site=one.site_id) == ["HC-A"]
    assert listed(state="offline") == ["HC-B"]
    assert listed(state="no_news") == ["HC-A"]
    assert listed(q="c-b") == ["HC-B"]
    assert listed(q="\0", site="x", after="99999999") == ["HC-A", "HC-B"]


def test_the_list_pages_both_ways_and_says_where_it_stands(
    owner: Membership, home: Organisation, account: Account
) -> None:
    site = factories.site(home)
    rows = [Station(organisation=home, site=site, account=account, vendor_id=f"HC-{n:03d}") for n in range(201)]
    Station.objects.bulk_create(rows)
    client = factories.client_for(owner)

    def page(**query: str) -> tuple[list[str], str, str, str]:
        shown = client.get("/stations/", {"q": "HC"} | query).context["page"]
        ids = [row.station.vendor_id for row in shown.rows]
        return [ids[0], ids[-1]], shown.before, shown.after, shown.label

    first, nothing, after, label = page()
    assert (first, nothing, label) == (["HC-000", "HC-099"], "", "1–100 of 201")
    second, before, after, label = page(after=after)
    assert (second, label) == (["HC-100", "HC-199"], "101–200 of 201")
    assert page(before=before) == page()
    third, before, nothing, label = page(after=after)
    assert (third, nothing, label) == (["HC-200", "HC-200"], "", "201 of 201")
    assert page(before=before)[0] == ["HC-100", "HC-199"]
    assert page(after="\0", before="nonsense") == page()
    text = client.get("/stations/", {"q": "HC", "site": site.pk}).content.decode()
    carried = re.findall(r'<input type="hidden" name="(q|site)" value="([^"]*)">', text)
    assert sorted(carried) == [("q", "HC"), ("site", str(site.pk))] and 'name="after"' in text


def test_a_page_ahead_that_is_not_full_is_the_first(owner: Membership, home: Organisation, account: Account) -> None:
    rows = [factories.station(factories.site(home), account=account, vendor_id=f"HC-{n}") for n in range(4)]
    found = Station.objects.filter(organisation=home)
    last = stations_list.page(found, {"after": f"{rows[2].pk}-HC-2"}, factories.NOW, size=2)
    assert [row.station.vendor_id for row in last.rows] == ["HC-3"]
    ahead = stations_list.page(found, {"before": f"{rows[1].pk}-HC-1"}, factories.NOW, size=2)
    assert [row.station.vendor_id for row in ahead.rows] == ["HC-0", "HC-1"]
    assert (ahead.before, ahead.label) == ("", "1–2 of 4")


def test_a_filter_by_state_pages_and_costs_the_same(owner: Membership, home: Organisation, account: Account) -> None:
    client = factories.client_for(owner)
    query = {"state": "offline"}

    def offline() -> None:
        factories.station(factories.site(home), account=account, offline_since=factories.NOW)
        factories.station(factories.site(home), account=account)

    offline()
    client.get("/stations/", query)
    with CaptureQueriesContext(connection) as one:
        client.get("/stations/", query)
    offline()
    offline()
    with CaptureQueriesContext(connection) as three:
        assert client.get("/stations/", query).content.decode().count('<tr id="station-') == 3
    assert len(three) == len(one)
    found = stations_list.matching(Station.objects.all(), query, factories.NOW)
    page = stations_list.page(found, {}, factories.NOW, size=2)
    assert page.label == "1–2 of 3"
    assert len(stations_list.page(found, {"after": page.after}, factories.NOW, size=2).rows) == 1


def test_news_of_a_connector_is_news_of_its_station(owner: Membership, home: Organisation, account: Account) -> None:
    row = factories.station(factories.site(home), account=account)
    client = factories.client_for(owner)
    assert "no news" in client.get("/stations/").content.decode()
    stations.report(connector_id=row.connectors.get(number=2).pk, seen_at=clock.now() - timedelta(minutes=2, seconds=5))
    for page in ("/stations/", f"/stations/{row.pk}/", f"/sites/{row.site_id}/"):
        assert re.search("seen <time[^>]*>2 min</time> ago", client.get(page).content.decode()), page


def test_a_station_shows_state_since_and_source(owner: Membership, home: Organisation, account: Account) -> None:
    row = factories.station(factories.site(home, timezone="America/Toronto"), account=account, connectors=2)
    first = row.connectors.order_by("number")[0]
    stations.report(connector_id=first.pk, session_state="charging", busy_since=factories.NOW)
    text = factories.client_for(owner).get(f"/stations/{row.pk}/").content.decode()
    assert "Charging" in text and "No news" in text
    assert "1 Jun, 12:00" in text
    assert f'<input type="hidden" name="station" value="{row.pk}">' in text
    assert '<option value="2">2</option>' in text and '<option value="1">1</option>' not in text


def test_who_may_not_start_sees_no_start_form(home: Organisation, account: Account) -> None:
    row = factories.station(factories.site(home), account=account)
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=home))
    assert 'name="reference"' not in viewer.get(f"/stations/{row.pk}/").content.decode()


def test_foreign_absent_and_hidden_look_alike(owner: Membership, home: Organisation, account: Account) -> None:
    foreign = factories.station()
    row = factories.station(factories.site(home), account=account)
    limited = factories.member(Role.MANAGER, organisation=home, site_ids=[factories.site(home).pk])
    for page in ("", "edit/"):
        assert factories.client_for(owner).get(f"/stations/{foreign.pk}/{page}").status_code == 404
        assert factories.client_for(owner).get(f"/stations/999999/{page}").status_code == 404
        assert factories.client_for(limited).get(f"/stations/{row.pk}/{page}").status_code == 404


def test_a_station_is_added_and_the_offered_id_taken(owner: Membership, home: Organisation, account: Account) -> None:
    site = factories.site(home)
    UnknownStation.objects.create(
        account=account, vendor_id="HC-9", seen_in="reporting", first_seen_at=factories.NOW, last_seen_at=factories.NOW
    )
    client = factories.client_for(owner)
    assert "HC-9" in client.get("/stations/").content.decode()
    limited = factories.member(Role.MANAGER, organisation=home, site_ids=[site.pk])
    assert "HC-9" not in factories.client_for(limited).get("/stations/").content.decode()
    values = {"account": account.pk, "site": site.pk, "vendor_id": "HC-9", "level": 3, "connectors": 2}
    values |= {"rated_kw": "62.5", "lifecycle": "active", "start_limit_minutes": "5", "name": "", "tariff": ""}
    made = client.post("/stations/new/", values)
    row = Station.objects.get(organisation=home)
    assert (made.status_code, made.url) == (302, f"/stations/{row.pk}/")
    assert (row.vendor_id, row.level, row.rated_kw, row.site_id) == ("HC-9", 3, Decimal("62.50"), site.pk)
    assert list(row.connectors.values_list("number", flat=True)) == [1, 2]
    assert UnknownStation.objects.count() == 0
    assert "has a station of this id already" in client.post("/stations/new/", values).content.decode()


def test_foreign_things_cannot_be_chosen(owner: Membership, home: Organisation, account: Account) -> None:
    theirs = factories.site()
    their_account = factories.account(theirs.organisation)
    values = {"vendor_id": "HC-1", "level": 2, "connectors": 1, "lifecycle": "active", "start_limit_minutes": "5"}
    client = factories.client_for(owner)
    assert client.get("/stations/new/").content.decode().count(theirs.name) == 0
    client.post("/stations/new/", values | {"account": account.pk, "site": theirs.pk})
    client.post("/stations/new/", values | {"account": their_account.pk, "site": factories.site(home).pk})
    assert Station.objects.count() == 0


def test_connectors_are_added_never_taken_away(owner: Membership, home: Organisation, account: Account) -> None:
    row = factories.station(factories.site(home), account=account, connectors=2)
    values = {"site": row.site_id, "vendor_id": row.vendor_id, "level": 2, "lifecycle": "active"}
    values |= {"start_limit_minutes": "5"}
    client = factories.client_for(owner)
    assert "They stay" in client.post(f"/stations/{row.pk}/edit/", values | {"connectors": 1}).content.decode()
    assert client.post(f"/stations/{row.pk}/edit/", values | {"connectors": 3}).status_code == 302
    assert list(Connector.objects.filter(station=row).values_list("number", flat=True)) == [1, 2, 3]


@pytest.mark.parametrize(("minutes", "limit_s"), [("1", 60), ("2.5", 150), ("5", 300), ("1.67", 100)])
def test_the_start_limit_is_said_in_minutes(owner: Membership, home: Organisation, minutes: str, limit_s: int) -> None:
    row = factories.station(factories.site(home), start_limit_s=100)
    values = {"site": row.site_id, "vendor_id": row.vendor_id, "level": 2, "lifecycle": "active", "connectors": 2}
    client = factories.client_for(owner)
    assert 'value="1.67"' in client.get(f"/stations/{row.pk}/edit/").content.decode()
    assert client.post(f"/stations/{row.pk}/edit/", values | {"start_limit_minutes": minutes}).status_code == 302
    row.refresh_from_db()
    assert row.start_limit_s == limit_s


@pytest.mark.parametrize("minutes", ["0.99", "5.01", "", "1.555"])
def test_a_start_limit_beyond_1_to_5_minutes_is_refused(owner: Membership, home: Organisation, minutes: str) -> None:
    row = factories.station(factories.site(home))
    values = {"site": row.site_id, "vendor_id": row.vendor_id, "level": 2, "lifecycle": "active", "connectors": 2}
    answer = factories.client_for(owner).post(f"/stations/{row.pk}/edit/", values | {"start_limit_minutes": minutes})
    assert "write a number from 1 to 5." in answer.content.decode()
    row.refresh_from_db()
    assert row.start_limit_s == 300


def test_report_touches_only_what_is_given(home: Organisation, account: Account) -> None:
    row = factories.station(factories.site(home), account=account)
    first = row.connectors.order_by("number")[0]
    later = factories.NOW + timedelta(minutes=5)
    stations.report(connector_id=first.pk, session_state="charging", busy_since=factories.NOW, seen_at=later)
    stations.report(connector_id=first.pk, seen_at=factories.NOW, offline_since=later)
    stations.report(station_id=row.pk, fault_code="GroundFailure", fault_since=later)
    first.refresh_from_db()
    row.refresh_from_db()
    assert (first.session_state, first.busy_since, first.last_seen_at) == ("charging", factories.NOW, later)
    assert (row.offline_since, row.fault_code, row.fault_since) == (later, "GroundFailure", later)
    assert row.connectors.get(number=2).session_state == ""
