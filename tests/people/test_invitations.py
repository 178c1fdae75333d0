"""Invitations: seven days, one use, the right person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from people import invitations
from people.models import Invitation, Membership, User
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW


def invite(owner: Membership, email: str = "new@example.com", **fields: object) -> tuple[Invitation, str]:
    values: dict = {"role": Role.OPERATOR, "site_ids": None, "now": NOW} | fields
    return invitations.create(actor=factories.actor(owner), email=email, **values)


def test_new_person_joins_once() -> None:
    owner = factories.member()
    row, token = invite(owner, " New@Example.com", site_ids=[5])
    assert (row.email, token in str(Invitation.objects.values())) == ("new@example.com", False)
    joined = invitations.accept_as_new(token=token, name="New", password="a long password", now=NOW)
    assert (joined.organisation, joined.role, joined.site_ids) == (owner.organisation, Role.OPERATOR, [5])
    with pytest.raises(invitations.NotOpen):
        invitations.accept(token=token, user=joined.user, now=NOW)


@pytest.mark.parametrize(("later", "is_open"), [(timedelta(days=7, seconds=-1), True), (timedelta(days=7), False)])
def test_seven_days(later: timedelta, is_open: bool) -> None:
    _row, token = invite(factories.member())
    assert (invitations.find(token, NOW + later) is not None) == is_open


def test_again_replaces_and_revoked_is_gone() -> None:
    owner = factories.member()
    _first, old = invite(owner)
    second, new = invite(owner)
    assert invitations.find(old, NOW) is None
    assert invitations.find(new, NOW) == second
    invitations.revoke(actor=factories.actor(owner), invitation=second, now=NOW)
    assert invitations.find(new, NOW) is None


def test_member_and_wrong_person_are_refused() -> None:
    owner = factories.member()
    with pytest.raises(invitations.AlreadyMember):
        invite(owner, owner.user.email)
    _row, token = invite(owner)
    with pytest.raises(invitations.WrongPerson):
        invitations.accept(token=token, user=factories.member().user, now=NOW)
    assert invitations.find(token, NOW) is not None


def test_from_mail_to_member(mailoutbox: list[object]) -> None:
    owner = factories.member()
    page = factories.client_for(owner).post("/settings/people/", {"email": "new@example.com", "role": "viewer"})
    assert page.status_code == 200
    link = next(word for word in mailoutbox[0].body.split() if "/invitations/" in word)  # type: ignore[attr-defined]
    assert link in page.content.decode()
    client = Client()
    assert client.get(link).status_code == 200
    assert client.post(link, {"name": "New", "password": "short"}).status_code == 200
    assert client.post(link, {"name": "New", "password": "a long enough one"}).headers["Location"] == "/"
    assert client.get("/settings/").status_code == 200
    assert User.objects.get(email="new@example.com").memberships.get().role == "viewer"
    assert client.get(link).status_code == 404


def test_signed_in_person_joins_and_another_does_not() -> None:
    owner, other = factories.member(), factories.member()
    _row, token = invite(owner, other.user.email, now=factories.NOW + timedelta(days=3650))
    link = reverse("invitation", args=[token])
    assert b"Sign in to join" in Client().get(link).content
    assert b"Sign out, then open" in factories.client_for(factories.member()).post(link).content
    assert factories.client_for(other).post(link).status_code == 302
    assert other.user.memberships.filter(organisation=owner.organisation).count() == 1


def test_withdraw_on_the_page() -> None:
    owner = factories.member()
    row, _token = invite(owner)
    client = factories.client_for(owner)
    assert client.get(f"/settings/invitations/{row.pk}/revoke").status_code == 405
    assert client.post(f"/settings/invitations/{row.pk}/revoke").status_code == 302
    row.refresh_from_db()
    assert row.revoked_at is not None
