"""Settings, Eevion accounts and the webhook messages that failed."""

import hashlib

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from fleet import accounts, hooks
from fleet.models import Account, RawMessage
from fleet.models.message import HookKind
from people.models import AuditEntry, Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
KEY = "a-key-that-must-not-leak"
VALUES = {"name": "Main", "base_url": "https://eevion.example.com/v1/", "environment": "production"}
VALUES |= {"api_key": KEY, "request_limit": "60", "stations_per_call": "1"}


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


@pytest.fixture
def made(owner: Membership, client: Client) -> Account:
    client.post("/settings/accounts/new/", VALUES)
    return Account.objects.get()


def test_an_account_is_added_and_its_key_never_shown(
    owner: Membership, client: Client, made: Account, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://fleet.example.com"
    assert (made.organisation_id, made.api_key) == (owner.organisation_id, KEY)
    assert made.base_url == "https://eevion.example.com/v1"
    page = client.get(f"/settings/accounts/{made.pk}/").content.decode()
    assert KEY not in page and accounts.exception_url(made) in page and "Free now</dt><dd>60<" in page
    assert KEY not in client.get("/settings/accounts/").content.decode()


def test_the_key_and_limit_change_only_when_given(client: Client, made: Account) -> None:
    url = f"/settings/accounts/{made.pk}/"
    client.post(url, VALUES | {"api_key": "", "request_limit": "90", "name": "Renamed"})
    made = Account.objects.get()
    assert (made.name, made.api_key, made.budget.request_limit) == ("Renamed", KEY, 90)
    assert made.budget.slots.count() == 90
    client.post(url, VALUES | {"api_key": "another", "request_limit": "90"})
    changed = Account.objects.get()
    assert (changed.api_key, changed.budget.request_limit) == ("another", 90)
    assert changed.budget_id != made.budget_id


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "https://kim:secret@eevion.example.com"},
        {"base_url": "https://eevion.example.com/v1?key=secret"},
        {"base_url": "https://eevion.example.com/#v1"},
        {"base_url": "https://eevion.example.com:99999"},
        {"api_key": "ключ"},
    ],
    ids=["a user", "a query", "a fragment", "no port", "no header can carry it"],
)
def test_what_no_call_could_use_is_said_at_its_field(client: Client, wrong: dict[str, str]) -> None:
    answer = client.post("/settings/accounts/new/", VALUES | wrong)
    assert list(answer.context["form"].errors) == list(wrong)
    assert (Account.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_base_url_and_environment_stay_once_there_are_stations(
    owner: Membership, client: Client, made: Account
) -> None:
    url = f"/settings/accounts/{made.pk}/"
    moved = VALUES | {"base_url": "https://other.example.com", "environment": "staging"}
    client.post(url, moved)
    assert (Account.objects.get().base_url, Account.objects.get().environment) == (moved["base_url"], "staging")
    factories.station(factories.site(owner.organisation), account=made)
    client.post(url, VALUES)
    assert (Account.objects.get().base_url, Account.objects.get().environment) == (moved["base_url"], "staging")
    with pytest.raises(accounts.Fixed):
        accounts.change(
            actor=factories.actor(owner),
            account=Account.objects.get(),
            name="x",
            base_url="https://third.example.com",
            environment="staging",
            stations_per_call=1,
            now=factories.NOW,
        )


def test_a_second_account_of_the_name_is_refused(client: Client, made: Account) -> None:
    assert "Another account has this name" in client.post("/settings/accounts/new/", VALUES).content.decode()
    assert Account.objects.count() == 1


def test_one_and_three_accounts_cost_the_same(owner: Membership, client: Client) -> None:
    factories.account(owner.organisation)
    client.get("/settings/accounts/")
    with CaptureQueriesContext(connection) as one:
        client.get("/settings/accounts/")
    for _ in range(2):
        factories.account(owner.organisation)
    with CaptureQueriesContext(connection) as three:
        assert client.get("/settings/accounts/").content.decode().count('<tr id="account-') == 3
    assert len(three) == len(one)


def test_the_exception_url_is_made_anew(client: Client, made: Account, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://fleet.example.com"
    before = accounts.exception_url(made)
    client.post(f"/settings/accounts/{made.pk}/", {"rotate_url": "1"})
    assert accounts.exception_url(made) != before


def test_without_a_public_url_the_page_says_so(client: Client, made: Account, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert "PUBLIC_URL is not set" in client.get(f"/settings/accounts/{made.pk}/").content.decode()


def test_only_an_owner_and_only_the_own(owner: Membership, client: Client, made: Account) -> None:
    manager = factories.client_for(factories.member(Role.MANAGER, organisation=owner.organisation))
    stranger = factories.client_for(factories.member())
    for page in (f"/settings/accounts/{made.pk}/", "/settings/accounts/", "/settings/messages/"):
        assert manager.get(page).status_code == 404
    assert stranger.get(f"/settings/accounts/{made.pk}/").status_code == 404
    assert stranger.post(f"/settings/accounts/{made.pk}/test").status_code == 404
    assert client.get(f"/settings/accounts/{made.pk}/test").status_code == 405


def _failed(account: Account, body: bytes) -> RawMessage:
    token, _url = hooks.mint(account=account, kind=HookKind.SESSION, now=factories.NOW)
    digest = hashlib.sha256(body).hexdigest()
    row = RawMessage.objects.create(token=token, body=body, body_sha256=digest, received_at=factories.NOW)
    hooks.failed(row, "This is not JSON.")
    return row


def test_a_message_that_failed_is_shown_and_tried_again(client: Client, made: Account) -> None:
    assert "None failed" in client.get("/settings/messages/").content.decode()
    row = _failed(made, b"\xff<script>" + b"x" * 5000)
    page = client.get("/settings/messages/").content.decode()
    assert "This is not JSON." in page and "\\xff&lt;script&gt;" in page and "5,009 bytes" in page
    assert client.post("/settings/messages/", {"message": row.pk}).status_code == 302
    assert RawMessage.objects.get().attempts == 0
    foreign = _failed(factories.account(), b"{}")
    assert client.post("/settings/messages/", {"message": foreign.pk}).status_code == 404
    assert client.post("/settings/messages/", {"message": "x"}).status_code == 404


def test_messages_page_both_ways_at_one_cost(client: Client, made: Account) -> None:
    rows = [_failed(made, b"%d" % n) for n in range(1)]
    client.get("/settings/messages/")
    with CaptureQueriesContext(connection) as one:
        client.get("/settings/messages/")
    rows += [_failed(made, b"%d" % n) for n in range(1, 3)]
    with CaptureQueriesContext(connection) as three:
        assert client.get("/settings/messages/").content.decode().count('<li id="message-') == 3
    assert len(three) == len(one)
    rows += [_failed(made, b"%d" % n) for n in range(3, 52)]
    first = client.get("/settings/messages/").context["page"]
    assert (first.rows, first.label) == (rows[:1:-1], "1–50 of 52")
    second = client.get("/settings/messages/", {"after": first.after}).context["page"]
    assert (second.rows, second.label) == (rows[1::-1], "51–52 of 52")
    assert client.get("/settings/messages/", {"before": second.before}).context["page"].rows == first.rows


def test_the_exception_urls_of_all_accounts_are_one_query(
    owner: Membership, client: Client, made: Account, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://fleet.example.com"
    client.post("/settings/accounts/new/", VALUES | {"name": "Second"})
    found = list(Account.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as queries:
        urls = accounts.exception_urls(found)
    assert len(queries) == 1
    assert urls == {row.pk: accounts.exception_url(row) for row in found}
    assert len(set(urls.values())) == 2


def test_a_key_just_typed_is_not_lost_to_the_error_of_another_field(client: Client) -> None:
    page = client.post("/settings/accounts/new/", VALUES | {"base_url": "nowhere at all"}).content.decode()
    assert f'value="{KEY}"' in page and "Write a whole address" in page
    assert Account.objects.count() == 0
