"""The pages of commands: the list, one item by item, and asking in two steps."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet import commands
from fleet.models import Account, Command, Station
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def account(owner: Membership) -> Account:
    return factories.account(owner.organisation)


def _station(owner: Membership, account: Account, **fields: Any) -> Station:
    return factories.station(factories.site(owner.organisation), account=account, **fields)


def _command(owner: Membership, stations: list[Station], values: dict[str, str] | None = None) -> Command:
    wanted = values or {"priorityStatus": "unavailable"}
    return commands.request(actor=factories.actor(owner), wishes=commands.for_all(stations, wanted), now=factories.NOW)


def test_an_empty_list_says_what_comes_first(owner: Membership) -> None:
    assert "No command yet" in factories.client_for(owner).get("/commands/").content.decode()


def test_one_and_three_commands_cost_the_same(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    _command(owner, [_station(owner, account)])
    client.get("/commands/")
    with CaptureQueriesContext(connection) as one:
        client.get("/commands/")
    for _ in range(2):
        _command(owner, [_station(owner, account), _station(owner, account)])
    with CaptureQueriesContext(connection) as three:
        assert client.get("/commands/").content.decode().count('<tr id="command-') == 3
    assert len(three) == len(one)


def test_asking_takes_a_number_typed(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    rows = [_station(owner, account), _station(owner, account)]
    tariff = factories.tariff(account)
    ids = [row.pk for row in rows]
    assert tariff.name in client.get("/commands/new/", {"station": ids}).content.decode()
    asked = {"station": ids, "tariff": tariff.pk, "availability": "outOfService", "message": "Closed on Sunday"}
    confirm = client.post("/commands/new/", asked).content.decode()
    assert "Send this to 2 stations?" in confirm and rows[0].vendor_id in confirm and "Closed on Sunday" in confirm
    wrong = client.post("/commands/new/", asked | {"typed": "3"}).content.decode()
    assert "Type the number of stations, 2" in wrong
    assert Command.objects.count() == 0
    done = client.post("/commands/new/", asked | {"typed": "2"})
    made = Command.objects.get()
    assert (done.status_code, done.url) == (302, f"/commands/{made.public_id}/")
    wanted = {"tariffId": tariff.fee_id, "priorityStatus": "outOfService", "setMessage": "Closed on Sunday"}
    assert made.values == wanted
    assert made.items.count() == 6


def test_what_the_confirmation_carries_is_what_is_asked(owner: Membership, account: Account) -> None:
    """The hidden fields alone, as the browser sends them, make the same command; an empty text clears a message."""
    client = factories.client_for(owner)
    row = _station(owner, account)
    answer = client.post("/commands/new/", {"station": row.pk, "set_message": "on", "message": ""})
    client.post("/commands/new/", dict(answer.context["kept"]) | {"station": row.pk, "typed": "1"})
    assert Command.objects.get().values == {"setMessage": ""}


def test_nothing_asked_and_no_station_are_said(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    assert "First the stations" in client.get("/commands/new/").content.decode()
    row = _station(owner, account)
    assert "To which stations?" in client.get("/commands/new/").content.decode()
    assert "Choose at least one thing" in client.post("/commands/new/", {"station": row.pk}).content.decode()


def test_foreign_stations_and_tariffs_cannot_be_asked(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    mine, foreign = _station(owner, account), factories.station()
    asked = {"station": [mine.pk, foreign.pk], "availability": "available"}
    confirm = client.post("/commands/new/", asked).content.decode()
    assert "Send this to 1 station?" in confirm and foreign.vendor_id not in confirm
    theirs = factories.tariff(foreign.account)
    assert client.post("/commands/new/", {"station": mine.pk, "tariff": theirs.pk, "typed": "1"}).status_code == 200
    assert Command.objects.count() == 0


def test_a_viewer_looks_and_does_not_ask(owner: Membership, account: Account) -> None:
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    row = _station(owner, account)
    assert viewer.get("/commands/").status_code == 200
    assert viewer.get("/commands/new/").status_code == 404
    assert 'type="checkbox"' not in viewer.get("/stations/").content.decode()
    assert Station.objects.get() == row


def test_the_list_pages_both_ways(owner: Membership, account: Account) -> None:
    where = _station(owner, account)
    made = [_command(owner, [where]) for _ in range(52)]
    client = factories.client_for(owner)
    first = client.get("/commands/").context["page"]
    assert ([first.rows[0], first.rows[-1]], first.label) == ([made[51], made[2]], "1–50 of 52")
    second = client.get("/commands/", {"after": first.after}).context["page"]
    assert (second.rows, second.label) == ([made[1], made[0]], "51–52 of 52")
    assert client.get("/commands/", {"before": second.before}).context["page"].rows == first.rows


def test_back_from_the_confirmation_keeps_what_was_asked(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    row = _station(owner, account)
    asked = {"station": row.pk, "availability": "outOfService", "message": "Closed"}
    confirm = client.post("/commands/new/", asked)
    kept = dict(confirm.context["kept"]) | {"station": row.pk}
    form = client.post("/commands/new/", kept | {"typed": "", "again": "1"}).content.decode()
    assert '<option value="outOfService" selected>' in form and 'value="Closed"' in form
    wrong = client.post("/commands/new/", kept | {"typed": "7"}).content.decode()
    assert 'name="typed" value="7"' in wrong and "autofocus" in wrong
    assert Command.objects.count() == 0


def test_continuing_without_a_station_says_so(owner: Membership, account: Account) -> None:
    _station(owner, account)
    client = factories.client_for(owner)
    assert "Tick at least one station" not in client.get("/commands/new/").content.decode()
    assert "Tick at least one station" in client.get("/commands/new/", {"choose": "1"}).content.decode()
