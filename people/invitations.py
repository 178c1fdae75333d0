"""Invitations by e-mail: made with a link that works once within seven days, revoked, accepted."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from lib import secrets
from people import audit, members
from people.access import actor_for
from people.actor import Actor
from people.models import Invitation, Membership, User
from people.roles import Role

VALID_FOR = timedelta(days=7)


class AlreadyMember(Exception):
    """The address belongs to a member of this organisation."""


class NotOpen(Exception):
    """Accepted before, revoked, expired or never made: all alike to whoever holds the link."""


class WrongPerson(Exception):
    """The invitation is for another address."""


@transaction.atomic
def create(
    *, actor: Actor, email: str, role: Role, site_ids: Iterable[int] | None, now: datetime
) -> tuple[Invitation, str]:
    """Returns the row and the link's token, which is stored nowhere. A new invitation replaces an open one.

    Raises AlreadyMember, members.OwnerUnlimited.
    """
    address, sites = email.strip().lower(), members.limit(role, site_ids)
    if Membership.objects.filter(organisation_id=actor.organisation_id, user__email=address).exists():
        raise AlreadyMember
    Invitation.objects.visible_to(actor).filter(email=address, accepted_at=None, revoked_at=None).update(revoked_at=now)
    token = secrets.new_token()
    row = Invitation.objects.create(
        organisation_id=actor.organisation_id,
        email=address,
        role=role,
        site_ids=sites,
        token_hash=secrets.fingerprint(token),
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    audit.record(actor=actor, verb="invitation.created", subject=address, now=now, role=role)
    return row, token


@transaction.atomic
def revoke(*, actor: Actor, invitation: Invitation, now: datetime) -> Invitation:
    """Its link stops working. A second call, or one after acceptance, changes nothing."""
    open_rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if open_rows.update(revoked_at=now):
        audit.record(actor=actor, verb="invitation.revoked", subject=invitation.email, now=now)
    invitation.refresh_from_db()
    return invitation


def find(token: str, now: datetime) -> Invitation | None:
    """The invitation that this token still opens."""
    rows = Invitation.objects.filter(token_hash=secrets.fingerprint(token), accepted_at=None, revoked_at=None)
    return rows.filter(expires_at__gt=now).select_related("organisation").first()


@transaction.atomic
def accept(*, token: str, user: User, now: datetime) -> Membership:
    """The signed-in person joins. Raises NotOpen, WrongPerson."""
    row = _claim(token, now)
    if user.email != row.email:
        raise WrongPerson
    return _join(row, user, now)


@transaction.atomic
def accept_as_new(*, token: str, name: str, password: str, now: datetime) -> Membership:
    """A person who has no account gets one. Raises NotOpen, WrongPerson when the address has an account already."""
    row = _claim(token, now)
    if User.objects.filter(email=row.email).exists():
        raise WrongPerson
    return _join(row, User.objects.create_user(row.email, password, name=name), now)


def _claim(token: str, now: datetime) -> Invitation:
    row = find(token, now)
    if row is None:
        raise NotOpen
    # The conditional update lets one of two clicks win, and a withdrawal that came first.
    if not Invitation.objects.filter(pk=row.pk, accepted_at=None, revoked_at=None).update(accepted_at=now):
        raise NotOpen
    return row


def _join(row: Invitation, user: User, now: datetime) -> Membership:
    membership, _made = Membership.objects.get_or_create(
        user=user, organisation_id=row.organisation_id, defaults={"role": row.role, "site_ids": row.site_ids}
    )
    audit.record(actor=actor_for(membership), verb="invitation.accepted", subject=row.email, now=now)
    return membership
