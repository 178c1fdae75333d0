"""When a session counts as silent: one horizon everywhere, which follows how far apart reads really are."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from pytest_django import Settings

from charging import attention, board, freshness, live_figures, places, read_queue, silence
from charging.models import Reading, Session
from charging.models.session import State
from fleet.models import Station
from lib import clock
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
World = tuple[Membership, Station]


@pytest.fixture
def world() -> World:
    owner = factories.member()
    return owner, factories.station(factories.site(owner.organisation), connectors=4)


def answered(station: Station, ago_s: float, interval_s: float = 0.0) -> Session:
    """Charging at 11 kW, with its last answer so long ago."""
    at = clock.now() - timedelta(seconds=ago_s)
    session = factories.session(
        station, power_kw=11, energy_kwh=5, requested_at=at, read_interval_s=interval_s, vendor_session_id=f"s{ago_s}"
    )
    Session.objects.filter(pk=session.pk).update(read_at=Now() - timedelta(seconds=ago_s))
    Reading.objects.create(
        session=session, received_at=at, confirmed_at=at, power_kw=11, energy_kwh=5, document_sha256="", document="{}"
    )
    return session


@pytest.mark.parametrize(
    ("every_s", "interval_s", "horizon_s"),
    [(30, 0, 300), (30, 30, 300), (30, 75, 300), (30, 200, 800), (100, 0, 400), (100, 90, 400), (100, 2270, 9080)],
)
def test_it_is_four_reads_as_they_really_come_and_never_less_than_five_minutes(
    every_s: int, interval_s: float, horizon_s: float, world: World, settings: Settings
) -> None:
    settings.READ_EVERY_S = every_s
    heard = answered(world[1], horizon_s - 1, interval_s)
    quiet = answered(world[1], horizon_s + 2, interval_s)
    assert (silence.horizon_s(heard), silence.horizon_s(quiet)) == (horizon_s, horizon_s)
    assert silence.wall_horizon(heard) == timedelta(seconds=horizon_s + 1)
    assert list(Session.objects.filter(silence.silent())) == [quiet]


def test_in_demonstration_time_five_minutes_are_business_minutes(world: World, settings: Settings) -> None:
    settings.BUSINESS_CLOCK = f"2026-06-01T00:00:00Z@{clock.now().timestamp():.0f}x10"
    heard, quiet = answered(world[1], 119), answered(world[1], 123)
    assert silence.horizon_s(heard) == 1200  # four reads in 30 s of wall time each
    assert list(Session.objects.filter(silence.silent())) == [quiet]


@pytest.mark.parametrize(("interval_s", "is_silent"), [(0.0, True), (400.0, False)])
def test_totals_board_attention_and_the_sessions_page_agree(world: World, interval_s: float, is_silent: bool) -> None:
    owner, station = world
    session, actor = answered(station, 1200, interval_s), factories.actor(owner)
    now = clock.now()
    client = factories.client_for(owner)
    cards = places.cards(actor, now)
    figures = live_figures.read(actor, cards, now)
    said = {
        "totals": (figures.silent, figures.power_kw) == (1, 0),
        "site": cards[0].silent == 1,
        "attention": [item.mark for item in attention.items(actor)] == ["no-news"],
        "sort": Session.objects.annotate(rank=board.rank()).get(pk=session.pk).rank == 3,
        "row": "no reading since" in client.get("/", {"q": session.reference}).content.decode(),
        "page": "No reading since" in client.get(reverse("session", args=[session.public_id])).content.decode(),
    }
    assert said == dict.fromkeys(said, is_silent)


def test_attention_follows_a_longer_pace_too(world: World, settings: Settings) -> None:
    """A calm session of an installation that reads every ten minutes needs nobody after six."""
    settings.READ_EVERY_S = 600
    answered(world[1], 360)
    assert attention.items(factories.actor(world[0])) == []


# --- where the interval comes from ------------------------------------------------------------------------------------
def test_a_line_says_how_far_apart_reads_of_the_lightest_are(world: World) -> None:
    for number in range(3):
        answered(world[1], number)
    [line] = read_queue.lines(world[1].account.budget_id)
    assert line.longest_s == line.interval_s(0.5) == 30


def crowd(station: Station, of: int) -> None:
    """So many sessions more on the same key, read just now."""
    template = {
        "organisation": station.organisation, "site": station.site, "station": station, "state": State.CHARGING,
        "origin": "person", "currency": "CAD", "requested_at": clock.now(), "holds_connector": False,
    }  # fmt: skip
    Session.objects.bulk_create(Session(vendor_session_id=f"c{number}", **template) for number in range(of))
    Session.objects.filter(read_at=None).update(read_at=Now())


def test_a_key_that_grows_crowded_widens_the_horizon_before_anybody_seems_silent(world: World) -> None:
    station = world[1]
    waiting, fresh, failing = answered(station, 200), answered(station, 100), answered(station, 201)
    elsewhere = answered(factories.station(), 200.5)
    Session.objects.filter(pk=failing.pk).update(read_failures=1)
    assert freshness.widen() == 0
    crowd(station, 300)
    [line] = read_queue.lines(station.account.budget_id)
    assert line.longest_s == pytest.approx(303 / (53 / 60) * 2**0.5, rel=0.01)
    before = Session.objects.get(pk=waiting.pk).changed_xid
    Session.objects.update(changed_xid=0)
    assert freshness.widen() == 1
    intervals = {row.pk: row.read_interval_s for row in Session.objects.exclude(read_interval_s=0)}
    assert intervals == {waiting.pk: line.longest_s}
    assert Session.objects.get(pk=waiting.pk).changed_xid >= before  # pages are told
    assert {row.pk for row in Session.objects.filter(pk__in=[fresh.pk, elsewhere.pk], read_interval_s=0)} == {
        fresh.pk,
        elsewhere.pk,
    }
    assert freshness.widen() == 0  # no row is written again for a little


def test_one_that_seemed_silent_on_a_crowded_key_is_heard_again(world: World) -> None:
    station = world[1]
    session = answered(station, 400)
    assert list(Session.objects.filter(silence.silent())) == [session]
    crowd(station, 300)
    assert freshness.widen() == 1
    assert not Session.objects.filter(silence.silent()).exists()
