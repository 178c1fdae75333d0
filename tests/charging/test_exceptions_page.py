"""The page of exceptions."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from charging.models import StationException
from fleet.models import Station, UnknownStation
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]
NOW = factories.NOW


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    return owner, factories.station(factories.site(owner.organisation, name="Harbour"))


def exception(station: Station, number: int = 1, **fields: Any) -> StationException:
    values = {"type": "chargerFault", "severity": "high", "message": f"fault {number}", "received_at": NOW} | fields
    return StationException.objects.create(
        organisation=station.organisation, account=station.account, site=station.site, station=station,
        vendor_exception_id=f"e-{number}", vendor_station_id=station.vendor_id, document="{}", **values,
    )  # fmt: skip


def page(member: Membership, **query: str) -> str:
    return factories.client_for(member).get(reverse("exceptions"), query).content.decode()


def test_open_and_cleared_stand_apart(world: World) -> None:
    owner, station = world
    exception(station, 1, started_at=NOW)
    exception(station, 2, cleared_at=NOW)
    html = page(owner)
    assert "fault 1" in html
    assert "fault 2" not in html
    assert '1 Jun 2026, 12:00<span class="unit">EDT</span>' in html
    html = page(owner, state="cleared")
    assert "fault 2" in html
    assert "fault 1" not in html


def test_nothing_foreign_and_nothing_of_other_sites(world: World) -> None:
    owner, station = world
    exception(factories.station(), 1, message="stranger")
    exception(factories.station(factories.site(owner.organisation)), 2, message="elsewhere")
    assert "stranger" not in page(owner)
    guard = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[station.site_id])
    html = page(guard)
    assert "stranger" not in html
    assert "elsewhere" not in html


def test_pages_by_cursor(world: World) -> None:
    owner, station = world
    for number in range(53):
        exception(station, number)
    client = factories.client_for(owner)
    first = client.get(reverse("exceptions")).context["page"]
    second = client.get(reverse("exceptions"), {"after": first.after}).context["page"]
    assert (len(first.rows), len(second.rows), second.after) == (50, 3, "")
    assert (first.label, second.label) == ("1–50 of 53", "51–53 of 53")
    back = client.get(reverse("exceptions"), {"before": second.before}).context["page"]
    assert back.rows == first.rows


def test_same_queries_for_one_and_three_rows(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("exceptions")).status_code == 200
        return len(queries)

    exception(station, 1, connector=station.connectors.first())
    one = count()
    exception(station, 2, connector=station.connectors.last())
    exception(station, 3, session=factories.session(station))
    assert count() == one


def test_the_address_is_for_those_who_manage_accounts(world: World, settings: Any) -> None:
    owner, _station = world
    settings.PUBLIC_URL = "https://fleet.example.com"
    assert "Address for the vendor" in page(owner)
    manager = factories.member(Role.MANAGER, organisation=owner.organisation)
    html = page(manager)
    assert "Address for the vendor" not in html
    assert "/hooks/" not in html


def test_an_unknown_station_is_offered_and_dismissed(world: World) -> None:
    owner, station = world
    notice = UnknownStation.objects.create(
        account=station.account, vendor_id="HC-9999", seen_in="exceptions", first_seen_at=NOW, last_seen_at=NOW
    )
    adopt = f"{reverse('station_new')}?vendor_id=HC-9999&amp;account={station.account_id}"
    assert f'href="{adopt}"' in page(owner)
    operator = factories.member(Role.OPERATOR, organisation=owner.organisation)
    url = reverse("exceptions_unknown_station", args=[notice.pk])
    assert "HC-9999" not in page(operator)
    assert factories.client_for(operator).post(url).status_code == 404
    limited = factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[station.site_id])
    assert "HC-9999" not in page(limited)
    assert factories.client_for(limited).post(url).status_code == 404
    assert factories.client_for(factories.member(Role.OWNER)).post(url).status_code == 404
    notice.refresh_from_db()
    assert notice.dismissed_at is None
    assert factories.client_for(owner).post(url).url == reverse("exceptions")
    assert "HC-9999" not in page(owner)
