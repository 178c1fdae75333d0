"""Accounts: made with budget and exception URL, given another key, warned about; the wrong key costs one sentence."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import override_settings

from fleet import accounts
from fleet.models import Account, HookToken, RequestSlot
from people.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
PUBLIC = "https://charge.example.com"


def made(base_url: str = "https://vendor.example.com/v1/", key: str = "a secret key") -> Account:
    member = factories.member()
    return accounts.create(
        actor=factories.actor(member),
        organisation=member.organisation,
        name="Main",
        base_url=base_url,
        environment="production",
        api_key=key,
        now=NOW,
    )


def test_an_account_has_its_budget_and_its_exception_url_and_the_key_rests_encrypted() -> None:
    account = made()
    assert (account.base_url, account.budget.request_limit) == ("https://vendor.example.com/v1", 60)
    with override_settings(PUBLIC_URL=PUBLIC):
        assert accounts.exception_url(account).startswith(f"{PUBLIC}/hooks/exceptions/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM fleet_account")
        assert "a secret key" not in cursor.fetchone()[0]
    assert Account.objects.get().api_key == "a secret key"
    assert AuditEntry.objects.get().verb == "account.added"


def test_another_key_has_another_budget_of_the_same_size() -> None:
    account = made()
    before = account.budget_id
    accounts.rotate_key(actor=None, account=account, api_key="another", now=NOW)
    account.refresh_from_db()
    assert (account.api_key, account.budget_id != before, account.budget.slots.count()) == ("another", True, 60)


@override_settings(PUBLIC_URL=PUBLIC)
def test_an_exception_url_is_rotated_with_an_overlap() -> None:
    account = made()
    old = accounts.exception_url(account)
    new = accounts.rotate_exception_token(actor=None, account=account, now=NOW)
    assert new not in ("", old)
    ends = list(HookToken.objects.order_by("pk").values_list("ends_at", flat=True))
    assert ends == [NOW + timedelta(days=7), None]


def test_the_budget_says_what_is_spent() -> None:
    account = made()
    RequestSlot.objects.filter(budget=account.budget, number__lt=10).update(free_at=Now() + timedelta(seconds=9))
    view = accounts.budget_view(account)
    assert (view.limit, view.free, view.used, view.frozen_until, view.shared_with) == (60, 50, 10, None, 0)


@pytest.mark.parametrize(
    ("public_url", "base_url", "warned"),
    [
        (PUBLIC, "https://vendor.example.com", False),
        ("http://charge.example.com", "https://vendor.example.com", True),
        ("https://127.0.0.1:8000", "https://vendor.example.com", True),
        ("https://localhost", "https://vendor.example.com", True),
        ("", "https://vendor.example.com", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9100", False),
    ],
)
def test_a_public_url_that_the_vendor_cannot_use_is_warned_about(public_url: str, base_url: str, warned: bool) -> None:
    with override_settings(PUBLIC_URL=public_url):
        assert (accounts.public_url_warning(made(base_url)) != "") == warned


def test_a_vendor_that_is_not_there_is_told_in_words() -> None:
    tested = accounts.test_connection(made("http://127.0.0.1:9"), NOW)
    assert (tested.ok, tested.message.startswith("The vendor cannot be reached: check the base URL.")) == (False, True)
