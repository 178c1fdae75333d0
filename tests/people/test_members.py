"""Roles and sites of members; an organisation always keeps an owner."""

import pytest

from people import members
from people.models import AuditEntry, Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW


def test_change_role_and_sites() -> None:
    owner = factories.member()
    row = factories.member(Role.VIEWER, organisation=owner.organisation)
    actor = factories.actor(owner)
    changed = members.change(actor=actor, membership=row, role=Role.OPERATOR, site_ids=[9, 4, 9], now=NOW)
    assert (changed.role, changed.site_ids) == (Role.OPERATOR, [4, 9])
    entry = AuditEntry.objects.get()
    assert entry.details["before"] == {"role": "viewer", "site_ids": None}
    members.change(actor=actor, membership=row, role=Role.OPERATOR, site_ids=[4, 9], now=NOW)
    assert AuditEntry.objects.count() == 1


def test_last_owner_stays() -> None:
    owner = factories.member()
    actor = factories.actor(owner)
    with pytest.raises(members.LastOwner):
        members.change(actor=actor, membership=owner, role=Role.MANAGER, site_ids=None, now=NOW)
    with pytest.raises(members.LastOwner):
        members.remove(actor=actor, membership=owner, now=NOW)
    second = factories.member(organisation=owner.organisation)
    members.remove(actor=actor, membership=owner, now=NOW)
    assert list(Membership.objects.all()) == [second]


def test_owner_of_a_closed_account_does_not_count() -> None:
    owner = factories.member()
    second = factories.member(organisation=owner.organisation)
    second.user.is_active = False
    second.user.save()
    with pytest.raises(members.LastOwner):
        members.remove(actor=factories.actor(owner), membership=owner, now=NOW)


def test_owner_cannot_be_limited() -> None:
    owner = factories.member()
    with pytest.raises(members.OwnerUnlimited):
        members.change(actor=factories.actor(owner), membership=owner, role=Role.OWNER, site_ids=[1], now=NOW)


def test_pages() -> None:
    owner = factories.member()
    row = factories.member(Role.VIEWER, organisation=owner.organisation)
    client = factories.client_for(owner)
    assert client.get("/settings/people/").status_code == 200
    page = f"/settings/people/{row.pk}/"
    assert client.get(page).status_code == 200
    data = {"role": "operator", "limited": "on", "sites": "3, 1", "site": ["7"]}
    assert client.post(page, data).status_code == 302
    row.refresh_from_db()
    assert (row.role, row.site_ids) == ("operator", [1, 3, 7])
    assert b"choose another role" in client.post(page, {"role": "owner", "limited": "on"}).content
    assert b"whole numbers" in client.post(page, {"role": "viewer", "limited": "on", "sites": "north"}).content
    mine = client.post(f"/settings/people/{owner.pk}/", {"role": "viewer"})
    assert b"the last owner" in mine.content
    assert client.get(f"{page}remove").status_code == 200
    assert client.post(f"{page}remove").status_code == 302
    assert list(Membership.objects.all()) == [owner]
    refused = client.post(f"/settings/people/{owner.pk}/remove", follow=True)
    assert b"the last owner" in refused.content
