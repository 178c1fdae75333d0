"""Sites and stations: own ones only, filters, cursors, the same number of queries for one row and three."""

from base64 import b64encode
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people.models import Membership
from people.roles import Role
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member()


def test_sites(owner: Membership) -> None:
    mine = factories.site(owner.organisation, name="Mine", latitude=Decimal("45.5"), grid_limit_kw=Decimal("80"))
    foreign = factories.site()
    api = Api(owner)
    row = {
        "id": mine.pk,
        "name": "Mine",
        "timezone": "America/Toronto",
        "currency": "CAD",
        "address": "",
        "latitude": "45.50000",
        "longitude": None,
        "grid_limit_kw": "80.0",
    }
    assert api.get("sites") == (200, {"next": None, "previous": None, "results": [row]})
    assert api.get(f"sites/{mine.pk}") == (200, row)
    assert api.get(f"sites/{foreign.pk}")[0] == api.get("sites/999999999")[0] == 404


def test_stations_with_the_state_of_connectors(owner: Membership) -> None:
    site = factories.site(owner.organisation)
    mine = factories.station(site, vendor_id="HC-1", name="North")
    other = factories.station(factories.site(owner.organisation), vendor_id="HC-2")
    foreign = factories.station(vendor_id="HC-3")
    connector = mine.connectors.get(number=2)
    connector.session_state, connector.busy_since = "charging", factories.NOW
    connector.save()
    api = Api(owner)
    status, body = api.get(f"stations/{mine.pk}")
    assert status == 200
    assert (body["station"], body["site"], body["rated_kw"], body["tariff"]) == ("HC-1", site.pk, "7.20", None)
    assert [(row["number"], row["state"], row["detail"]) for row in body["connectors"]] == [
        (1, "no_news", ""),
        (2, "in_session", "charging"),
    ]
    assert api.get(f"stations/{foreign.pk}")[0] == 404
    names = lambda **query: [row["station"] for row in api.get("stations", **query)[1]["results"]]  # noqa: E731
    assert names() == ["HC-1", "HC-2"]
    assert names(site=other.site_id) == ["HC-2"]
    assert names(q="nor") == ["HC-1"]
    assert names(site=foreign.site_id) == []
    status, body = api.get("stations", site="north")
    assert (status, body["error"]["code"], list(body["error"]["fields"])) == (400, "invalid", ["site"])


def test_limited_to_a_site(owner: Membership) -> None:
    site = factories.site(owner.organisation)
    seen, hidden = factories.station(site), factories.station(factories.site(owner.organisation))
    api = Api(factories.member(Role.VIEWER, organisation=owner.organisation, site_ids=[site.pk]))
    assert [row["id"] for row in api.get("stations")[1]["results"]] == [seen.pk]
    assert api.get(f"stations/{hidden.pk}")[0] == 404
    assert api.get(f"sites/{hidden.site_id}")[0] == 404


def test_cursor(owner: Membership) -> None:
    for _ in range(3):
        factories.site(owner.organisation)
    api = Api(owner)
    _status, first = api.get("sites", limit=2)
    assert len(first["results"]) == 2
    second = api.http.get(first["next"]).json()
    assert (len(second["results"]), second["next"]) == (1, None)
    assert {row["id"] for row in first["results"]}.isdisjoint(row["id"] for row in second["results"])
    for wrong in ("rubbish", b64encode(b"p=abc").decode(), b64encode(b"p=\0").decode(), b64encode(b"p=" + b"9" * 40)):
        status, body = api.get("sites", cursor=wrong)
        assert (status, list(body["error"]["fields"])) == (400, ["cursor"])
    for limit in ("0", "501", "many", "-1"):
        status, body = api.get("sites", limit=limit)
        assert (status, list(body["error"]["fields"])) == (400, ["limit"])


@pytest.mark.parametrize("path", ["sites", "stations", "sessions", "commands"])
def test_lists_cost_the_same_for_one_row_and_three(owner: Membership, path: str) -> None:
    from fleet import commands

    def add() -> None:
        station = factories.station(factories.site(owner.organisation))
        factories.session(station, connector=station.connectors.get(number=1))
        actor = factories.actor(owner)
        commands.request(actor=actor, wishes=commands.for_all([station], {"setMessage": "x"}), now=factories.NOW)

    api = Api(owner)
    add()
    api.get(path)  # notes the key's use
    counts = []
    for rows in (1, 3):
        while len(api.get(path)[1]["results"]) < rows:
            add()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            api.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]
