"""Members of an organisation: their role, the sites they are limited to, and leaving. It always keeps an owner."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from people import audit
from people.actor import Actor
from people.models import Membership, Organisation
from people.roles import Role


class LastOwner(Exception):
    """The organisation would be left without an owner who can sign in; its name is the argument."""


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
        keep_an_owner(Membership.objects.filter(pk=row.pk))
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
    keep_an_owner(Membership.objects.filter(pk=row.pk))
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


def keep_an_owner(leaving: QuerySet[Membership]) -> None:
    """Raises LastOwner where nobody who can sign in would own an organisation once these memberships left, or are no
    longer an owner's. Within the caller's transaction, which makes the change: the organisations wait until it ends."""
    _lock(leaving)
    owners = Membership.objects.filter(role=Role.OWNER)
    staying = owners.filter(user__is_active=True).exclude(pk__in=leaving.values("pk"))
    losing = owners.filter(pk__in=leaving.values("pk")).exclude(organisation__in=staying.values("organisation"))
    if bereft := losing.select_related("organisation").order_by("organisation__name").first():
        raise LastOwner(bereft.organisation.name)


def _locked(membership: Membership) -> Membership:
    _lock(Membership.objects.filter(pk=membership.pk))
    return Membership.objects.select_related("user").get(pk=membership.pk)


def _lock(memberships: QuerySet[Membership]) -> None:
    # The organisation's row first: two owners who demote each other at once must come one after the other.
    homes = Organisation.objects.filter(pk__in=memberships.values("organisation")).order_by("pk")
    list(homes.select_for_update().values_list("pk"))
