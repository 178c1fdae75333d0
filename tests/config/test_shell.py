"""What waits is counted in the navigation, at the cost of one query a page and none a fragment."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from charging import attention
from charging.models import StationException
from charging.models.session import State
from fleet.models import Station
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    return owner, factories.station(factories.site(owner.organisation), connectors=4)


def report(station: Station, number: int, **fields: Any) -> StationException:
    return StationException.objects.create(
        organisation=station.organisation, account=station.account, vendor_exception_id=f"x-{number}", station=station,
        site=station.site, type="stationOffline", received_at=factories.NOW, document="{}", **fields,
    )  # fmt: skip


def items(client: Client) -> dict[str, tuple[str, str]]:
    nav = client.get(reverse("tariffs")).context["shell"]["nav"]
    return {item["name"]: (item["count"], item["words"]) for item in nav if "count" in item}


def test_nothing_waits_and_nothing_is_counted(world: World) -> None:
    owner, station = world
    factories.session(station)
    report(station, 1, cleared_at=factories.NOW)
    assert items(factories.client_for(owner)) == {}


def test_decisions_and_open_exceptions_are_counted(world: World) -> None:
    owner, station = world
    factories.session(station, state=State.UNKNOWN)
    factories.session(station, read_failures=2, vendor_session_id="v-1")
    factories.session(station, state=State.FAILED, read_failures=9)
    for number in range(3):
        report(station, number)
    report(factories.station(), 9)
    client = factories.client_for(owner)
    assert items(client) == {"live": ("2", "2 decisions wait"), "exceptions": ("3", "3 are open")}
    assert '<span class="vh">: 3 are open</span>' in client.get(reverse("tariffs")).content.decode()


def test_a_limited_member_counts_what_they_see(world: World) -> None:
    owner, station = world
    report(station, 1)
    factories.session(station, state=State.UNKNOWN)
    elsewhere = factories.site(owner.organisation)
    limited = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[elsewhere.pk])
    assert items(factories.client_for(limited)) == {}
    report(factories.station(elsewhere), 2)
    assert items(factories.client_for(limited)) == {"exceptions": ("1", "1 is open")}


def test_many_are_said_to_be_many(world: World) -> None:
    owner, station = world
    for number in range(attention.COUNTED):
        report(station, number)
    assert items(factories.client_for(owner)) == {"exceptions": ("99+", "99+ are open")}


def test_a_page_asks_once_and_a_fragment_never(world: World) -> None:
    owner, station = world
    session = factories.session(station, state=State.UNKNOWN)
    client = factories.client_for(owner)

    def asked(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code in (200, 204)  # a fragment may have nothing new to say
        return sum("UNION ALL" in query["sql"] for query in queries)

    assert [asked(reverse(name)) for name in ("live", "sites", "exceptions", "settings")] == [1, 1, 1, 1]
    fragments = [reverse("live_rows"), reverse("session_now", args=[session.public_id])]
    assert [asked(url) for url in [*fragments, reverse("site_sessions", args=[station.site_id])]] == [0, 0, 0]
