"""The admin panel keeps an owner in every organisation, as the pages do, whichever way somebody would go."""

import pytest
from django.test import Client

from people import api_keys
from people.models import Membership, User
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
REFUSED = "This is the last owner of Fleet: make somebody else an owner first."


@pytest.fixture
def owner() -> Membership:
    """The last one, with a key of the API."""
    row = factories.member(organisation=factories.organisation("Fleet"))
    api_keys.mint(membership=row, name="driver app", now=factories.NOW)
    return row


@pytest.fixture
def client() -> Client:
    boss = factories.member(organisation=factories.organisation("House"))
    User.objects.filter(pk=boss.user_id).update(is_staff=True, is_superuser=True)
    return factories.client_for(boss)


def of_user(owner: Membership, **fields: object) -> dict[str, object]:
    return {"email": owner.user.email, "name": "Kim", "is_active": "on", **fields}


def deeds(owner: Membership) -> list[tuple[str, dict[str, object]]]:
    """Every way to take the last owner away: address, and what the form sends."""
    gone = of_user(owner)
    del gone["is_active"]
    many = {"action": "delete_selected", "post": "yes"}
    return [
        (f"/admin/people/membership/{owner.pk}/change/", {"role": "viewer", "site_ids": ""}),
        (f"/admin/people/membership/{owner.pk}/delete/", {"post": "yes"}),
        ("/admin/people/membership/", many | {"_selected_action": [owner.pk]}),
        (f"/admin/people/user/{owner.user_id}/change/", gone),
        (f"/admin/people/user/{owner.user_id}/delete/", {"post": "yes"}),
        ("/admin/people/user/", many | {"_selected_action": [owner.user_id]}),
    ]


WAYS = ("demoted", "removed", "removed among several", "closed", "deleted", "deleted among several")


@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
def test_the_last_owner_stays(client: Client, owner: Membership, way: int) -> None:
    factories.member(Role.MANAGER, organisation=owner.organisation)
    address, form = deeds(owner)[way]
    answer = client.post(address, form, follow=True)
    assert REFUSED in answer.content.decode()
    owner.refresh_from_db()
    assert (owner.role, owner.user.is_active, owner.api_keys.count()) == (Role.OWNER, True, 1)


@pytest.mark.parametrize("way", range(len(WAYS)), ids=WAYS)
def test_one_of_two_owners_may_go_and_takes_the_keys_along(client: Client, owner: Membership, way: int) -> None:
    second = factories.member(organisation=owner.organisation)
    address, form = deeds(owner)[way]
    answer = client.post(address, form, follow=True)
    assert REFUSED not in answer.content.decode()
    owners = Membership.objects.filter(organisation=owner.organisation, role=Role.OWNER, user__is_active=True)
    assert list(owners) == [second]


@pytest.mark.parametrize("page", ["membership", "user"])
def test_both_owners_at_once_may_not_go(client: Client, owner: Membership, page: str) -> None:
    second = factories.member(organisation=owner.organisation)
    rows = [owner.pk, second.pk] if page == "membership" else [owner.user_id, second.user_id]
    form = {"action": "delete_selected", "post": "yes", "_selected_action": rows}
    assert REFUSED in client.post(f"/admin/people/{page}/", form).content.decode()
    assert Membership.objects.filter(organisation=owner.organisation).count() == 2


def test_a_question_already_says_what_stands_in_the_way(client: Client, owner: Membership) -> None:
    for page, pk in (("membership", owner.pk), ("user", owner.user_id)):
        html = client.get(f"/admin/people/{page}/{pk}/delete/").content.decode()
        assert (REFUSED in html, 'name="post"' in html) == (True, False)


def test_an_owner_is_not_limited_and_a_membership_stays_where_it_is(client: Client, owner: Membership) -> None:
    elsewhere = factories.organisation("Elsewhere")
    address = f"/admin/people/membership/{owner.pk}/change/"
    assert "An owner sees every site" in client.post(address, {"role": "owner", "site_ids": "4"}).content.decode()
    client.post(address, {"role": "owner", "site_ids": "", "organisation": elsewhere.pk, "user": owner.user_id})
    owner.refresh_from_db()
    assert (owner.organisation.name, owner.site_ids) == ("Fleet", None)


def test_an_account_that_is_closed_already_can_be_renamed(client: Client, owner: Membership) -> None:
    User.objects.filter(pk=owner.user_id).update(is_active=False)
    address, form = deeds(owner)[WAYS.index("closed")]
    client.post(address, form)
    assert User.objects.get(pk=owner.user_id).name == "Kim"
