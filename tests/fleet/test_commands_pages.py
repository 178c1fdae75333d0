"""The pages of commands: the list, one item by item, and asking in two steps."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet.models import Account, Station
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.fleet.asking import asked, station

pytestmark = pytest.mark.django_db


def test_an_empty_list_says_what_comes_first(owner: Membership) -> None:
    assert "No command yet" in factories.client_for(owner).get("/commands/").content.decode()


def test_one_and_three_commands_cost_the_same(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    asked(owner, [station(owner, account)])
    client.get("/commands/")
    with CaptureQueriesContext(connection) as one:
        client.get("/commands/")
    for _ in range(2):
        asked(owner, [station(owner, account), station(owner, account)])
    with CaptureQueriesContext(connection) as three:
        assert client.get("/commands/").content.decode().count('<tr id="command-') == 3
    assert len(three) == len(one)


def test_a_viewer_looks_and_does_not_ask(owner: Membership, account: Account) -> None:
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    row = station(owner, account)
    assert viewer.get("/commands/").status_code == 200
    assert viewer.get("/commands/new/").status_code == 404
    assert 'type="checkbox"' not in viewer.get("/stations/").content.decode()
    assert Station.objects.get() == row


def test_the_list_pages_both_ways(owner: Membership, account: Account) -> None:
    where = station(owner, account)
    made = [asked(owner, [where]) for _ in range(52)]
    client = factories.client_for(owner)
    first = client.get("/commands/").context["page"]
    assert ([first.rows[0], first.rows[-1]], first.label) == ([made[51], made[2]], "1–50 of 52")
    second = client.get("/commands/", {"after": first.after}).context["page"]
    assert (second.rows, second.label) == ([made[1], made[0]], "51–52 of 52")
    assert client.get("/commands/", {"before": second.before}).context["page"].rows == first.rows
