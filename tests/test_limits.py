"""A member who is limited to some sites sees nothing of the others, on any page, in any list, file or total.

Every page of every role is asked for; the routes are those of test_access, so a new page is held to it unnamed.
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from charging.models import Session
from fleet.models import Command, CommandItem, Station
from people.models import Membership
from people.roles import Role
from tests import factories, population
from tests.factories import NOW
from tests.test_access import GATED, ROWS, World, caller

pytestmark = pytest.mark.django_db
HIDDEN = "Zanzibar"  # in every name and text of the site out of reach
FIGURES = ("987.65", "987.7", "321.09")  # its energy and revenue, as pages, files and the API write them
PAGES = [name for name in GATED if ROWS[name].method == "get" and ROWS[name].ok == 200]
ROLES = [role for role in Role if role != Role.OWNER]  # an owner is never limited


def text(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(name, args=args), headers={"X-Since": "1"})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode(errors="replace") if answer.status_code == 200 else ""


@pytest.fixture
def world() -> World:
    """One site in reach, with one of everything; another with the same, out of reach, of the same account."""
    world = World()
    elsewhere = factories.site(world.organisation, name=f"{HIDDEN} site", address=f"{HIDDEN} street")
    station = population.at_site(world.owner, elsewhere, HIDDEN)
    owner = factories.client_for(world.owner)
    owner.post(reverse("session_start"), {"station": station.pk, "reference": f"{HIDDEN} start"})  # leaves its trail
    return world


def limited(world: World, role: Role) -> Membership:
    return factories.member(role, organisation=world.organisation, site_ids=[world.site.pk])


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_a_site_out_of_reach(world: World, name: str) -> None:
    row = ROWS[name]
    args = [row.names(world)] if row.names else []
    found = {}
    for role in ROLES:
        html = text(caller(name, limited(world, role)), name, *args)
        found[role] = [word for word in (HIDDEN, *FIGURES) if word in html]
    assert found == {role: [] for role in ROLES}


def test_the_same_is_there_for_who_sees_every_site(world: World) -> None:
    """Or the test above would pass on empty pages."""
    owner = {name: text(caller(name, world.owner), name) for name in PAGES if ROWS[name].names is None}
    shown = {name for name, html in owner.items() if HIDDEN in html}
    assert shown >= {
        "live", "live_rows", "sites", "stations", "sessions", "sessions_csv", "exceptions", "commands",
        "command_schedules", "command_schedules_csv", "reports", "reports_csv", "session_start", "command_new",
        "site_choices", "settings_audit", "api_sites", "api_stations", "api_sessions",
    }  # fmt: skip
    assert any(figure in owner["reports_csv"] for figure in FIGURES)


COMMAND = {"set_message": "on", "message": "x", "in_session": "wait", "patience": "86400"}


# --- and changes nothing there ----------------------------------------------------------------------------------------
def test_what_is_named_out_of_reach_is_not_touched(world: World) -> None:
    """By every form and address that takes the name of a station, site or session from the request."""
    hidden = Station.objects.get(name=f"{HIDDEN} station")
    first, second = hidden.connectors.order_by("number")
    Session.objects.filter(connector__in=(first, second)).update(holds_connector=False, state="failed", ended_at=NOW)
    before = everything()
    manager = limited(world, Role.MANAGER)
    pages, api = factories.client_for(manager), caller("api_sites", manager)
    station = {"vendor_id": "HC-X", "name": "x", "account": world.account.pk, "site": hidden.site_id, "level": 2}
    form = station | {"connectors": 1, "lifecycle": "active"}
    asked = [
        pages.post(reverse("station_new"), form),
        pages.post(reverse("station_edit", args=[world.station.pk]), form | {"vendor_id": world.station.vendor_id}),
        pages.post(reverse("session_start"), {"station": hidden.pk}),
        pages.post(reverse("command_new"), {"station": hidden.pk} | COMMAND),
        api.post(reverse("api_sessions"), {"station": hidden.vendor_id}, content_type="application/json"),
        api.post(reverse("api_sessions"), {"station": hidden.pk}, content_type="application/json"),
        api.post(
            reverse("api_commands"), {"stations": [hidden.pk], "setMessage": "x"}, content_type="application/json"
        ),
        api.post(
            reverse("api_commands"),
            {"stations": [world.station.pk, hidden.pk], "setMessage": "x"},
            content_type="application/json",
        ),
        api.get(reverse("api_sessions"), {"station": hidden.vendor_id}),
        api.get(reverse("api_sessions"), {"reference": f"{HIDDEN} driver"}),
        api.get(reverse("api_stations"), {"site": hidden.site_id}),
        api.get(reverse("api_stations"), {"q": HIDDEN}),
        pages.get(reverse("sessions_csv"), {"site": hidden.site_id}),
        pages.get(reverse("reports_csv"), {"site": hidden.site_id}),
    ]
    assert everything() == before
    assert [answer.status_code for answer in asked[4:8]] == [404, 404, 404, 404]
    for answer in asked[8:]:
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert HIDDEN not in body.decode()


def everything() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Session, Station, Command, CommandItem)} | {
        "at the hidden site": Station.objects.filter(site__name__startswith=HIDDEN).count()
    }
