"""A site's bays."""

from decimal import Decimal

import pytest
from django.urls import reverse

from charging import bays
from charging.models.session import State
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
