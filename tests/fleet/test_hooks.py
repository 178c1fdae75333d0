"""Webhook URLs are minted and forgotten; what arrives is kept once, and tried again when it cannot be digested."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import override_settings

from fleet import hooks
from fleet.models import HookToken, RawMessage
from fleet.models.message import HookKind
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW


def minted(kind: str = HookKind.JOB, **fields: bool) -> tuple[HookToken, str]:
    with override_settings(PUBLIC_URL="https://charge.example.com"):
        row, url = hooks.mint(account=factories.account(), kind=kind, now=NOW, **fields)
    assert url is not None
    return row, url.rpartition("/")[2]


def received(body: bytes = b"{}") -> RawMessage:
    _, token = minted()
    message = hooks.receive(token=token, kind="job", body=body, truncated=False, now=NOW)
    assert message is not None
    return message


@pytest.mark.parametrize(
    ("kind", "path"),
    [(HookKind.SESSION, "sessions"), (HookKind.JOB, "jobs"), (HookKind.EXCEPTION, "exceptions")],
)
def test_a_url_for_each_kind(kind: str, path: str) -> None:
    with override_settings(PUBLIC_URL="https://charge.example.com"):
        row, url = hooks.mint(account=factories.account(), kind=kind, now=NOW)
    token = (url or "").removeprefix(f"https://charge.example.com/hooks/{path}/")
    assert (row.token_hash, row.token, len(token)) == (hooks.secrets.fingerprint(token), "", 43)


@override_settings(PUBLIC_URL="")
def test_without_a_public_url_there_is_none_to_give() -> None:
    assert hooks.mint(account=factories.account(), kind=HookKind.JOB, now=NOW)[1] is None


def test_a_token_rests_hashed_or_where_kept_encrypted() -> None:
    row, token = minted(HookKind.EXCEPTION, keep=True)
    assert HookToken.objects.get(pk=row.pk).token == token
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, token_hash FROM fleet_hooktoken WHERE id = %s", [row.pk])
        assert token not in "".join(cursor.fetchone())


def test_what_arrives_is_kept_byte_by_byte() -> None:
    message = received(b"\xff rubbish")
    message.refresh_from_db()
    assert (bytes(message.body), message.times, message.digested_at) == (b"\xff rubbish", 1, None)


def test_the_same_bytes_again_are_counted_and_not_digested_again() -> None:
    _, token = minted()
    first = hooks.receive(token=token, kind="job", body=b"{}", truncated=False, now=NOW)
    assert first is not None
    hooks.digested(first, NOW)
    again = hooks.receive(token=token, kind="job", body=b"{}", truncated=False, now=NOW)
    assert again is not None
    again.refresh_from_db()
    assert (again.pk, again.times, again.digested_at, hooks.due(10)) == (first.pk, 2, NOW, [])


def test_an_unknown_token_or_one_of_another_kind_or_an_ended_one_leaves_nothing() -> None:
    row, token = minted()
    assert hooks.receive(token="wrong", kind="job", body=b"{}", truncated=False, now=NOW) is None
    assert hooks.receive(token=token, kind="session", body=b"{}", truncated=False, now=NOW) is None
    HookToken.objects.filter(pk=row.pk).update(ends_at=NOW)
    assert hooks.receive(token=token, kind="job", body=b"{}", truncated=False, now=NOW) is None
    assert RawMessage.objects.count() == 0


def test_a_due_message_is_claimed_once() -> None:
    message = received()
    assert [found.pk for found in hooks.due(10)] == [message.pk]
    assert hooks.due(10) == []
    RawMessage.objects.update(due_at=Now())
    assert [found.pk for found in hooks.due(10)] == [message.pk]


def test_what_fails_is_pushed_ahead_longer_each_time_then_left_to_a_person() -> None:
    message = received()
    delays_s = []
    for _ in range(hooks.ATTEMPTS):
        hooks.failed(message, "no use")
        due_at = RawMessage.objects.annotate(ahead=hooks.F("due_at") - Now()).values_list("ahead", flat=True).get()
        delays_s.append(None if due_at is None else round(due_at / timedelta(seconds=1)))
    assert delays_s == [5, 10, 20, 40, 80, 160, 320, None]
    message.refresh_from_db()
    assert (message.attempts, message.error, message.digested_at) == (8, "no use", None)
    hooks.retry(message)
    assert [found.attempts for found in hooks.due(10)] == [0]


def test_digested_is_done() -> None:
    message = received()
    hooks.failed(message, "no use")
    hooks.digested(message, NOW)
    message.refresh_from_db()
    assert (message.digested_at, message.due_at, message.error) == (NOW, None, "")
    assert hooks.lock(message.pk) is None
