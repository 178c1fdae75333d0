"""A site's bays."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from charging import bays
from charging.models import Reading
from charging.models.session import State, StopState
from fleet.models import Connector
from lib import clock
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_connector_has_a_tile_and_its_session() -> None:
    owner = factories.member()
    site = factories.site(owner.organisation)
    first, second = factories.station(site, connectors=2), factories.station(site, connectors=1)
    factories.station(factories.site(owner.organisation))  # another site
    charging = factories.session(first, connector=first.connectors.get(number=2), power_kw=Decimal(7))
    placeless = factories.session(second)
    factories.session(first, state=State.COMPLETED, connector=first.connectors.get(number=1))
    Connector.objects.filter(station=second).update(fault_code="E1", fault_since=clock.now())

    found = bays.of(factories.actor(owner), site, clock.now())
    told = [
        (bay.connector.station_id, bay.connector.number, bay.mark, bay.row and bay.row.session) for bay in found.bays
    ]
    assert told == [
        (first.pk, 1, "no-news", None),
        (first.pk, 2, "charging", charging),
        (second.pk, 1, "faulted", None),
    ]
    assert [row.session for row in found.elsewhere] == [placeless]


def test_an_unknown_start_stays_in_sight_after_its_block() -> None:
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation), connectors=1)
    lapsed = factories.session(
        station, state=State.UNKNOWN, connector=station.connectors.get(), holds_connector=False, reference="van-07"
    )
    found = bays.of(factories.actor(owner), station.site, clock.now())
    assert ([bay.row for bay in found.bays], [row.session for row in found.elsewhere]) == ([None], [lapsed])
    html = factories.client_for(owner).get(reverse("site_bays", args=[station.site_id])).content.decode()
    assert "van-07" in html
    assert "connector not said" not in html


def test_a_tile_says_how_old_its_figures_are_and_what_went_wrong() -> None:
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation), connectors=1)
    refused = factories.session(
        station, connector=station.connectors.get(), stop_state=StopState.REFUSED, read_at=clock.now()
    )
    at = clock.now() - timedelta(minutes=3)
    Reading.objects.create(session=refused, received_at=at, confirmed_at=at, document_sha256="x", document="{}")
    html = factories.client_for(owner).get(reverse("site_bays", args=[station.site_id])).content.decode()
    tile = " ".join(re.sub(r"<[^>]+>", " ", html.split('<ul class="bays">')[1].split("</ul>")[0]).split())
    assert "Charging read 3 min ago" in tile
    assert tile.endswith("stop refused")


@pytest.mark.django_db(transaction=True)
def test_the_page_follows_its_own_site_only() -> None:
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation))
    session = factories.session(station, connector=station.connectors.get(number=1), reference="van-07")
    other = factories.session(factories.station(factories.site(owner.organisation)))
    client = factories.client_for(owner)
    assert "van-07" in client.get(reverse("site_bays", args=[station.site_id])).content.decode()
    path = reverse("site_bays_now", args=[station.site_id])
    version = client.get(path).headers["X-Version"]
    other.save()
    assert client.get(path, headers={"X-Since": version}).status_code == 204
    session.reference = "van-08"
    session.save()
    answer = client.get(path, headers={"X-Since": version})
    assert answer.status_code == 200
    assert "van-08" in answer.content.decode()
