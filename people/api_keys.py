"""Keys of the REST API: made and shown once, found by their hash, revoked. What a key may do is its membership's."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from lib import secrets
from people import audit
from people.actor import Actor
from people.models import ApiKey, Membership

PREFIX = "ch_live_"
SHOWN = len(PREFIX) + 6  # characters kept readable, to tell keys apart
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def create(*, actor: Actor, name: str, now: datetime) -> tuple[ApiKey, str]:
    """The key acts as the actor's membership. The plain key is returned here and nowhere else."""
    key, plain = mint(membership=Membership.objects.get(pk=actor.membership_id), name=name, now=now)
    audit.record(actor=actor, verb="api_key.created", subject=str(key), now=now)
    return key, plain


def mint(*, membership: Membership, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Without an actor: for commands run at the server."""
    plain = PREFIX + secrets.new_token()
    key = ApiKey.objects.create(
        membership=membership,
        name=name,
        prefix=plain[:SHOWN],
        key_hash=secrets.fingerprint(plain),
        created_at=now,
    )
    return key, plain


def find(plain: str) -> ApiKey | None:
    """The key that is not revoked and whose person may still sign in; its membership and user come along."""
    if not plain.startswith(PREFIX):
        return None
    found = ApiKey.objects.filter(
        key_hash=secrets.fingerprint(plain), revoked_at=None, membership__user__is_active=True
    )
    return found.select_related("membership__user", "membership__organisation").first()


def note_use(*, key: ApiKey, now: datetime) -> None:
    """Writes last_used_at at most once a minute, so that a busy key costs no write a request."""
    if key.last_used_at is not None and now - key.last_used_at < NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


@transaction.atomic
def revoke(*, actor: Actor, key: ApiKey, now: datetime) -> ApiKey:
    """At once and for good. A second call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        audit.record(actor=actor, verb="api_key.revoked", subject=str(key), now=now)
    key.refresh_from_db()
    return key
