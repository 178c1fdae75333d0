"""The live page and its changed rows."""

import random
import re
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from charging import board, changes, freshness, live_figures, places
from charging.changes import Mark
from charging.models import Reading, Session, StationException
from charging.models.session import State
from charging.views import board_html
from fleet.models import Station
from lib import clock
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]
NEWEST = board.Filter(sort="-started")


@pytest.fixture
def world() -> World:
    owner = factories.member(Role.OWNER)
    site = factories.site(owner.organisation, name="Harbour", grid_limit_kw=Decimal(100))
    return owner, factories.station(site, connectors=4)


def reading(session: Session, minutes: int = 1, power: str = "11.000", energy: str = "2.500") -> Reading:
    at = clock.now() - timedelta(minutes=minutes)
    return Reading.objects.create(
        session=session, received_at=at, confirmed_at=at, power_kw=power, energy_kwh=energy,
        document_sha256="0" * 64, document="{}",
    )  # fmt: skip


def rows(client: Client, since: str, **query: str) -> HttpResponse:
    return client.get(reverse("live_rows"), query, headers={"X-Since": since})


def test_empty_organisation_says_what_comes_first() -> None:
    owner = factories.member(Role.OWNER)
    client = factories.client_for(owner)
    assert "First, add your Eevion account" in client.get("/").content.decode()
    factories.account(owner.organisation)
    assert "Next, add a site" in client.get("/").content.decode()
    factories.site(owner.organisation)
    assert "Last, add your stations" in client.get("/").content.decode()


def test_page_shows_the_session(world: World) -> None:
    owner, station = world
    session = factories.session(
        station, connector=station.connectors.get(number=2), power_kw=Decimal("7.2"), energy_kwh=Decimal("3.5"),
        cost=Decimal("1.25"), reference="van-07", started_at=clock.now() - timedelta(minutes=65),
    )  # fmt: skip
    reading(session)
    html = factories.client_for(owner).get("/").content.decode()
    assert f'<tr id="s-{session.pk}"' in html
    for words in (f"{station.vendor_id} · 2", "van-07", "1:05", "Harbour", '7.2<span class="unit">kW</span>', "1.25"):
        assert words in html


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_list_without_heads_says_how_old_a_reading_is(world: World) -> None:
    """On a telephone: site, driver, and the age in words."""
    owner, station = world
    read = factories.session(station, reference="van-12", read_at=clock.now())
    reading(read, minutes=2)
    never = factories.session(station, state=State.PENDING, reference="van-13")
    html = factories.client_for(owner).get("/").content.decode()
    lines = [html.split(f'<tr id="s-{one.pk}"')[1].split(' m-more">')[1].split("</td>")[0] for one in (read, never)]
    assert [words(line) for line in lines] == ["Harbour · van-12 read 2 min ago", "Harbour · van-13 not read yet"]


