"""Who leaves an organisation has left at once: the pages that are open, the keys, the links; and two cannot both go."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test import Client

from people import api_keys, invitations, members
from people.models import ApiKey, Invitation, Membership
from people.roles import Role
from tests import factories

NOW = factories.NOW


def key_of(membership: Membership) -> Client:
    _key, plain = api_keys.mint(membership=membership, name="key", now=NOW)
    return Client(headers={"Authorization": f"Bearer {plain}"})


@pytest.mark.django_db
def test_a_removed_member_sees_nothing_more() -> None:
    owner = factories.member()
    leaver = factories.member(Role.MANAGER, organisation=owner.organisation)
    factories.site(owner.organisation, name="Harbour")
    page, key = factories.client_for(leaver), key_of(leaver)
    assert "Harbour" in page.get("/sites/").content.decode()
    assert key.get("/api/v1/sites").status_code == 200
    members.remove(actor=factories.actor(owner), membership=leaver, now=NOW)
    gone = page.get("/sites/")
    assert (gone.status_code, "Harbour" in gone.content.decode()) == (403, False)
    assert page.post("/organisation", {"organisation": owner.organisation_id}).status_code == 403
    assert key.get("/api/v1/sites").status_code == 401
    assert ApiKey.objects.count() == 0


@pytest.mark.django_db
def test_a_removed_member_of_two_is_in_the_other_one() -> None:
    owner, other = factories.member(), factories.member()
    guest = factories.member(Role.VIEWER, organisation=owner.organisation)
    Membership.objects.create(user=guest.user, organisation=other.organisation, role=Role.VIEWER)
    factories.site(owner.organisation, name="Harbour")
    factories.site(other.organisation, name="Hill")
    page = factories.client_for(guest)
    page.post("/organisation", {"organisation": owner.organisation_id})
    assert "Harbour" in page.get("/sites/").content.decode()
    members.remove(actor=factories.actor(owner), membership=guest, now=NOW)
    html = page.get("/sites/").content.decode()
    assert ("Harbour" in html, "Hill" in html) == (False, True)


@pytest.mark.django_db
def test_a_demoted_or_limited_member_is_so_at_the_next_click() -> None:
    owner = factories.member()
    member = factories.member(Role.MANAGER, organisation=owner.organisation)
    site = factories.site(owner.organisation)
    page, actor = factories.client_for(member), factories.actor(owner)
    edit = f"/sites/{site.pk}/edit/"
    assert page.get(edit).status_code == 200
    members.change(actor=actor, membership=member, role=Role.VIEWER, site_ids=None, now=NOW)
    assert (page.get(edit).status_code, page.get(f"/sites/{site.pk}/").status_code) == (404, 200)
    members.change(actor=actor, membership=member, role=Role.VIEWER, site_ids=[], now=NOW)
    assert page.get(f"/sites/{site.pk}/").status_code == 404


@pytest.mark.django_db
def test_somebody_who_may_no_longer_sign_in_is_signed_out() -> None:
    member = factories.member()
    page, key = factories.client_for(member), key_of(member)
    member.user.is_active = False
    member.user.save()
    assert page.get("/sites/").headers["Location"].startswith("/accounts/login/")
    assert key.get("/api/v1/sites").status_code == 401


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Each deed on a connection of its own, all together; the names of what they raised, empty for success."""

    def do(deed: Callable[[], object]) -> str:
        try:
            deed()
        except (members.LastOwner, invitations.NotOpen) as refused:
            return type(refused).__name__
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(len(deeds)) as pool:
        return sorted(pool.map(do, deeds))


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_go_at_once_leave_one_behind() -> None:
    first = factories.member()
    second = factories.member(organisation=first.organisation)
    deeds = [
        lambda: members.remove(actor=factories.actor(first), membership=second, now=NOW),
        lambda: members.change(
            actor=factories.actor(second), membership=first, role=Role.VIEWER, site_ids=None, now=NOW
        ),
    ]
    assert at_once(*deeds) == ["", "LastOwner"]
    assert Membership.objects.filter(organisation=first.organisation, role=Role.OWNER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_on_an_invitation_one_joins() -> None:
    owner = factories.member()
    row, token = invitations.create(
        actor=factories.actor(owner), email="new@example.com", role=Role.VIEWER, site_ids=None, now=NOW
    )

    def join() -> None:
        invitations.accept_as_new(token=token, name="New", password="a long password", now=NOW)

    assert at_once(join, join, join) == ["", "NotOpen", "NotOpen"]
    assert Membership.objects.filter(user__email=row.email).count() == 1


@pytest.mark.django_db
def test_an_invitation_withdrawn_while_it_is_accepted_stays_withdrawn() -> None:
    owner = factories.member()
    row, token = invitations.create(
        actor=factories.actor(owner), email="new@example.com", role=Role.VIEWER, site_ids=None, now=NOW
    )

    def withdraw_first(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        if sql.startswith('UPDATE "people_invitation"'):
            with connection.cursor() as cursor:
                cursor.cursor.execute("UPDATE people_invitation SET revoked_at = now() WHERE id = %s", [row.pk])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(withdraw_first), pytest.raises(invitations.NotOpen):
        invitations.accept_as_new(token=token, name="New", password="a long password", now=NOW)
    assert Invitation.objects.get().accepted_at is None
