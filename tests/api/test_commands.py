"""Commands by API: all stations or none, progress item by item, own ones only."""

import pytest

from fleet.models import Command, CommandItem
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member()


def test_command_and_its_items(owner: Membership) -> None:
    site = factories.site(owner.organisation)
    one, two = factories.station(site, vendor_id="HC-1"), factories.station(site, vendor_id="HC-2")
    api = Api(owner)
    status, body = api.post("commands", {"stations": ["HC-1", two.pk], "setMessage": "", "priorityStatus": "available"})
    row = Command.objects.get()
    assert (status, body["id"], body["values"]) == (
        202,
        str(row.public_id),
        {"priorityStatus": "available", "setMessage": ""},
    )
    assert sorted((item["station"], item["kind"], item["state"]) for item in body["items"]) == [
        ("HC-1", "priorityStatus", "queued"),
        ("HC-1", "setMessage", "queued"),
        ("HC-2", "priorityStatus", "queued"),
        ("HC-2", "setMessage", "queued"),
    ]
    assert row.api_key == api.key
    assert api.get(f"commands/{row.public_id}") == (200, body)
    assert [item["id"] for item in api.get("commands")[1]["results"]] == [str(row.public_id)]
    limited = Api(factories.member(Role.VIEWER, organisation=owner.organisation, site_ids=[]))
    assert limited.get(f"commands/{row.public_id}")[0] == 404
    assert one.command_items.count() == 2


def test_all_or_none(owner: Membership) -> None:
    factories.station(factories.site(owner.organisation), vendor_id="HC-1")
    factories.station(vendor_id="HC-9")
    api = Api(owner)
    code = lambda body: (lambda got: (got[0], got[1]["error"]["code"]))(api.post("commands", body))  # noqa: E731
    assert code({"stations": ["HC-1", "HC-9"], "setMessage": "x"}) == (404, "not_found")
    assert code({"stations": ["HC-1"]}) == (400, "invalid")
    assert code({"stations": [], "setMessage": "x"}) == (400, "invalid")
    assert code({"stations": ["HC-1"], "tariffId": "  "}) == (400, "invalid")
    assert CommandItem.objects.count() == 0


def test_viewer_may_read_only(owner: Membership) -> None:
    factories.station(factories.site(owner.organisation), vendor_id="HC-1")
    api = Api(factories.member(Role.VIEWER, organisation=owner.organisation))
    assert api.get("commands")[0] == 200
    assert api.post("commands", {"stations": ["HC-1"], "setMessage": "x"})[0] == 403
