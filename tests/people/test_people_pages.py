"""The pages of people as somebody uses them: wrong values keep what was typed, the admin panel says what it is."""

import pytest
from django.test import Client
from django.urls import reverse

from people.models import Invitation, Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member(Role.OWNER)


def test_a_wrong_address_loses_neither_role_nor_ticked_sites(owner: Membership) -> None:
    site = factories.site(owner.organisation)
    form = {"email": "kim@", "role": "operator", "limited": "on", "site": str(site.pk)}
    html = factories.client_for(owner).post(reverse("settings_people"), form).content.decode()
    assert 'value="kim@"' in html
    assert '<option value="operator" selected>' in html
    assert f"?chosen={site.pk}" in html
    assert Invitation.objects.count() == 0


def test_an_address_longer_than_any_is_refused_at_its_field(owner: Membership) -> None:
    form = {"email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example.com", "role": "viewer"}
    answer = factories.client_for(owner).post(reverse("settings_people"), form)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["email"])


def test_a_limit_to_no_site_is_refused(owner: Membership) -> None:
    form = {"email": "kim@example.com", "role": "viewer", "limited": "on"}
    html = factories.client_for(owner).post(reverse("settings_people"), form).content.decode()
    assert "Tick at least one site, or leave this off." in html
    assert Invitation.objects.count() == 0


def test_keys_that_work_stand_before_revoked_ones(owner: Membership) -> None:
    client = factories.client_for(owner)
    for name in ("first", "second"):
        client.post(reverse("settings_keys"), {"name": name})
    first = client.get(reverse("settings_keys")).context["keys"][1]
    client.post(reverse("settings_key_revoke", args=[first.pk]))
    client.post(reverse("settings_keys"), {"name": "third"})
    assert [key.name for key in client.get(reverse("settings_keys")).context["keys"]] == ["third", "second", "first"]


def test_the_admin_panel_says_what_it_is_to_those_who_may_not_enter(owner: Membership) -> None:
    answer = factories.client_for(owner).get("/admin/", follow=True)
    assert answer.status_code == 403
    html = answer.content.decode()
    assert "This is the admin panel" in html
    assert owner.user.email in html
    assert reverse("account_logout") in html


def test_sign_in_asks_in_our_words_and_offers_a_reset_once() -> None:
    html = Client().get(reverse("account_login")).content.decode()
    assert "E-mail address" in html
    assert html.count(reverse("account_reset_password")) == 1