def test_the_first_answer_carries_every_row_and_a_version(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    kept = factories.session(station)
    version = rows(client, "0").headers["X-Version"]
    answer = rows(client, version)
    assert answer.status_code == 200
    assert f'id="s-{kept.pk}"' in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_silence_is_204_and_only_changed_rows_come(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    still, moving, ending = (factories.session(station) for _ in range(3))
    version = rows(client, "0").headers["X-Version"]
    assert rows(client, version).status_code == 204
    Session.objects.filter(pk=moving.pk).update(energy_kwh=Decimal("9.999"))
    Session.objects.filter(pk=ending.pk).update(
        state=State.COMPLETED, ended_at=clock.now(), completed_at=clock.now(), holds_connector=False
    )
    answer = rows(client, version)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="s-{still.pk}"' not in html
    assert f'<tr id="s-{moving.pk}" data-after="' in html
    assert f'<tr id="s-{ending.pk}" data-gone></tr>' in html
    assert 'id="live-figures" data-oob' in html
    assert rows(client, answer.headers["X-Version"]).status_code == 204


@pytest.mark.django_db(transaction=True)
def test_an_opened_exception_wakes_the_page(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)
    version = rows(client, "0").headers["X-Version"]
    StationException.objects.create(
        organisation=owner.organisation, account=station.account, site=station.site, station=station, type="fault",
        vendor_exception_id="e1", message="ground fault", received_at=clock.now(), document="{}",
    )  # fmt: skip
    answer = rows(client, version)
    assert answer.status_code == 200
    assert "ground fault" in answer.content.decode()


def test_a_row_that_left_the_filter_is_gone(world: World) -> None:
    owner, station = world
    session = factories.session(station, state=State.PENDING)
    answer = rows(factories.client_for(owner), "1", tab="charging")
    assert f'<tr id="s-{session.pk}" data-gone></tr>' in answer.content.decode()


def test_nothing_of_another_organisation(world: World) -> None:
    owner, station = world
    foreign = factories.session(factories.station(), reference="stranger")
    factories.session(station)
    client = factories.client_for(owner)
    for html in (client.get("/").content.decode(), rows(client, "1").content.decode()):
        assert f"s-{foreign.pk}" not in html
        assert "stranger" not in html


def test_nothing_of_a_site_one_may_not_see(world: World) -> None:
    owner, station = world
    hidden = factories.session(factories.station(factories.site(owner.organisation)), reference="elsewhere")
    guard = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[station.site_id])
    client = factories.client_for(guard)
    for html in (client.get("/").content.decode(), rows(client, "1").content.decode()):
        assert f"s-{hidden.pk}" not in html
        assert "elsewhere" not in html


def test_same_queries_for_one_and_three_rows(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)

    def count() -> int:
        board_html.forget()  # what is kept for a moment is asked each time here
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/").status_code == 200
        return len(queries)

    factories.session(station, connector=station.connectors.get(number=1))
    count()  # how good estimates were is asked once and kept
    one = count()
    for number in (2, 3):
        reading(factories.session(station, connector=station.connectors.get(number=number)))
    assert count() == one


def test_figures_count_today_by_the_site_and_never_add_currencies(world: World) -> None:
    owner, station = world
    now = factories.NOW
    dollars = factories.station(factories.site(owner.organisation, currency="USD"))
    for where, at, cost in ((station, now, "4"), (dollars, now, "6"), (station, now - timedelta(days=2), "50")):
        factories.session(
            where, state=State.COMPLETED, ended_at=at, completed_at=at, cost=Decimal(cost), energy_kwh=Decimal(10)
        )
    actor = factories.actor(owner)
    figures = live_figures.read(actor, places.cards(actor, now), now)
    assert figures.revenue_today == [(Decimal("4"), "CAD"), (Decimal("6"), "USD")]
    assert figures.energy_today_kwh == Decimal(20)


def test_today_begins_at_the_sites_midnight(world: World) -> None:
    _owner, station = world
    now = factories.NOW  # 12:00 in Toronto
    factories.session(
        station, state=State.COMPLETED, ended_at=now, completed_at=now.replace(hour=3, minute=59), cost=Decimal(1)
    )
    factories.session(
        station, state=State.COMPLETED, ended_at=now, completed_at=now.replace(hour=4, minute=0), cost=Decimal(2)
    )
    found = Session.objects.filter(live_figures.today([station.site], now))
    assert [row.cost for row in found] == [Decimal(2)]


def test_a_refused_stop_and_an_unknown_start_need_a_person(world: World) -> None:
    owner, station = world
    factories.session(station, state=State.UNKNOWN)
    factories.session(station, stop_state="refused", stop_error="Stop refused: not allowed. The session goes on.")
    html = factories.client_for(owner).get("/").content.decode()
    assert "nobody knows whether it charges" in html
    assert "Stop refused: not allowed. The session goes on." in html


def test_a_viewer_sees_no_buttons(world: World) -> None:
    owner, station = world
    factories.session(station)
    viewer = factories.member(Role.VIEWER, organisation=owner.organisation)
    html = factories.client_for(viewer).get("/").content.decode()
    assert reverse("session_start") not in html
    assert "/stop" not in html
    assert 'name="id"' not in html


@pytest.mark.parametrize("since", ["", "x", "-1", "1.2.3", "9" * 30])
def test_a_strange_version_means_from_the_beginning(world: World, since: str) -> None:
    owner, station = world
    session = factories.session(station)
    answer = rows(factories.client_for(owner), since)
    assert answer.status_code == 200
    assert f'id="s-{session.pk}"' in answer.content.decode()


# --- more sessions than a page holds: the page is played by a list, told only what board.update says ------------------
def page_of(owner: Membership, wanted: board.Filter = NEWEST) -> tuple[list[int], Mark]:
    actor = factories.actor(owner)
    mark = changes.look(actor, Mark()).mark
    return [place.pk for place in board.page(actor, wanted)], mark


def told(page: list[int], owner: Membership, since: Mark, wanted: board.Filter = NEWEST) -> list[int]:
    """What live.js does with an answer: gone rows leave, known ones stay, new ones stand below the one they name."""
    actor = factories.actor(owner)
    places_shown, gone = board.update(actor, wanted, changes.look(actor, since))
    now = [pk for pk in page if pk not in gone]
    for place in places_shown:
        if place.pk not in now:
            now.insert(now.index(place.after) + 1 if place.after else 0, place.pk)
    return now


def open_at(station: Station, minute: int) -> int:
    return factories.session(station, requested_at=factories.NOW - timedelta(minutes=minute)).pk


@pytest.mark.django_db(transaction=True)
def test_a_full_page_stays_full_and_never_grows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "ROWS", 3)
    owner, station = world
    first, second, third, fourth, fifth = (open_at(station, minute) for minute in range(10, 15))
    page, version = page_of(owner)
    assert page == [first, second, third]

    newest = open_at(station, 0)
    Session.objects.filter(pk=fifth).update(energy_kwh=Decimal(1))  # below the page: nobody is told
    page = told(page, owner, version)
    assert page == [newest, first, second]

    version = page_of(owner)[1]
    for pk in (newest, second):
        Session.objects.filter(pk=pk).update(state=State.FAILED, ended_at=factories.NOW, holds_connector=False)
    page = told(page, owner, version)
    assert page == [first, third, fourth]
    assert page == page_of(owner)[0]


