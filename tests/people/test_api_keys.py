"""Keys are shown once, found by their hash, revoked, and note their use sparingly."""

from datetime import timedelta

import pytest

from people import api_keys
from people.models import ApiKey, AuditEntry
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW


def test_create_find_revoke() -> None:
    actor = factories.actor()
    key, plain = api_keys.create(actor=actor, name="Driver app", now=NOW)
    assert (plain[:8], len(plain)) == ("ch_live_", 51)
    assert plain not in str(ApiKey.objects.filter(pk=key.pk).values())
    assert api_keys.find(plain) == key
    assert api_keys.find(plain[:-1]) is None
    assert api_keys.find(key.key_hash) is None
    api_keys.revoke(actor=actor, key=key, now=NOW)
    api_keys.revoke(actor=actor, key=key, now=NOW + timedelta(days=1))
    key.refresh_from_db()
    assert key.revoked_at == NOW
    assert api_keys.find(plain) is None
    assert list(AuditEntry.objects.values_list("verb", flat=True)) == ["api_key.created", "api_key.revoked"]


def test_key_of_a_closed_account_is_not_found() -> None:
    membership = factories.member()
    _key, plain = api_keys.mint(membership=membership, name="x", now=NOW)
    membership.user.is_active = False
    membership.user.save()
    assert api_keys.find(plain) is None


def test_use_is_noted_once_a_minute() -> None:
    key, plain = api_keys.mint(membership=factories.member(), name="x", now=NOW)
    seen = []
    for after_s in (0, 59, 60, 61):
        found = api_keys.find(plain)
        assert found is not None
        api_keys.note_use(key=found, now=NOW + timedelta(seconds=after_s))
        key.refresh_from_db()
        assert key.last_used_at is not None
        seen.append((key.last_used_at - NOW).total_seconds())
    assert seen == [0, 0, 60, 60]


def test_page_shows_a_key_once_and_revokes_it() -> None:
    membership = factories.member(Role.MANAGER)
    client = factories.client_for(membership)
    answer = client.post("/settings/keys/", {"name": "Driver app"})
    key = ApiKey.objects.get()
    plain = next(
        word
        for word in answer.content.decode().replace("<", " ").replace(">", " ").split()
        if word.startswith(key.prefix) and "…" not in word
    )
    assert api_keys.find(plain) == key
    assert plain not in client.get("/settings/keys/").content.decode()
    assert client.get(f"/settings/keys/{key.pk}/revoke").status_code == 200
    assert client.post(f"/settings/keys/{key.pk}/revoke").status_code == 302
    assert api_keys.find(plain) is None


def test_demo_key_replaces_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match="no demo organisation"):
        call_command("demo_key")
    membership = factories.member()
    membership.organisation.is_demo = True
    membership.organisation.save()
    call_command("demo_key")
    first = capsys.readouterr().out.split()[-1]
    call_command("demo_key")
    second = capsys.readouterr().out.split()[-1]
    assert api_keys.find(first) is None
    assert api_keys.find(second) is not None
