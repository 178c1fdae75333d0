"""The pages of tariffs: list, adding, changing."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet.models import Tariff
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
VALUES = {"fee_id": "fee_l2", "name": "Day", "currency": "cad", "price_per_kwh": "0.4275"}
VALUES |= {"price_per_minute": "0", "price_per_start": "1"}


def test_an_empty_list_says_what_comes_first() -> None:
    owner = factories.member()
    client = factories.client_for(owner)
    assert "First an Eevion account" in client.get("/tariffs/").content.decode()
    factories.account(owner.organisation)
    assert "No tariff yet" in client.get("/tariffs/").content.decode()


def test_one_and_three_tariffs_cost_the_same() -> None:
    owner = factories.member()
    client = factories.client_for(owner)
    factories.tariff(factories.account(owner.organisation))
    client.get("/tariffs/")
    with CaptureQueriesContext(connection) as one:
        client.get("/tariffs/")
    for _ in range(2):
        factories.tariff(factories.account(owner.organisation))
    with CaptureQueriesContext(connection) as three:
        assert client.get("/tariffs/").content.decode().count('<tr id="tariff-') == 3
    assert len(three) == len(one)


def test_a_tariff_is_added_and_its_price_changed() -> None:
    owner = factories.member()
    account = factories.account(owner.organisation)
    client = factories.client_for(owner)
    assert client.post("/tariffs/new/", VALUES | {"account": account.pk}).status_code == 302
    row = Tariff.objects.get()
    assert (row.fee_id, row.currency, row.price_per_kwh) == ("fee_l2", "CAD", Decimal("0.4275"))
    client.post(f"/tariffs/{row.pk}/", VALUES | {"fee_id": "other", "price_per_kwh": "0.5"})
    row.refresh_from_db()
    assert (row.fee_id, row.price_per_kwh) == ("fee_l2", Decimal("0.5000"))


def test_a_wrong_value_is_said_and_nothing_saved() -> None:
    owner = factories.member()
    account = factories.account(owner.organisation)
    client = factories.client_for(owner)
    wrong = VALUES | {"account": account.pk, "price_per_kwh": "-1"}
    assert "A price is 0 or more" in client.post("/tariffs/new/", wrong).content.decode()
    foreign = VALUES | {"account": factories.account().pk}
    assert client.post("/tariffs/new/", foreign).status_code == 200
    assert Tariff.objects.count() == 0


def test_foreign_and_forbidden_are_not_found() -> None:
    owner = factories.member()
    foreign, mine = factories.tariff(factories.account()), factories.tariff(factories.account(owner.organisation))
    operator = factories.member(Role.OPERATOR, organisation=owner.organisation)
    assert factories.client_for(owner).get(f"/tariffs/{foreign.pk}/").status_code == 404
    assert factories.client_for(owner).get(f"/tariffs/{mine.pk}/").status_code == 200
    assert factories.client_for(operator).get(f"/tariffs/{mine.pk}/").status_code == 404
    assert foreign.name not in factories.client_for(owner).get("/tariffs/").content.decode()
