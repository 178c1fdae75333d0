"""An account whose key cannot be decrypted any more: it says so, calls nothing, and stops nobody else."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now

import charging.tasks
import fleet.tasks
import reporting.tasks
from charging import readings, sessions
from charging.models import Session
from charging.models.session import Origin, State
from fleet import accounts, commands, deliveries, gateway
from fleet.models import Account, ApiCall, CommandItem, Station
from lib import clock
from people.models import Membership
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
FIRST_KEYS = list(django_settings.ENCRYPTION_KEYS)
WORDS = "The stored API key cannot be decrypted"


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def bad(owner: Membership, settings: Any) -> Station:
    """A station of an account made before ENCRYPTION_KEYS was replaced."""
    settings.PUBLIC_URL = "https://chargehand.example"
    made = accounts.create(
        actor=None,
        organisation=owner.organisation,
        name="Old",
        base_url="http://127.0.0.1:9",
        environment="production",
        api_key="a key from before",
        now=NOW,
    )
    station = factories.station(factories.site(owner.organisation), account=made)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return Station.objects.select_related("account").get(pk=station.pk)


@pytest.fixture
def good(owner: Membership, bad: Station) -> Station:
    """Made after it, and listed after it."""
    site = factories.site(owner.organisation)
    return factories.station(site, account=factories.account(owner.organisation))


def stored(account: Account) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM fleet_account WHERE id = %s", [account.pk])
        return str(cursor.fetchone()[0])


def called() -> set[int]:
    return set(ApiCall.objects.values_list("account_id", flat=True))


@pytest.mark.parametrize(
    "task",
    [fleet.tasks.read_history, charging.tasks.list_exceptions, reporting.tasks.fetch_vendor_totals],
    ids=["history", "exceptions", "totals"],
)
def test_a_bad_account_keeps_no_other_from_its_turn(bad: Station, good: Station, task: Any) -> None:
    task()
    assert called() == {good.account_id}


def test_no_slot_is_spent_and_the_call_says_what_to_do(bad: Station) -> None:
    with pytest.raises(gateway.KeyUnreadable, match=WORDS):
        gateway.call(
            account=bad.account,
            lane=gateway.Lane.READS,
            why="test",
            endpoint="exceptions",
            request=lambda client: client.list_exceptions(since=NOW),
        )
    assert (accounts.budget_view(bad.account).used, called()) == (0, set())
    tested = accounts.test_connection(bad.account, NOW)
    assert (tested.ok, tested.message.startswith(WORDS)) == (False, True)


def test_its_pages_say_so(owner: Membership, bad: Station) -> None:
    client = factories.client_for(owner)
    page = client.get(f"/settings/accounts/{bad.account_id}/").content.decode()
    assert WORDS in page
    assert "The URL cannot be shown any more" in page
    assert "Key unreadable" in client.get("/settings/accounts/").content.decode()
    assert WORDS in client.get("/").content.decode()
    for path in ("/stations/", f"/stations/{bad.pk}/", "/exceptions/", "/settings/", "/settings/messages/"):
        assert client.get(path, follow=True).status_code == 200, path


def test_saving_such_a_row_leaves_the_old_text_for_the_day_the_key_comes_back(
    bad: Station, owner: Membership, settings: Any
) -> None:
    before = stored(bad.account)
    bad.account.save()
    accounts.change(
        actor=factories.actor(owner),
        account=Account.objects.get(pk=bad.account_id),
        name="Renamed",
        base_url="http://127.0.0.1:9",
        environment="production",
        stations_per_call=1,
        now=NOW,
    )
    accounts.change_limit(actor=None, account=bad.account, request_limit=90, now=NOW)
    assert stored(bad.account) == before
    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *FIRST_KEYS]
    back = Account.objects.get(pk=bad.account_id)
    assert (back.name, back.api_key, back.budget.request_limit) == ("Renamed", "a key from before", 90)


def test_a_new_key_mends_it(owner: Membership, bad: Station) -> None:
    values = {"name": "Old", "base_url": "http://127.0.0.1:9", "environment": "production"}
    values |= {"api_key": "a new key", "request_limit": "60", "stations_per_call": "1"}
    client = factories.client_for(owner)
    assert client.post(f"/settings/accounts/{bad.account_id}/", values).status_code == 302
    assert Account.objects.get(pk=bad.account_id).api_key == "a new key"
    assert WORDS not in client.get("/").content.decode()
    fleet.tasks.read_history()
    assert called() == {bad.account_id}


def test_a_start_waits_with_the_reason_and_the_next_account_starts(
    owner: Membership, bad: Station, good: Station
) -> None:
    actor = factories.actor(owner)
    started = {}
    for station in (bad, good):
        session = sessions.request_start(
            actor=actor, station=station, connector_number=1, reference="", origin=Origin.PERSON, now=NOW
        )
        started[station.pk] = sessions.send_start(session.pk, lambda: NOW)
    waiting = started[bad.pk]
    assert waiting is not None
    assert (waiting.state, waiting.claimed_until, waiting.error.startswith(WORDS)) == (State.REQUESTED, None, True)
    assert called() == {good.account_id}


def test_a_command_waits_with_the_reason_and_the_next_account_is_sent(
    owner: Membership, bad: Station, good: Station
) -> None:
    commands.request(actor=factories.actor(owner), wishes=commands.for_all([bad, good], {"setMessage": "x"}), now=NOW)
    deliveries.deliver(clock=lambda: NOW, lane=gateway.Lane.PEOPLE, patience_s=0)
    item = CommandItem.objects.get(station=bad)
    assert (item.state, item.error.startswith(WORDS)) == ("queued", True)
    assert called() == {good.account_id}


def test_reading_goes_on_soon_after_the_key_is_back(bad: Station) -> None:
    session = factories.session(bad, vendor_session_id="ses_1")
    for _ in range(6):
        Session.objects.filter(pk=session.pk).update(read_claimed_until=None)
        assert readings.read(session.pk, clock.now) is None
    soon = Session.objects.filter(pk=session.pk, read_claimed_until__lte=Now() + readings.SOON)
    assert soon.exists()
    assert (
        Session.objects.get(pk=session.pk).events.get(kind="unreadable").text.startswith("It cannot be read: " + WORDS)
    )
