"""Walls: what a link shows, to whom, and until when."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from charging import walls
from charging.models import Reading, WallLink
from config import logs
from fleet.models import Station
from lib import clock
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> Station:
    return factories.station(factories.site(name="Harbour"))


def wall_of(member: Membership, days: int = 7) -> tuple[WallLink, str]:
    link, token = walls.create(actor=factories.actor(member), name="hall", days=days, now=clock.now())
    return link, reverse("wall", args=[token])


def test_a_wall_opens_without_signing_in_and_offers_nothing_to_do(station: Station) -> None:
    session = factories.session(station)
    _link, path = wall_of(factories.member(organisation=station.organisation))
    answer = Client().get(path)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="s-{session.pk}"' in html
    main = html.split("<main")[1]
    for way_out in ("<a ", "<form", "<input", "session_stop"):
        assert way_out not in main
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


def test_each_row_says_how_old_its_reading_is(station: Station) -> None:
    at = clock.now() - timedelta(minutes=4)
    session = factories.session(station, read_at=clock.now())
    Reading.objects.create(session=session, received_at=at, confirmed_at=at, document_sha256="x", document="{}")
    html = Client().get(wall_of(factories.member(organisation=station.organisation))[1]).content.decode()
    row = html.split(f'<tr id="s-{session.pk}"')[1].split("</tr>")[0]
    assert row.rpartition("<time")[2].endswith(">4 min</time></td>")


def test_it_shows_what_its_maker_may_see(station: Station) -> None:
    elsewhere = factories.station(factories.site(station.organisation, name="Hidden depot"))
    factories.session(elsewhere, reference="hidden driver")
    factories.session(factories.station(), reference="a stranger")
    factories.session(station, reference="van-07")
    maker = factories.member(Role.MANAGER, organisation=station.organisation, site_ids=[station.site_id])
    html = Client().get(wall_of(maker)[1]).content.decode()
    assert "van-07" in html
    for hidden in ("Hidden depot", "hidden driver", "a stranger"):
        assert hidden not in html


def test_it_ends_with_its_time_its_revocation_and_its_membership(station: Station) -> None:
    owner = factories.member(organisation=station.organisation)
    (ended, first), (revoked, second), (_kept, third) = (wall_of(owner) for _ in range(3))
    WallLink.objects.filter(pk=ended.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    walls.revoke(actor=factories.actor(owner), link=revoked, now=clock.now())
    assert [Client().get(path).status_code for path in (first, second, third)] == [404, 404, 200]
    owner.delete()
    assert Client().get(third).status_code == 404


def test_who_may_not_sign_in_any_more_has_no_wall(station: Station) -> None:
    owner = factories.member(organisation=station.organisation)
    _link, path = wall_of(owner)
    owner.user.is_active = False
    owner.user.save()
    assert Client().get(path).status_code == 404


def test_a_screen_is_told_that_its_link_ended(station: Station) -> None:
    link, path = wall_of(factories.member(organisation=station.organisation))
    now_path = f"{path}/now"
    version = Client().get(now_path, headers={"X-Since": "0"}).headers["X-Version"]
    assert version
    WallLink.objects.filter(pk=link.pk).update(revoked_at=clock.now())
    answer = Client().get(now_path, headers={"X-Since": version})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, path)


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_wall_is_204(station: Station) -> None:
    session = factories.session(station)
    _link, path = wall_of(factories.member(organisation=station.organisation))
    version = Client().get(f"{path}/now").headers["X-Version"]
    assert Client().get(f"{path}/now", headers={"X-Since": version}).status_code == 204
    session.power_kw = 5
    session.save()
    changed = Client().get(f"{path}/now", headers={"X-Since": version})
    assert changed.status_code == 200
    assert '5.0<span class="unit">kW' in changed.content.decode()


def test_a_link_is_made_shown_once_and_revoked_under_live() -> None:
    owner = factories.member()
    client = factories.client_for(owner)
    html = client.post(reverse("walls"), {"name": "Control room", "days": "30"}).content.decode()
    link = WallLink.objects.get(organisation=owner.organisation)
    path = html.split("/wall/")[1].split('"')[0].split("<")[0]
    assert walls.find(path, clock.now()) == link
    assert timedelta(days=29) < link.expires_at - clock.now() <= timedelta(days=30)
    assert path not in client.get(reverse("walls")).content.decode()
    client.post(reverse("wall_revoke", args=[link.pk]))
    assert walls.find(path, clock.now()) is None


def test_its_token_is_masked_in_logs() -> None:
    assert logs.masked("/wall/abc-DEF_123/now") == "/wall/***/now"
