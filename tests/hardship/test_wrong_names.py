"""A wrong API key and a station that the vendor does not know: said where a person looks, mended by what it says."""

from collections.abc import Iterator

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from charging import sessions
from charging.models import Session
from charging.models.session import Origin, State
from fleet import accounts, commands, deliveries, gateway, guards
from fleet.models import Account, CommandItem, Station
from people.models import Membership
from tests import factories
from tests.contract.vendor import Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
REFUSED = "The vendor refused this API key."


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


def account(vendor: Vendor, owner: Membership, key: str) -> Account:
    return accounts.create(
        actor=None,
        organisation=owner.organisation,
        name="Main",
        base_url=vendor.url,
        environment="production",
        api_key=key,
        now=vendor.now(),
    )


def pressed(client: Client, row: Account) -> str:
    """What pressing the button says."""
    answer = client.post(f"/settings/accounts/{row.pk}/test")
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def started(station: Station, owner: Membership, vendor: Vendor) -> Session:
    session = sessions.request_start(
        actor=factories.actor(owner),
        station=station,
        connector_number=1,
        reference="",
        origin=Origin.PERSON,
        now=vendor.now(),
    )
    sent = sessions.send_start(session.pk, vendor.now)
    assert sent is not None
    return sent


def commanded(station: Station, owner: Membership, vendor: Vendor) -> tuple[str, str]:
    commands.request(
        actor=factories.actor(owner), wishes=commands.for_all([station], {"setMessage": "x"}), now=vendor.now()
    )
    deliveries.deliver(clock=vendor.now, lane=gateway.Lane.PEOPLE, patience_s=0)
    guards.show_refused_keys()
    item = CommandItem.objects.latest("pk")
    return item.state, item.error


def test_a_wrong_key(vendor: Vendor, owner: Membership, client: Client) -> None:
    row = account(vendor, owner, "a wrong key")
    station = factories.station(factories.site(owner.organisation), account=row, vendor_id=vendor.station())
    assert pressed(client, row) == "The vendor refused the key: check the API key and the environment."
    for page in ("/", f"/settings/accounts/{row.pk}/"):
        assert REFUSED in client.get(page).content.decode()
    failed = started(station, owner, vendor)
    assert (failed.state, failed.holds_connector) == (State.FAILED, False)
    assert failed.error.endswith("Check the API key in the account's settings.")
    state, error = commanded(station, owner, vendor)
    assert (state, error.endswith("Write a new one in the account's settings.")) == ("queued", True)
    values = {"name": "Main", "request_limit": "60", "stations_per_call": "1", "api_key": vendor.key()}
    assert client.post(f"/settings/accounts/{row.pk}/", values).status_code == 302
    assert pressed(client, row) == "The vendor answered and took the key."
    for page in ("/", f"/settings/accounts/{row.pk}/"):
        assert REFUSED not in client.get(page).content.decode()
    assert started(station, owner, vendor).state == State.PENDING
    assert commanded(station, owner, vendor)[0] == "accepted"


def test_a_station_that_the_vendor_does_not_know(vendor: Vendor, owner: Membership, client: Client) -> None:
    row = account(vendor, owner, vendor.key())
    station = factories.station(factories.site(owner.organisation), account=row, vendor_id="NOWHERE-1")
    failed = started(station, owner, vendor)
    assert (failed.state, failed.holds_connector) == (State.FAILED, False)
    assert failed.error.endswith("Check the station id.")
    assert "Check the station id." in client.get(f"/sessions/{failed.public_id}/").content.decode()
    state, error = commanded(station, owner, vendor)
    assert (state, error.endswith("Check the station id.")) == ("rejected", True)
    assert vendor.sessions("NOWHERE-1") == []
