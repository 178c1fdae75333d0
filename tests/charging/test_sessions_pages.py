"""Past sessions, one session, and what a person may do to it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from charging import changes, sessions_list, silence
from charging.models import Reading, Session
from charging.models.session import State
from fleet.models import Station
from fleet.models.station import Lifecycle
from lib import paging
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]
NOW = factories.NOW


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    return owner, factories.station(factories.site(owner.organisation, name="Harbour"), connectors=4)


def past(station: Station, hours: int = 0, **fields: Any) -> Session:
    at = NOW - timedelta(hours=hours)
    values = {"state": State.COMPLETED, "ended_at": at, "completed_at": at, "energy_kwh": Decimal("5.125")}
    return factories.session(station, **(values | fields))


def page_of(session: Session) -> str:
    return reverse("session", args=[session.public_id])


# --- the list ---------------------------------------------------------------------------------------------------------
def test_the_list_shows_the_past_in_the_sites_time(world: World) -> None:
    owner, station = world
    session = past(station, cost=Decimal("2.5"), reference="van-07", started_at=NOW - timedelta(hours=1))
    running = factories.session(station)
    html = factories.client_for(owner).get(reverse("sessions")).content.decode()
    assert f'id="s-{session.pk}"' in html
    assert f'id="s-{running.pk}"' not in html
    assert '1 Jun 2026, 12:00<span class="unit">EDT</span>' in html
    assert '2.50<span class="unit">CAD</span>' in html


def test_filters_find_by_each_field(world: World) -> None:
    owner, station = world
    other = factories.station(factories.site(owner.organisation, timezone="America/Vancouver"))
    here, there = past(station, reference="van-07"), past(other, hours=30, state=State.FAILED, reference="bus")
    client = factories.client_for(owner)

    def found(**query: str) -> list[int]:
        answer = client.get(reverse("sessions"), query)
        return [row.pk for row in answer.context["page"].sessions]

    assert found() == [here.pk, there.pk]
    assert found(site=other.site_id) == [there.pk]
    assert found(station=station.vendor_id.lower()) == [here.pk]
    assert found(q="VAN") == [here.pk]
    assert found(state="failed") == [there.pk]
    assert found(start_date="2026-06-01") == [here.pk]
    assert found(end_date="2026-05-31") == [there.pk]


def test_a_day_is_the_local_day_of_the_site(world: World) -> None:
    owner, station = world
    late = past(station, ended_at=datetime(2026, 6, 2, 3, 59, tzinfo=UTC))  # 23:59 on 1 June in Toronto
    past(station, ended_at=datetime(2026, 6, 2, 4, 0, tzinfo=UTC))
    day = datetime(2026, 6, 1, tzinfo=UTC).date()
    found = sessions_list.matching(factories.actor(owner), {"start_date": day, "end_date": day})
    assert [row.pk for row in found] == [late.pk]


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_all_are_days(world: World, name: str, day: str) -> None:
    owner, station = world
    there = past(station, hours=1).pk
    answer = factories.client_for(owner).get(reverse("sessions"), {name: day})
    keeps = (name == "start_date") == (day < "2")
    assert [row.pk for row in answer.context["page"].sessions] == ([there] if keeps else [])


def test_a_filter_without_sense_says_so(world: World) -> None:
    owner, _station = world
    query = {"start_date": "2026-06-02", "end_date": "2026-06-01"}
    client = factories.client_for(owner)
    assert "The last day lies before the first" in client.get(reverse("sessions"), query).content.decode()
    assert client.get(reverse("sessions_csv"), query).status_code == 400


def test_pages_by_cursor_meet_every_session_once_both_ways(world: World) -> None:
    owner, station = world
    made = [past(station, hours=n // 2).pk for n in range(7)]  # two of each moment
    wanted = sorted(made, key=lambda pk: (Session.objects.get(pk=pk).ended_at, pk), reverse=True)
    found = sessions_list.matching(factories.actor(owner), {})
    first = sessions_list.page(found, size=3)
    second = sessions_list.page(found, after=first.after, size=3)
    third = sessions_list.page(found, after=second.after, size=3)
    assert [row.pk for page in (first, second, third) for row in page.sessions] == wanted
    assert (first.before, third.after) == ("", "")
    back = sessions_list.page(found, before=third.before, size=3)
    assert back == second
    assert sessions_list.page(found, before=back.before, size=3).sessions == first.sessions


def test_a_page_says_where_it_stands_as_far_as_that_is_cheap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, station = world
    for n in range(5):
        past(station, hours=n, reference="van")
    found = sessions_list.matching(factories.actor(owner), {})
    first = sessions_list.page(found, size=2)
    second = sessions_list.page(found, after=first.after, size=2)
    last = sessions_list.page(found, after=second.after, size=2)
    assert [page.label for page in (first, second, last)] == ["1–2 of 5", "3–4 of 5", "5 of 5"]
    assert sessions_list.page(found, before=second.before, size=2).label == "1–2 of 5"
    # a search is not counted on top of being searched; what it found on one page is known without counting
    assert [sessions_list.countable(wanted) for wanted in ({}, {"site": 1}, {"q": "van"})] == [True, True, False]
    assert sessions_list.page(found, size=2, counted=False).label == ""
    assert sessions_list.page(found, size=5, counted=False).label == "1–5 of 5"
    monkeypatch.setattr(paging, "COUNTED", 3)
    assert sessions_list.page(found, size=2).label == "1–2 of more than 3"


@pytest.mark.parametrize("cursor", ["x", "1-1", "99999999999999.000000-1", "1.000000-", "-1.000000-1"])
def test_a_strange_cursor_means_the_first_page(world: World, cursor: str) -> None:
    owner, station = world
    session = past(station)
    answer = factories.client_for(owner).get(reverse("sessions"), {"after": cursor, "before": cursor})
    assert [row.pk for row in answer.context["page"].sessions] == [session.pk]


def test_same_queries_for_one_and_three_rows(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    urls = [
        reverse("sessions"),
        reverse("station_sessions", args=[station.pk]),
        reverse("site_sessions", args=[station.site_id]),
    ]

    def counts() -> list[int]:
        numbers: list[int] = []
        for url in urls:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            numbers.append(len(queries))
        return numbers

    past(station, connector=station.connectors.get(number=1))
    one = counts()
    past(station, hours=1, connector=station.connectors.get(number=2))
    past(station, hours=2, connector=station.connectors.get(number=3))
    assert counts() == one


# --- CSV --------------------------------------------------------------------------------------------------------------
def test_csv_is_the_same_filter_with_offsets_and_no_formula(world: World) -> None:
    owner, station = world
    past(station, reference='=HYPERLINK("x")', cost=Decimal("2.5"), connector=station.connectors.get(number=2))
    past(station, hours=1, reference="left out", state=State.FAILED)
    answer = factories.client_for(owner).get(reverse("sessions_csv"), {"state": "completed"})
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [line["reference"] for line in lines] == ['\'=HYPERLINK("x")']
    assert lines[0]["ended_at"] == "2026-06-01T12:00:00-04:00"
    assert (lines[0]["time_zone"], lines[0]["connector"]) == ("America/Toronto", "2")
    assert (lines[0]["energy_kwh"], lines[0]["cost"], lines[0]["currency"]) == ("5.125", "2.5000", "CAD")


def test_csv_is_for_those_who_may_export(world: World) -> None:
    owner, station = world
    past(station)
    viewer = factories.member(Role.VIEWER, organisation=owner.organisation)
    client = factories.client_for(viewer)
    assert client.get(reverse("sessions_csv")).status_code == 404
    assert reverse("sessions_csv") not in client.get(reverse("sessions")).content.decode()


# --- one session ------------------------------------------------------------------------------------------------------
def test_a_session_shows_four_figures_and_its_story(world: World) -> None:
    owner, station = world
    session = past(
        station, cost=Decimal("2.5"), started_at=NOW - timedelta(hours=2),
        charging_ended_at=NOW - timedelta(minutes=30), final_at=NOW,
    )  # fmt: skip
    session.events.create(occurred_at=NOW, kind="state", text="It began to charge.")
    Reading.objects.create(
        session=session, received_at=NOW, confirmed_at=NOW, power_kw=Decimal(7), energy_kwh=Decimal(5),
        document_sha256="0" * 64, document='{"status": "Charging"}',
    )  # fmt: skip
    html = factories.client_for(owner).get(page_of(session)).content.decode()
    for words in ("5.125", '2.50<span class="unit">CAD</span>', "1:30", "0:30", "It began to charge.", "c-plot"):
        assert words in html
    assert "&quot;Charging&quot;" in html
    assert "data-live=" not in html


def test_an_open_session_asks_for_itself(world: World) -> None:
    owner, station = world
    session = factories.session(station)
    client = factories.client_for(owner)
    fragment = reverse("session_now", args=[session.public_id])
    assert f'data-live="{fragment}"' in client.get(page_of(session)).content.decode()
    answer = client.get(fragment)
    assert answer.content.decode().lstrip().startswith('<div class="col" id="session-now" data-oob>')
    assert answer.headers["X-Version"].isdecimal()


@pytest.mark.parametrize("name", ["session", "session_now", "session_stop", "session_decide"])
def test_a_foreign_session_is_absent(world: World, name: str) -> None:
    owner, _station = world
    foreign = factories.session(state=State.UNKNOWN)
    url = reverse(name, args=[foreign.public_id])
    client = factories.client_for(owner)
    assert client.post(url, {"decision": "never_started"}).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.state, foreign.stop_state) == (State.UNKNOWN, "")


def test_foreign_fragments_are_absent(world: World) -> None:
    owner, _station = world
    foreign = factories.station()
    client = factories.client_for(owner)
    assert client.get(reverse("station_sessions", args=[foreign.pk])).status_code == 404
    assert client.get(reverse("site_sessions", args=[foreign.site_id])).status_code == 404


# --- start, stop, decide ----------------------------------------------------------------------------------------------
def test_start_writes_the_session_and_goes_to_its_page(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    form = {"station": station.pk, "connector": 2, "reference": "van-07"}
    answer = client.post(reverse("session_start"), form)
    session = Session.objects.get()
    assert (answer.status_code, answer.url) == (302, page_of(session))
    assert (session.station, session.connector.number, session.reference) == (station, 2, "van-07")
    assert (session.state, session.requested_by_id) == (State.REQUESTED, owner.user_id)


def test_start_says_on_the_form_what_is_in_the_way(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    client.post(reverse("session_start"), {"station": station.pk, "connector": 1, "reference": "a"})
    busy = client.post(reverse("session_start"), {"station": station.pk, "connector": 1, "reference": "b"})
    assert busy.status_code == 422
    assert "Another session is going on there" in busy.content.decode()
    absent = client.post(reverse("session_start"), {"station": station.pk, "connector": 9})
    assert "no connector 9" in absent.content.decode()
    assert Session.objects.count() == 1


def test_start_offers_only_active_stations_that_one_sees(world: World) -> None:
    owner, station = world
    foreign = factories.station()
    planned = factories.station(station.site, lifecycle=Lifecycle.PLANNED)
    client = factories.client_for(owner)
    html = client.get(reverse("session_start")).content.decode()
    assert station.vendor_id in html
    for other in (foreign, planned):
        assert other.vendor_id not in html
        assert client.post(reverse("session_start"), {"station": other.pk}).status_code == 422
    assert Session.objects.count() == 0


def test_start_is_not_for_viewers(world: World) -> None:
    owner, station = world
    client = factories.client_for(factories.member(Role.ACCOUNTANT, organisation=owner.organisation))
    assert client.get(reverse("session_start")).status_code == 404
    assert client.post(reverse("session_start"), {"station": station.pk}).status_code == 404
    assert Session.objects.count() == 0


def test_stop_asks_first_and_then_writes_the_wish(world: World) -> None:
    owner, station = world
    session = factories.session(station, vendor_session_id="v-1")
    client = factories.client_for(owner)
    url = reverse("session_stop", args=[session.public_id])
    assert "Stop this session?" in client.get(url).content.decode()
    session.refresh_from_db()
    assert session.stop_state == ""
    assert client.post(url).url == page_of(session)
    session.refresh_from_db()
    assert session.stop_state == "wanted"


def test_a_session_that_is_over_says_why_it_cannot_be_stopped(world: World) -> None:
    owner, station = world
    session = past(station)
    answer = factories.client_for(owner).post(reverse("session_stop", args=[session.public_id]), follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def test_an_unknown_start_is_decided_by_a_person(world: World) -> None:
    owner, station = world
    session = factories.session(station, state=State.UNKNOWN, blocked_until=NOW)
    client = factories.client_for(owner)
    assert "Nobody knows whether this session began" in client.get(page_of(session)).content.decode()
    url = reverse("session_decide", args=[session.public_id])
    client.post(url, {"decision": "wait"})
    session.refresh_from_db()
    assert session.state == State.UNKNOWN
    client.post(url, {"decision": "never_started"})
    session.refresh_from_db()
    assert session.state == State.ABANDONED


@pytest.mark.django_db(transaction=True)
def test_a_session_that_falls_silent_is_told_though_nobody_wrote_it(world: World) -> None:
    owner, station = world
    session = factories.session(station)
    client, url = factories.client_for(owner), reverse("session_now", args=[session.public_id])

    def after(silent_for: timedelta) -> int:
        Session.objects.filter(pk=session.pk).update(read_at=Now() - silence.wall_horizon(session) - silent_for)
        return int(client.get(url, headers={"X-Since": str(changes.version() + 1)}).status_code)

    spans = [timedelta(seconds=seconds) for seconds in (-2, 1, 60)]
    assert [after(span) for span in spans] == [204, 200, 204]


@pytest.mark.django_db(transaction=True)
def test_a_session_at_rest_sends_nothing(world: World) -> None:
    owner, station = world
    session = factories.session(station)
    client = factories.client_for(owner)
    url = reverse("session_now", args=[session.public_id])
    version = client.get(url).headers["X-Version"]
    assert client.get(url, headers={"X-Since": version}).status_code == 204
    Session.objects.filter(pk=session.pk).update(energy_kwh=Decimal("9.999"))
    answer = client.get(url, headers={"X-Since": version})
    assert answer.status_code == 200
    assert "9.999" in answer.content.decode()


def test_a_lost_session_is_closed_by_a_person(world: World) -> None:
    owner, station = world
    session = factories.session(station, read_failures=2, energy_kwh=Decimal("4.2"), vendor_session_id="v-1")
    client = factories.client_for(owner)
    assert "the vendor no longer answers about it" in client.get("/").content.decode()
    assert "The vendor no longer answers about this session" in client.get(page_of(session)).content.decode()
    client.post(reverse("session_decide", args=[session.public_id]), {"decision": "closed"})
    session.refresh_from_db()
    assert (session.state, session.energy_kwh, session.final_at) == (State.COMPLETED, Decimal("4.200"), None)
