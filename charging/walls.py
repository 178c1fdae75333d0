"""Links to a wall: the board read-only, without signing in, until they end. Made, found, revoked.

A wall shows what the membership that made it may see, and nothing once that is gone.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from charging.models import WallLink
from lib import secrets
from people import audit
from people.access import actor_for
from people.actor import Actor
from people.models import Membership
from people.roles import Role

MOST_DAYS = 365
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def create(*, actor: Actor, name: str, days: int, now: datetime) -> tuple[WallLink, str]:
    """The token is returned here and nowhere else; only its hash rests."""
    token = secrets.new_token()
    link = WallLink.objects.create(
        organisation_id=actor.organisation_id,
        membership=Membership.objects.get(pk=actor.membership_id),
        name=name,
        token_sha256=secrets.fingerprint(token),
        created_at=now,
        expires_at=now + timedelta(days=min(days, MOST_DAYS)),
    )
    audit.record(actor=actor, verb="wall.created", subject=name, now=now, days=days)
    return link, token


@transaction.atomic
def revoke(*, actor: Actor, link: WallLink, now: datetime) -> None:
    """At once and for good. A second call changes nothing."""
    if WallLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
        audit.record(actor=actor, verb="wall.revoked", subject=link.name, now=now)


def find(token: str, now: datetime) -> WallLink | None:
    """The link that this token opens; None for an unknown, a revoked and an ended one, and for one whose maker may not
    sign in any more. Its membership, user and organisation come along."""
    found = WallLink.objects.filter(
        token_sha256=secrets.fingerprint(token),
        revoked_at=None,
        expires_at__gt=now,
        membership__user__is_active=True,
    )
    return found.select_related("membership__user", "organisation").first()


def viewer(link: WallLink) -> Actor:
    """Whoever stands before the wall: the maker's sites, and no right but to look."""
    return replace(actor_for(link.membership), role=Role.VIEWER, label=link.name)


def note_seen(link: WallLink, now: datetime) -> None:
    """Writes seen_at at most once a minute."""
    if link.seen_at is None or now - link.seen_at >= NOTED_EVERY:
        stale = Q(seen_at=None) | Q(seen_at__lte=now - NOTED_EVERY)
        WallLink.objects.filter(stale, pk=link.pk).update(seen_at=now)