@pytest.mark.django_db(transaction=True)
def test_what_needs_a_person_comes_first_and_enters_a_full_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "ROWS", 3)
    owner, station = world
    calm = [open_at(station, minute) for minute in range(4)]
    refused = factories.session(station, stop_state="refused", requested_at=factories.NOW - timedelta(hours=1)).pk
    unknown = factories.session(station, state=State.UNKNOWN, requested_at=factories.NOW - timedelta(hours=2)).pk
    page, mark = page_of(owner, board.Filter())
    assert page == [unknown, refused, calm[0]]
    Session.objects.filter(pk=calm[3]).update(read_failures=2)
    page = told(page, owner, mark, board.Filter())
    assert page == page_of(owner, board.Filter())[0] == [unknown, refused, calm[3]]


# --- silence ----------------------------------------------------------------------------------------------------------
def silent_session(station: Station, **fields: Any) -> Session:
    """Charging at 11 kW, last answered an hour ago."""
    hour_ago = clock.now() - timedelta(hours=1)
    found = factories.session(
        station, power_kw=Decimal(11), energy_kwh=Decimal(5), cost=Decimal("1.75"), read_at=hour_ago,
        requested_at=hour_ago, **fields,
    )  # fmt: skip
    reading(found, minutes=60)
    return found


def test_a_silent_session_says_since_when_and_is_not_in_the_totals(world: World) -> None:
    owner, station = world
    silent = silent_session(station)
    heard = factories.session(station, power_kw=Decimal(7), energy_kwh=Decimal(2), read_at=clock.now())
    reading(heard, minutes=0)
    factories.session(station, state=State.PENDING)  # never read: nothing to lose
    actor, now = factories.actor(owner), clock.now()
    cards = places.cards(actor, now)
    figures = live_figures.read(actor, cards, now)
    assert (figures.power_kw, figures.open_energy_kwh, figures.silent) == (Decimal(7), Decimal(2), 1)
    assert [(card.power_kw, card.silent) for card in cards] == [(Decimal(7), 1)]
    html = factories.client_for(owner).get("/").content.decode()
    row = html.split(f'<tr id="s-{silent.pk}"')[1].split("</tr>")[0]
    since = (now - timedelta(hours=1)).astimezone(station.site.zone)
    assert "no reading since" in row
    assert f"{since:%H:%M}" in row
    assert '5.00<span class="unit">kWh' in row
    assert "data-est" not in row
    assert '11.0<span class="unit">kW</span>' not in row
    assert "1 without a reading" in html


def test_between_readings_energy_and_cost_go_on_as_estimates(world: World) -> None:
    owner, station = world
    session = factories.session(
        station, power_kw=Decimal(36), energy_kwh=Decimal(5), cost=Decimal("1.75"), currency="CAD", read_at=clock.now(),
        tariff={
            "currency": "CAD", "name": "flat", "price_per_kwh": "0.50", "price_per_minute": "0", "price_per_start": "0"
        },
    )  # fmt: skip
    reading(session, minutes=1)
    html = factories.client_for(owner).get("/").content.decode()
    row = html.split(f'<tr id="s-{session.pk}"')[1].split("</tr>")[0]
    assert 'data-est="5.000" data-rate="0.010"' in row  # kWh, and kWh a second at 36 kW
    assert 'data-est="1.7500" data-rate="0.00500"' in row


