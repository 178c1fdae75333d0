"""Stopping several sessions: the question, a row each, what came of them, and the refused ones again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import eevion
from charging import stop_bill, stops
from charging.models import Session
from charging.models.session import State, StopState
from charging.views import bulk_stop
from fleet.models import Station
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]
BY_MINUTE = {"currency": "CAD", "price_per_kwh": "0.35", "price_per_minute": "0.05", "price_per_start": "0"}
STOP = "/sessions/stop"


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    return owner, factories.station(factories.site(owner.organisation, name="Harbour"), connectors=4)


def running(station: Station, name: str, **fields: Any) -> Session:
    values = {"vendor_session_id": name, "cost": Decimal("4.35")} | fields
    return factories.session(station, **values)


def text(html: bytes) -> str:
    return " ".join(html.decode().split())


def refuse(session: Session) -> None:
    error = eevion.Rejected("The charger refused.", status=422, code="rejected")
    row = Session.objects.get(pk=session.pk)
    stops._settle(row, NOW, lambda row, now: stops._refused(row, now, error))


# --- what it means for drivers ----------------------------------------------------------------------------------------
def test_the_bill_adds_within_a_currency_and_says_what_it_lacks(world: World) -> None:
    _owner, station = world
    rows = [
        running(station, "a"),
        running(station, "b", cost=Decimal("1.15"), tariff=BY_MINUTE),
        running(station, "c", currency="USD", cost=Decimal(2)),
        running(station, "d", cost=None),
    ]
    bill = stop_bill.bill(rows)
    assert bill.costs == [(Decimal("5.50"), "CAD"), (Decimal(2), "USD")]
    assert (bill.to_stop, bill.without_cost, bill.by_the_minute) == (rows, 1, 1)


def test_the_bill_leaves_out_what_cannot_be_stopped_and_says_why(world: World) -> None:
    _owner, station = world
    unanswered = factories.session(station, state=State.UNKNOWN)
    idle = running(station, "b", state=State.STOPPED)
    over = running(station, "c", state=State.COMPLETED)
    asked = running(station, "d", stop_state=StopState.SENT)
    bill = stop_bill.bill([unanswered, idle, over, asked])
    assert (bill.to_stop, bill.asked, bill.costs) == ([], [asked], [])
    assert bill.left_out == [
        (unanswered, "The start has no answer yet, so there is nothing to stop. Try again in a moment."),
        (idle, "Charging has ended already. The session is over when the cable is unplugged."),
        (over, "The session is over. There is nothing left to stop."),
    ]


# --- selected ---------------------------------------------------------------------------------------------------------
def test_the_question_says_what_drivers_pay(world: World) -> None:
    owner, station = world
    first, second = running(station, "a"), running(station, "b", cost=None)
    idle = running(station, "c", state=State.STOPPED)
    answer = factories.client_for(owner).get(STOP, {"id": [first.pk, second.pk, idle.pk]})
    html = text(answer.content)
    assert "<h1>Stop 2 sessions?</h1>" in html
    assert '4.35<span class="unit">CAD</span>' in html
    assert "1 has no cost yet" in html
    assert "Idle fees may run on until the cable is out." in html
    assert "1 cannot be stopped:" in html
    assert "Charging has ended already." in html
    assert html.count('type="hidden" name="id"') == 2
    assert Session.objects.exclude(stop_state="").count() == 0  # asking does nothing


def test_each_stop_is_a_row_of_its_own(world: World) -> None:
    owner, station = world
    rows = [running(station, name) for name in "abc"]
    idle = running(station, "d", state=State.STOPPED)
    answer = factories.client_for(owner).post(STOP, {"id": [row.pk for row in (*rows[:2], idle)]})
    assert answer.status_code == 302
    states = list(Session.objects.order_by("pk").values_list("stop_state", flat=True))
    assert states == ["wanted", "wanted", "", ""]
    assert stops.due() == [rows[0].pk, rows[1].pk]
    assert [row.events.filter(kind="stop").count() for row in (*rows, idle)] == [1, 1, 0, 0]
    assert answer.headers["Location"] == f"/sessions/stop/result?id={rows[0].pk}&id={rows[1].pk}&id={idle.pk}"


def test_a_second_click_asks_nothing_twice(world: World) -> None:
    owner, station = world
    session, client = running(station, "a"), factories.client_for(owner)
    for _ in range(2):
        client.post(STOP, {"id": session.pk})
    assert session.events.filter(kind="stop").count() == 1


def test_foreign_hidden_and_absurd_ids_are_left_alone(world: World) -> None:
    owner, station = world
    mine, foreign = running(station, "a"), running(factories.station(), "b")
    elsewhere = running(factories.station(factories.site(owner.organisation)), "c")
    limited = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[station.site_id])
    wish = {"id": [mine.pk, foreign.pk, elsewhere.pk, "x", "-1", "9" * 30]}
    client = factories.client_for(limited)
    assert "Stop 1 session?" in client.get(STOP, wish).content.decode()
    client.post(STOP, wish)
    assert list(Session.objects.filter(stop_state="wanted")) == [mine]


def test_nothing_selected_says_so(world: World) -> None:
    owner, _station = world
    answer = factories.client_for(owner).get(STOP)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert [str(message) for message in get_messages(answer.wsgi_request)] == [
        "No session is selected. Select some rows first."
    ]


def test_where_nothing_can_be_stopped_there_is_no_button(world: World) -> None:
    owner, station = world
    idle = running(station, "a", state=State.STOPPED)
    html = text(factories.client_for(owner).get(STOP, {"id": idle.pk}).content)
    assert "<h1>Nothing here can be stopped</h1>" in html
    assert "danger solid" not in html


# --- all of a site ----------------------------------------------------------------------------------------------------
def test_all_of_a_site_are_those_of_the_question(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    first, other = running(station, "a"), running(factories.station(factories.site(owner.organisation)), "b")
    address = reverse("site_sessions_stop", args=[station.site_id])
    html = text(client.get(address).content)
    assert "Stop the one session at Harbour?" in html
    late = running(station, "c")  # began after the question
    client.post(address, {"id": [first.pk, other.pk]})
    found = {row.pk: row.stop_state for row in Session.objects.all()}
    assert found == {first.pk: "wanted", other.pk: "", late.pk: ""}


def test_a_site_with_more_than_one_question_holds_does_not_say_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, station = world
    monkeypatch.setattr(bulk_stop, "MOST", 2)
    running(station, "a", state=State.STOPPED)
    wanted = [running(station, name) for name in "bc"]
    client = factories.client_for(owner)
    address = reverse("site_sessions_stop", args=[station.site_id])
    html = text(client.get(address).content)
    assert "Stop 2 sessions?" in html
    assert "1 more session is open there and goes on: ask again for it afterwards." in html
    assert [f'name="id" value="{row.pk}"' in html for row in wanted] == [True, True]


def test_a_site_without_sessions_says_so(world: World) -> None:
    owner, station = world
    answer = factories.client_for(owner).get(reverse("site_sessions_stop", args=[station.site_id]))
    assert answer.headers["Location"] == reverse("site", args=[station.site_id])


# --- what came of them ------------------------------------------------------------------------------------------------
def test_the_result_tells_and_offers_the_refused_alone(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    rows = [running(station, name) for name in "ab"]
    result = client.post(STOP, {"id": [row.pk for row in rows]}).headers["Location"]
    assert "2 stops are on their way." in text(client.get(result).content)
    refuse(rows[1])
    html = text(client.get(result).content)
    assert "1 stop was refused; that session goes on." in html
    assert "Stop refused: The charger refused. The session goes on." in html
    assert f'href="/sessions/stop?id={rows[1].pk}"' in html
    client.post(STOP, {"id": rows[1].pk})
    assert Session.objects.get(pk=rows[1].pk).stop_state == StopState.WANTED


@pytest.mark.parametrize("state", [State.STOPPED, State.COMPLETED])
@pytest.mark.parametrize(("take", "stop_state"), [("_refused", ""), ("_unknown", "sent")])
def test_an_answer_that_comes_after_the_end_does_not_say_that_it_goes_on(
    world: World, take: str, stop_state: str, state: State
) -> None:
    _owner, station = world
    session = running(station, "a", state=state, stop_state=StopState.WANTED)
    given = {"_refused": {"error": eevion.Rejected("No.", status=409)}, "_unknown": {"why": "silence."}}[take]
    stops._settle(session, NOW, lambda row, now: getattr(stops, take)(row, now, **given))
    session.refresh_from_db()
    assert (session.stop_state, session.stop_error) == (stop_state, "")
    words = ["The stop came too late: charging had ended already.", "No answer to the stop, and charging has ended."]
    assert [event.text in words for event in session.events.all()] == [True]


def test_a_stop_refused_for_the_key_says_what_to_do(world: World) -> None:
    _owner, station = world
    session = running(station, "a", stop_state=StopState.WANTED)
    error = eevion.Rejected("Unknown key.", status=401)
    stops._settle(session, NOW, lambda row, now: stops._refused(row, now, error))
    session.refresh_from_db()
    assert session.stop_error == (
        "Stop refused: Unknown key. The session goes on. Check the API key in the account's settings."
    )


def test_the_result_stops_asking_once_all_is_answered(world: World) -> None:
    owner, station = world
    session = running(station, "a")
    client = factories.client_for(owner)
    result = client.post(STOP, {"id": session.pk}).headers["Location"]
    assert "hx-trigger" in client.get(result, headers={"HX-Request": "true"}).content.decode()
    Session.objects.update(state=State.STOPPED, stop_state=StopState.SENT)
    html = client.get(result, headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in html
    assert "Every stop has its answer." in html


# --- one --------------------------------------------------------------------------------------------------------------
def test_the_question_about_one_says_what_the_driver_pays(world: World) -> None:
    owner, station = world
    session = running(station, "a", tariff=BY_MINUTE)
    html = text(factories.client_for(owner).get(reverse("session_stop", args=[session.public_id])).content)
    assert "<dt>The driver pays so far</dt>" in html
    assert '4.35<span class="unit">CAD</span>' in html
    assert "Its tariff counts minutes until the cable is out." in html


def test_same_queries_for_one_and_for_many(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    rows = [running(station, name, requested_at=NOW - timedelta(minutes=1)) for name in "abcd"]
    counts = []
    for chosen in (rows[:1], rows):
        with CaptureQueriesContext(connection) as queries:
            client.get(STOP, {"id": [row.pk for row in chosen]})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_sites_page_offers_it_to_who_may_and_where_something_runs(world: World) -> None:
    owner, station = world
    viewer = factories.member(Role.VIEWER, organisation=owner.organisation)
    part, stop = (reverse(name, args=[station.site_id]) for name in ("site_sessions", "site_sessions_stop"))

    def offered(who: Membership) -> bool:
        return f'href="{stop}"' in factories.client_for(who).get(part).content.decode()

    running(station, "a", state=State.COMPLETED)
    assert offered(owner) is False
    running(station, "b")
    assert (offered(owner), offered(viewer)) == (True, False)
