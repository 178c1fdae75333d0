"""A time zone that does not exist: refused at every door, and a row that has one all the same stops nobody else."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from charging.models.session import State
from fleet import sites
from fleet.models import Site
from people.models import Membership
from reporting import rollups
from reporting.models import DayRollup
from tests import factories
from tests.factories import NOW

WRONG = ["Mars/North", "../etc/passwd", "america/toronto", "localtime", "Factory", "UTC\0"]


@pytest.fixture
def owner() -> Membership:
    row = factories.member()
    row.user.is_staff = row.user.is_superuser = True
    row.user.save()
    return row


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", WRONG)
def test_no_form_takes_it(owner: Membership, client: Client, zone: str) -> None:
    values = {"name": "Port", "timezone": zone, "currency": "CAD"}
    answer = client.post(reverse("site_new"), values)
    assert (answer.status_code, b"no time zone" in answer.content or "\0" in zone) == (200, True)
    admin = {"organisation": owner.organisation_id, "address": "", "latitude": "", "longitude": "", "grid_limit_kw": ""}
    assert client.post(reverse("admin:fleet_site_add"), values | admin).status_code == 200
    assert Site.objects.count() == 0


@pytest.mark.django_db
def test_the_admin_takes_one_that_exists(owner: Membership, client: Client) -> None:
    values = {"name": "Port", "timezone": "America/St_Johns", "currency": "CAD", "organisation": owner.organisation_id}
    assert client.post(reverse("admin:fleet_site_add"), values).status_code == 302
    assert Site.objects.get().timezone == "America/St_Johns"


@pytest.mark.django_db
def test_the_database_knows_every_zone_we_offer() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        known = {name for (name,) in cursor.fetchall()}
    assert set(sites.zones()) - known == set()


@pytest.mark.django_db(transaction=True)
def test_one_bad_row_keeps_no_other_site_from_its_report() -> None:
    for zone in ("Mars/North", "America/Toronto"):
        station = factories.station(factories.site(timezone=zone))
        factories.session(station, state=State.COMPLETED, completed_at=NOW, final_at=NOW)
    rollups.fill(NOW)
    days = DayRollup.objects.values_list("site__timezone", "day_date", "sessions")
    assert list(days) == [("America/Toronto", date(2026, 6, 1), 1)]