@pytest.mark.parametrize(("within", "said"), [("0.004", "0.01"), ("0.136", "0.14")])
def test_exact_estimates_are_not_called_within_nothing(within: str, said: str) -> None:
    quality = SimpleNamespace(most_within_kwh=Decimal(within))
    context = {"shown": 1, "limit": 200, "wanted": board.Filter(), "quality": quality}
    html = get_template("charging/_live_foot.html").render(context)
    assert f"19 of 20 estimates were within {said} kWh" in words(html)


def test_time_alone_tells_a_page_that_a_session_fell_silent(world: World) -> None:
    owner, station = world
    actor = factories.actor(owner)
    mark = changes.look(actor, Mark()).mark
    mark = Mark(mark.xid + 1, mark.at_ms, mark.alarms)  # as if everything so far had been told
    silent = silent_session(station)
    Session.objects.filter(pk=silent.pk).update(read_at=Now() - timedelta(seconds=301.5))
    Session.objects.update(changed_xid=0)
    later = Mark(10**15, mark.at_ms - 2_000, mark.alarms)
    assert changes.look(actor, later).moved == {silent.pk}
    assert changes.look(actor, Mark(10**15, mark.at_ms + 10_000, mark.alarms)).moved == frozenset()


def test_an_unchanged_poll_asks_four_questions(world: World) -> None:
    owner, station = world
    client = factories.client_for(owner)

    def asked(n: int) -> int:
        for _ in range(n):
            silent_session(station)
        client.get("/")  # as every poll follows a page; a look of somebody lasts longer than the time between two polls
        mark = changes.look(factories.actor(owner), Mark()).mark
        later = Mark(10**15, mark.at_ms, mark.alarms)  # rows of this test's own transaction count as told
        with CaptureQueriesContext(connection) as queries:
            assert rows(client, f"{later}.0.").status_code == 204
        return len(queries)

    assert (asked(1), asked(5)) == (4, 4)


# --- who looks, and what is read next ---------------------------------------------------------------------------------
def watched() -> set[int]:
    return set(Session.objects.filter(watched_until__gt=Now() + timedelta(seconds=25)).values_list("pk", flat=True))


def test_whoever_opens_the_board_looks_at_the_rows_of_that_page_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "ROWS", 2)
    owner, station = world
    first, second, hidden = [factories.session(station, state=State.SUSPENDED).pk for _ in range(3)][::-1]
    charging = factories.session(station).pk
    foreign = factories.session().pk
    client = factories.client_for(owner)
    client.get("/", {"tab": "suspended"})
    assert watched() == {first, second}
    client.get("/", {"tab": "charging"})
    assert watched() == {first, second, charging}
    assert not Session.objects.filter(pk__in=[hidden, foreign], watched_until__isnull=False).exists()


def test_polls_renew_the_look_once_in_a_while_and_cost_one_write_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, station = world
    session = factories.session(station)
    client = factories.client_for(owner)
    mark = changes.look(factories.actor(owner), Mark()).mark
    unchanged = f"{Mark(10**15, mark.at_ms, mark.alarms)}.0."

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert rows(client, unchanged).status_code == 204
        return [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "UPDATE"))]

    renewing = asked()
    assert [len(renewing), len(asked()), len(asked())] == [5, 4, 4]
    assert sum("UPDATE" in sql.split()[0] for sql in renewing) == 1
    assert watched() == {session.pk}
    Session.objects.update(watched_until=Now() + timedelta(seconds=5))
    monkeypatch.setattr(board_html, "WATCHED_EVERY_S", 0.0)
    board_html.forget()
    asked()
    assert watched() == {session.pk}


@pytest.mark.django_db(transaction=True)
def test_a_look_waits_for_no_writer() -> None:
    free, busy = factories.session(), factories.session()
    with connections["default"].copy().cursor() as other:
        other.execute("BEGIN")
        other.execute("UPDATE charging_session SET power_kw = 1 WHERE id = %s", [busy.pk])
        freshness.watch([free.pk, busy.pk])
        assert watched() == {free.pk}
        other.execute("ROLLBACK")
        other.connection.close()
    freshness.watch([free.pk, busy.pk])
    assert watched() == {free.pk, busy.pk}


def test_a_row_says_when_and_why_it_is_read_next(world: World) -> None:
    owner, station = world
    session = factories.session(station, vendor_session_id="s1", read_at=clock.now())
    reading(session)
    html = factories.client_for(owner).get("/").content.decode()
    row = html.split(f'<tr id="s-{session.pk}"')[1].split("</tr>")[0]
    said = re.search(r'<details class="menu why"><summary title="([^"]+)">', row)
    assert said is not None
    assert re.fullmatch(r"Next reading about \d\d:\d\d:\d\d E[SD]T: somebody is looking at it\.", said[1])
    assert f"<div><p>{said[1]}</p></div>" in row  # for keyboard and touch, not only where a pointer rests


