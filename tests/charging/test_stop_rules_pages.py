"""Stop rules through the doors: on a session, as defaults of a station and a site, and beside a start."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from charging import rule_watch, session_rules, sessions
from charging.models import Session, StopRule
from charging.models.session import State
from eevion.sessions import read_session
from fleet.models import Station
from lib import clock
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]
EMPTY = dict.fromkeys(("energy", "money", "minutes", "clock", "low_power", "low_power_minutes", "idle"), "")


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    return owner, factories.station(factories.site(owner.organisation, name="Harbour"), connectors=4)


def running(station: Station, **fields: Any) -> Session:
    now = clock.now()
    values = {"vendor_session_id": "ses_1", "started_at": now - timedelta(minutes=10), "requested_at": now} | fields
    return factories.session(station, **values)


def read(session: Session, **keys: Any) -> None:
    now = clock.now()
    document = read_session(
        {"sessionID": session.vendor_session_id, "status": "charging", "updatedAt": now.isoformat(), **keys}
    )
    sessions.apply(session=session, document=document, now=now, via="read")
    Session.objects.filter(pk=session.pk).update(read_at=Now())


def part(client: Client, name: str, of: Any) -> str:
    """As the page asks for it, white space made one."""
    html = client.get(reverse(name, args=[of]), headers={"HX-Request": "true"}).content.decode()
    return " ".join(html.split())


def kinds(owner: session_rules.Owner) -> list[str]:
    return sorted(session_rules.of(owner).values_list("kind", flat=True))


# --- a session --------------------------------------------------------------------------------------------------------
def test_the_part_says_what_each_rule_says_now(world: World) -> None:
    owner, station = world
    session = running(station)
    now = clock.now()
    for kind, amount in (("energy", Decimal(20)), ("money", Decimal(15)), ("minutes", Decimal(90))):
        StopRule.objects.create(session=session, kind=kind, amount=amount, created_at=now)
    read(session, energy=Decimal("12.4"))
    html = part(factories.client_for(owner), "session_rules_part", session.public_id)
    assert "<b>At 20 kWh</b><small>12.4 kWh so far" in html
    assert "<b>At 15.00 CAD</b><small>no cost is known yet" in html
    assert "<b>After 90 minutes</b><small>10 minutes since energy began" in html
    assert html.count('aria-label="Remove the rule:') == 3


def test_a_rule_that_fired_says_when_and_stays(world: World) -> None:
    owner, station = world
    session = running(station)
    StopRule.objects.create(session=session, kind="minutes", amount=Decimal(5), created_at=clock.now())
    assert rule_watch.look(clock.now()) == [session.pk]
    html = part(factories.client_for(owner), "session_rules_part", session.public_id)
    assert "<b>After 5 minutes</b><small>asked for the stop" in html
    assert "Remove the rule" not in html


def test_a_viewer_sees_rules_and_no_controls(world: World) -> None:
    owner, station = world
    session = running(station)
    StopRule.objects.create(session=session, kind="idle", for_minutes=20, created_at=clock.now())
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    html = part(viewer, "session_rules_part", session.public_id)
    assert "After 20 minutes without energy" in html
    assert "<form" not in html
    assert "rules-edit" not in html


def test_without_a_script_the_part_is_a_page(world: World) -> None:
    owner, station = world
    session = running(station)
    html = factories.client_for(owner).get(reverse("session_rules_part", args=[session.public_id])).content.decode()
    assert "<html" in html
    assert reverse("session_rules_edit", args=[session.public_id]) in html


def test_rules_are_set_changed_and_removed_in_one_form(world: World) -> None:
    owner, station = world
    session, client = running(station), factories.client_for(owner)
    address = reverse("session_rules_edit", args=[session.public_id])
    wish = EMPTY | {"energy": "20.5", "clock": "07:00", "low_power": "1.4", "low_power_minutes": "15"}
    assert client.post(address, wish).status_code == 302
    rows = {row.kind: (row.amount, row.for_minutes, row.at_time) for row in session_rules.of(session)}
    assert rows == {
        "energy": (Decimal("20.5"), None, None),
        "clock": (None, None, time(7)),
        "low_power": (Decimal("1.4"), 15, None),
    }
    html = client.get(address).content.decode()
    for value in ('value="20.5"', 'value="07:00"', 'value="1.4"', 'value="15"'):
        assert value in html
    client.post(address, EMPTY | {"energy": "20.5", "idle": "30"})
    assert kinds(session) == ["energy", "idle"]
    client.post(reverse("session_rule_remove", args=[session.public_id]), {"kind": "energy"})
    assert kinds(session) == ["idle"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"energy": "-1"}, "greater than or equal to 0.1"),
        ({"money": "x"}, "Enter a number."),
        ({"minutes": "0"}, "greater than or equal to 1"),
        ({"clock": "25:00"}, "Enter a valid time."),
        ({"low_power": "2"}, "Say for how many minutes, or leave both empty."),
        ({"low_power_minutes": "2"}, "Say below which power, or leave both empty."),
    ],
)
def test_what_makes_no_sense_is_said_at_its_line_and_nothing_changes(
    world: World, wish: dict[str, str], words: str
) -> None:
    owner, station = world
    session = running(station)
    address = reverse("session_rules_edit", args=[session.public_id])
    answer = factories.client_for(owner).post(address, EMPTY | {"idle": "5"} | wish)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert kinds(session) == []


def test_an_ended_session_says_that_it_is_over(world: World) -> None:
    owner, station = world
    session = running(station, state=State.COMPLETED)
    client = factories.client_for(owner)
    for name, data in (("session_rules_edit", EMPTY | {"idle": "5"}), ("session_rule_remove", {"kind": "idle"})):
        answer = client.post(reverse(name, args=[session.public_id]), data)
        said = [str(message) for message in get_messages(answer.wsgi_request)]
        assert said[-1] == "The session is over. Stop rules can be changed only while it runs."
    assert kinds(session) == []


# --- defaults ---------------------------------------------------------------------------------------------------------
def test_defaults_of_a_site_and_a_station(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    client.post(reverse("site_rules_edit", args=[station.site_id]), EMPTY | {"energy": "30", "clock": "07:00"})
    client.post(reverse("station_rules_edit", args=[station.pk]), EMPTY | {"energy": "20"})
    html = part(client, "station_rules", station.pk)
    assert "<dd>at 20 kWh</dd>" in html
    assert '<dt>From the site</dt><dd class="dim">at 07:00</dd>' in html
    assert "30 kWh" not in html
    html = part(client, "site_rules", station.site_id)
    assert "at 30 kWh" in html
    assert "at 07:00" in html


def test_a_station_says_none_here_against_a_default_of_its_site(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    address = reverse("station_rules_edit", args=[station.pk])
    client.post(reverse("site_rules_edit", args=[station.site_id]), EMPTY | {"energy": "30", "idle": "20"})
    html = client.get(address).content.decode()
    assert "None here, though the site stops at 30 kWh" in html
    assert "None here, though the site stops after 20 minutes without energy" in html
    assert html.count('name="none_') == 2
    assert client.post(address, EMPTY | {"none_idle": "on"}).status_code == 302
    html = part(client, "station_rules", station.pk)
    assert '<dt>From the site</dt><dd class="dim">at 30 kWh</dd>' in html
    assert '<dt>Not here</dt><dd class="dim">after 20 minutes without energy</dd>' in html
    assert "checked" in client.get(address).content.decode()
    client.post(reverse("session_start"), {"station": station.pk, "reference": "van-08"})
    assert kinds(Session.objects.get(reference="van-08")) == ["energy"]


def test_a_refusal_outlives_the_default_it_refused(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    address = reverse("station_rules_edit", args=[station.pk])
    session_rules.replace(actor=factories.actor(owner), owner=station, rules=[], none=["idle"], now=clock.now())
    assert "None here, whatever the site says" in client.get(address).content.decode()
    assert '<dt>Not here</dt><dd class="dim">no stop when idle</dd>' in part(client, "station_rules", station.pk)
    client.post(address, EMPTY)
    assert "None of its own, and the site has none." in part(client, "station_rules", station.pk)


def test_a_rule_and_none_here_at_once_is_refused(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    client.post(reverse("site_rules_edit", args=[station.site_id]), EMPTY | {"energy": "30"})
    address = reverse("station_rules_edit", args=[station.pk])
    answer = client.post(address, EMPTY | {"energy": "20", "none_energy": "on"})
    assert answer.status_code == 422
    assert "Either a rule or none here: empty the line, or untick the box." in answer.content.decode()
    assert (kinds(station), session_rules.refused(station)) == ([], [])


def test_their_pages_load_them(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    for page, rules, pk in (("station", "station_rules", station.pk), ("site", "site_rules", station.site_id)):
        assert f'hx-get="{reverse(rules, args=[pk])}"' in client.get(reverse(page, args=[pk])).content.decode()


def test_the_sessions_page_loads_its_rules(world: World) -> None:
    owner, station = world
    session = running(station)
    html = factories.client_for(owner).get(reverse("session", args=[session.public_id])).content.decode()
    assert f'hx-get="{reverse("session_rules_part", args=[session.public_id])}"' in html


# --- a start ----------------------------------------------------------------------------------------------------------
def test_a_start_takes_its_own_rules_before_the_defaults(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    client.post(reverse("station_rules_edit", args=[station.pk]), EMPTY | {"energy": "20", "idle": "30"})
    wish = {"station": station.pk, "reference": "van-07", "stop-energy": "8", "stop-clock": "06:30"}
    assert client.post(reverse("session_start"), wish).status_code == 302
    session = Session.objects.get(reference="van-07")
    assert {row.kind: row.amount for row in session_rules.of(session)} == {
        "energy": Decimal(8),
        "clock": None,
        "idle": None,
    }
    told = session.events.get(kind="rule").text
    assert told == "Stop rules: at 8 kWh; at 06:30; after 30 minutes without energy."


def test_a_start_with_a_rule_that_makes_no_sense_starts_nothing(world: World) -> None:
    owner, station = world
    wish = {"station": station.pk, "stop-low_power": "2"}
    answer = factories.client_for(owner).post(reverse("session_start"), wish)
    assert answer.status_code == 422
    assert "Say for how many minutes" in answer.content.decode()
    assert Session.objects.count() == 0
