"""The pages of sites: list, one, adding, changing."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet import stations_list
from fleet.models import Site
from people.models import AuditEntry
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
VALUES = {"name": "Harbour", "timezone": "America/Halifax", "currency": "cad", "grid_limit_kw": "150.0"}


def test_an_empty_list_says_what_comes_first() -> None:
    owner = factories.client_for(factories.member())
    viewer = factories.client_for(factories.member(Role.VIEWER))
    assert "No site yet" in owner.get("/sites/").content.decode()
    assert "/sites/new/" in owner.get("/sites/").content.decode()
    assert "/sites/new/" not in viewer.get("/sites/").content.decode()


def test_one_and_three_sites_cost_the_same() -> None:
    owner = factories.member()
    client = factories.client_for(owner)
    factories.station(factories.site(owner.organisation))
    client.get("/sites/")
    with CaptureQueriesContext(connection) as one:
        client.get("/sites/")
    for _ in range(2):
        factories.station(factories.site(owner.organisation))
    with CaptureQueriesContext(connection) as three:
        assert client.get("/sites/").content.decode().count('<tr id="site-') == 3
    assert len(three) == len(one)


def test_connectors_are_counted_by_state() -> None:
    owner = factories.member()
    site = factories.site(owner.organisation)
    row = factories.station(site, connectors=3)
    row.connectors.filter(number=1).update(session_state="charging")
    row.connectors.filter(number=2).update(fault_since=factories.NOW)
    answer = factories.client_for(owner).get("/sites/")
    assert answer.context["rows"][0]["counts"] == [("faulted", 1), ("in_session", 1), ("no_news", 1)]


def test_a_site_is_added_and_changed_with_a_note_of_who() -> None:
    owner = factories.member()
    client = factories.client_for(owner)
    made = client.post("/sites/new/", VALUES)
    row = Site.objects.get()
    assert (made.status_code, made.url) == (302, f"/sites/{row.pk}/")
    assert (row.organisation_id, row.timezone, row.currency) == (owner.organisation_id, "America/Halifax", "CAD")
    client.post(f"/sites/{row.pk}/edit/", VALUES | {"name": "Port"})
    assert Site.objects.get().name == "Port"
    assert list(AuditEntry.objects.order_by("pk").values_list("verb", "subject")) == [
        ("site.created", "Harbour"),
        ("site.changed", "Port"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("timezone", "America/Torronto", "There is no time zone"),
        ("timezone", "../../etc/passwd", "There is no time zone"),
        ("currency", "C1D", "three letters"),
        ("latitude", "91", "from -90 to 90"),
        ("grid_limit_kw", "0", "more than 0"),
        ("name", "Taken", "Another site has this name"),
    ],
)
def test_a_wrong_value_is_said_and_nothing_saved(field: str, value: str, said: str) -> None:
    owner = factories.member()
    factories.site(owner.organisation, name="Taken")
    text = factories.client_for(owner).post("/sites/new/", VALUES | {field: value}).content.decode()
    assert said in text
    assert Site.objects.count() == 1


def test_foreign_absent_and_hidden_look_alike() -> None:
    owner = factories.member()
    foreign, mine, other = factories.site(), factories.site(owner.organisation), factories.site(owner.organisation)
    limited = factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[mine.pk])
    for page in ("", "edit/"):
        assert factories.client_for(owner).get(f"/sites/{foreign.pk}/{page}").status_code == 404
        assert factories.client_for(limited).get(f"/sites/{other.pk}/{page}").status_code == 404
        assert factories.client_for(limited).get(f"/sites/{mine.pk}/{page}").status_code == 200
    assert factories.client_for(limited).get("/sites/new/").status_code == 404
    assert other.name not in factories.client_for(limited).get("/sites/").content.decode()


def test_a_site_shows_its_stations() -> None:
    owner = factories.member()
    row = factories.station(factories.site(owner.organisation))
    elsewhere = factories.station(factories.site(owner.organisation))
    text = factories.client_for(owner).get(f"/sites/{row.site_id}/").content.decode()
    assert row.vendor_id in text and elsewhere.vendor_id not in text
    assert f'hx-get="/sites/{row.site_id}/sessions"' in text


def test_what_is_ticked_stays_ticked_on_the_next_page_of_a_site() -> None:
    owner = factories.member()
    place = factories.site(owner.organisation)
    rows = [factories.station(place, vendor_id=f"HC-{number:03d}") for number in range(stations_list.PAGE + 1)]
    browser = factories.client_for(owner)
    first = browser.get(f"/sites/{place.pk}/")
    cursor = first.context["page"].after
    html = browser.get(f"/sites/{place.pk}/", {"station": rows[2].pk, "after": cursor}).content.decode()
    assert re.search(r"<b>1</b>\s+chosen on another page", html)
    assert f'formaction="/sites/{place.pk}/"' in html


def test_who_is_limited_is_told_who_adds_sites() -> None:
    owner = factories.member()
    mine = factories.site(owner.organisation)
    limited = factories.client_for(factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[mine.pk]))
    page = limited.get("/sites/").content.decode()
    assert "Somebody who sees every site adds new ones" in page and "/sites/new/" not in page
    nobody = factories.client_for(factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[]))
    assert "No site for you yet" in nobody.get("/sites/").content.decode()


def test_the_focus_goes_to_the_first_wrong_field_and_nothing_typed_is_lost() -> None:
    client = factories.client_for(factories.member())
    page = client.post("/sites/new/", VALUES | {"currency": "C1D", "latitude": "91"}).content.decode()
    assert page.count("autofocus") == 1
    assert re.search('name="currency" value="C1D"[^>]*autofocus', page)
    assert 'value="Harbour"' in page and 'name="latitude" value="91"' in page
    assert "autofocus" not in client.get("/sites/new/").content.decode()