def test_a_row_that_nobody_reads_promises_no_reading(world: World) -> None:
    owner, station = world
    reading(factories.session(station, state=State.UNKNOWN))
    assert "Next reading" not in factories.client_for(owner).get("/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_words_that_changed_send_no_row(world: World) -> None:
    """Another session changes, so that the answer is drawn; the one whose next reading moved is not in it."""
    owner, station = world
    still = factories.session(station, vendor_session_id="s1", read_at=clock.now())
    other = factories.session(station, vendor_session_id="s2", read_at=clock.now())
    for one in (still, other):
        reading(one)
    client = factories.client_for(owner)
    page = client.get("/").content.decode()
    version = html_version(page)
    Session.objects.filter(pk=still.pk).update(watched_until=Now() + timedelta(hours=1))
    Session.objects.filter(pk=other.pk).update(power_kw=Decimal(3))
    board_html.forget()
    answer = rows(client, version).content.decode()
    assert f'<tr id="s-{other.pk}"' in answer
    assert f'<tr id="s-{still.pk}"' not in answer


def html_version(page: str) -> str:
    found = re.search(r'data-version="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_what_stands_around_is_sent_only_where_it_differs(world: World) -> None:
    owner, station = world
    session = factories.session(station)
    reading(session)
    client = factories.client_for(owner)
    first = rows(client, "1")
    again = rows(client, first.headers["X-Version"])  # this test's own transaction is still open: all is told twice
    assert 'id="live-figures"' in first.content.decode()
    assert 'id="live-figures"' not in again.content.decode()
    assert f'<tr id="s-{session.pk}"' in again.content.decode()
    Session.objects.filter(pk=session.pk).update(power_kw=Decimal(99))
    third = rows(client, again.headers["X-Version"]).content.decode()
    assert 'id="live-figures"' in third
    assert 'id="live-tabs"' not in third


def test_pieces_that_were_kept_are_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures may be a second old; whoever got old ones is told the present ones though nothing changed since."""
    monkeypatch.setattr(board_html, "AROUND_KEPT_S", 60.0)
    owner, station = world
    session = factories.session(station, power_kw=Decimal(3))
    client = factories.client_for(owner)
    version = rows(client, "1").headers["X-Version"]
    Session.objects.filter(pk=session.pk).update(power_kw=Decimal(5))
    stale = rows(client, version)
    assert 'id="live-figures"' not in stale.content.decode()
    told_late = stale.headers["X-Version"].split(".")
    assert told_late[3] == "1"
    monkeypatch.setattr(board_html, "AROUND_KEPT_S", 0.0)
    board_html.forget()
    quiet = ".".join([str(10**15), *told_late[1:]])  # no row is new
    answer = rows(client, quiet)
    assert '5.0<span class="unit">kW</span>' in answer.content.decode()
    assert answer.headers["X-Version"].split(".")[3] == "0"


@pytest.mark.django_db(transaction=True)
def test_a_kept_row_is_drawn_anew_once_it_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_html, "ROW_KEPT_S", 60.0)
    owner, station = world
    session = factories.session(station, reference="first")
    client = factories.client_for(owner)
    assert "first" in client.get("/").content.decode()
    Session.objects.filter(pk=session.pk).update(reference="second")
    html = client.get("/").content.decode()
    assert "second" in html
    assert "first" not in html


def test_a_site_narrows_rows_and_count(world: World) -> None:
    owner, station = world
    here = factories.session(station)
    there = factories.session(factories.station(factories.site(owner.organisation, name="Airport")))
    html = factories.client_for(owner).get("/", {"site": str(station.site_id)}).content.decode()
    assert f'<tr id="s-{here.pk}"' in html
    assert f'<tr id="s-{there.pk}"' not in html
    assert "1 session<" in html


def test_window_is_exact_whatever_moved() -> None:
    """Every way in which some of seven sessions come, go or change their place, on a page of three."""
    dice = random.Random(7)
    for _ in range(2_000):
        before = dice.sample(range(9), dice.randint(0, 9))
        moved = set(dice.sample(range(9), dice.randint(0, 4)))
        after = [pk for pk in before if pk not in moved]
        for pk in moved:
            if dice.random() < 0.7:
                after.insert(dice.randint(0, len(after)), pk)
        missing = set(range(9)) - set(before) - moved
        assert not missing & set(after)
        shown, gone = board.window(after[: 3 + len(moved)], moved, 3)
        page = set(before[:3]) - set(gone) | set(shown)
        assert page == set(after[:3])
        assert not set(shown) & set(gone)
