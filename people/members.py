"""Members of an organisation: their role, the sites they are limited to, and leaving. It always keeps an owner."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from people import audit
from people.actor import Actor
from people.models import Membership, Organisation
from people.roles import Role


class LastOwner(Exception):
    """The organisation would be left without an owner."""


class OwnerUnlimited(Exception):
    """An owner sees every site: a limit to some sites does not go with the role."""


@transaction.atomic
def change(
    *, actor: Actor, membership: Membership, role: Role, site_ids: Iterable[int] | None, now: datetime
) -> Membership:
    """site_ids None: every site. Raises LastOwner, OwnerUnlimited."""
    sites = limit(role, site_ids)
    row = _locked(membership)
    if role != Role.OWNER:
        _refuse_last_owner(row)
    before = {"role": row.role, "site_ids": row.site_ids}
    row.role, row.site_ids = role, sites
    row.save(update_fields=["role", "site_ids"])
    after = {"role": row.role, "site_ids": row.site_ids}
    if before != after:
        audit.record(actor=actor, verb="member.changed", subject=str(row.user), now=now, before=before, after=after)
    return row


@transaction.atomic
def remove(*, actor: Actor, membership: Membership, now: datetime) -> str:
    """Takes the membership away, and its API keys with it; the person's account stays. Raises LastOwner."""
    row = _locked(membership)
    _refuse_last_owner(row)
    subject = str(row.user)
    row.delete()
    audit.record(actor=actor, verb="member.removed", subject=subject, now=now, role=row.role)
    return subject


def limit(role: Role, site_ids: Iterable[int] | None) -> list[int] | None:
    """The limit as it is stored: sorted, once each. Raises OwnerUnlimited."""
    if site_ids is None:
        return None
    if role == Role.OWNER:
        raise OwnerUnlimited
    return sorted(set(site_ids))


def _locked(membership: Membership) -> Membership:
    # The organisation's row first: two owners who demote each other at once must come one after the other.
    Organisation.objects.select_for_update().get(pk=membership.organisation_id)
    return Membership.objects.select_related("user").get(pk=membership.pk)


def _refuse_last_owner(row: Membership) -> None:
    if row.role != Role.OWNER:
        return
    owners = Membership.objects.filter(organisation_id=row.organisation_id, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=row.pk).exists():
        raise LastOwner
