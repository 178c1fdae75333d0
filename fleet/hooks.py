"""Webhook URLs and what arrives by them: minted, received, committed; digested later from the row (charging/inbox.py).

What a message means is not known here.
"""

import hashlib
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from fleet.models import Account, HookToken, RawMessage
from fleet.models.message import HookKind
from lib import outage, secrets

PATHS = {HookKind.SESSION: "sessions", HookKind.JOB: "jobs", HookKind.EXCEPTION: "exceptions"}
CLAIM_S = 5  # wall; whoever died while digesting leaves the message to the next sweep. A lock parts two at once
FIRST_RETRY_S = 5
LONGEST_RETRY_S = 3600
ATTEMPTS = 8
WAIT_S = 8.0  # wall; how long a sender is kept waiting while the database is away


def mint(*, account: Account, kind: str, now: datetime, keep: bool = False) -> tuple[HookToken, str | None]:
    """A new unguessable URL, and its row. The URL is None when PUBLIC_URL is empty: then the vendor cannot reach us.

    Only the hash is stored, unless `keep`: then the token itself too, encrypted, to be shown again.
    """
    token = secrets.new_token()
    row = HookToken.objects.create(
        account=account,
        kind=kind,
        token_hash=secrets.fingerprint(token),
        token=token if keep else "",
        created_at=now,
    )
    return row, url(kind=kind, token=token)


def url(*, kind: str, token: str) -> str | None:
    """Where the vendor posts to; None without PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}/hooks/{PATHS[HookKind(kind)]}/{token}" if settings.PUBLIC_URL else None


def receive(*, token: str, kind: str, body: bytes, truncated: bool, now: datetime) -> RawMessage | None:
    """Keep the bytes; committed when this returns, unless the caller holds a transaction. None: no such URL (404).

    The same bytes by the same URL again are counted, not kept twice and not digested twice. A database that restarts
    just now is waited for: nobody promises that the vendor sends it again.
    """
    return outage.outlast(partial(_receive, token, kind, body, truncated, now), within_s=WAIT_S)


def _receive(token: str, kind: str, body: bytes, truncated: bool, now: datetime) -> RawMessage | None:
    source = HookToken.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), token_hash=secrets.fingerprint(token))
    row = source.filter(kind=kind).first()
    if row is None:
        return None
    message, made = RawMessage.objects.get_or_create(
        token=row,
        body_sha256=hashlib.sha256(body).hexdigest(),
        defaults={"body": body, "truncated": truncated, "received_at": now, "due_at": Now()},
    )
    if not made:
        RawMessage.objects.filter(pk=message.pk).update(times=F("times") + 1)
    return message


def due(limit: int) -> list[RawMessage]:
    """Claim messages that wait to be digested, oldest first. A claim lapses after CLAIM_S."""
    with transaction.atomic():
        found = RawMessage.objects.select_for_update(skip_locked=True).filter(digested_at=None, due_at__lte=Now())
        ids = list(found.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
        RawMessage.objects.filter(pk__in=ids).update(due_at=Now() + timedelta(seconds=CLAIM_S))
    return list(RawMessage.objects.filter(pk__in=ids).select_related("token__account").order_by("pk"))


def lock(message_id: int) -> RawMessage | None:
    """The message, locked for the caller's transaction; None when it is digested or in somebody else's hands."""
    found = RawMessage.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=message_id, digested_at=None)
    return found.select_related("token__account").first()


def digested(message: RawMessage, now: datetime) -> None:
    """Done with it."""
    message.digested_at, message.due_at, message.error = now, None, ""
    message.save(update_fields=["digested_at", "due_at", "error"])


def failed(message: RawMessage, error: str) -> None:
    """Push it ahead, longer each time; after ATTEMPTS it is left to a person. It never blocks the others."""
    message.attempts += 1
    message.error = error[:500]
    delay_s = min(FIRST_RETRY_S * 2 ** (message.attempts - 1), LONGEST_RETRY_S)
    due_at = None if message.attempts >= ATTEMPTS else Now() + timedelta(seconds=delay_s)
    RawMessage.objects.filter(pk=message.pk, digested_at=None).update(
        attempts=message.attempts, error=message.error, due_at=due_at
    )


def retry(message: RawMessage) -> None:
    """A person wants it tried again, now and with all attempts before it."""
    RawMessage.objects.filter(pk=message.pk, digested_at=None).update(attempts=0, due_at=Now())
