"""Signing in and out, demo logins, the theme."""

import pytest
from django.test import Client

from people.models import User
from tests import factories

pytestmark = pytest.mark.django_db
SENTENCE = "Demo logins work only on the machine that runs Chargehand."


def sign_in(email: str, **headers: str) -> tuple[int, str]:
    data = {"login": email, "password": factories.PASSWORD}
    answer = Client(**headers).post("/accounts/login/", data)
    return answer.status_code, answer.headers.get("Location", "") or answer.content.decode()


def test_page_is_under_the_strict_policy_and_has_no_inline_script() -> None:
    answer = Client().get("/accounts/login/")
    assert answer.status_code == 200
    assert b"<script>" not in answer.content
    assert b" style=" not in answer.content


def test_right_and_wrong_password() -> None:
    user = factories.member().user
    assert sign_in(user.email.upper()) == (302, "/")
    answer = Client().post("/accounts/login/", {"login": user.email, "password": "wrong"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in answer.client.session


@pytest.mark.parametrize(
    ("demo", "headers", "status"),
    [
        (True, {}, 302),
        (True, {"REMOTE_ADDR": "::1"}, 302),
        (True, {"REMOTE_ADDR": "192.0.2.7"}, 200),
        (True, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 200),
        (False, {}, 200),
    ],
)
def test_demo_login_on_loopback_only(settings: object, demo: bool, headers: dict[str, str], status: int) -> None:
    settings.DEMO = demo  # type: ignore[attr-defined]
    user = factories.member().user
    User.objects.filter(pk=user.pk).update(is_demo=True)
    got, text = sign_in(user.email, **headers)
    assert got == status
    assert (SENTENCE in text) == (status == 200)


def test_nobody_signs_up() -> None:
    answer = Client().post(
        "/accounts/signup/", {"email": "new@example.com", "password1": "x" * 12, "password2": "x" * 12}
    )
    assert answer.status_code == 200
    assert b"by invitation" in answer.content
    assert User.objects.count() == 0


def test_password_reset_by_mail(mailoutbox: list[object]) -> None:
    user = factories.member().user
    client = Client()
    assert client.post("/accounts/password/reset/", {"email": user.email}).status_code == 302
    assert client.post("/accounts/password/reset/", {"email": "nobody@example.com"}).status_code == 302
    text = mailoutbox[0].body  # type: ignore[attr-defined]
    link = next(word for word in text.split() if "/password/reset/key/" in word)
    form = client.get(link, follow=True)
    path = form.redirect_chain[-1][0]
    done = client.post(path, {"password1": "another long password", "password2": "another long password"})
    assert done.status_code == 302
    user.refresh_from_db()
    assert user.check_password("another long password")
    assert b"no longer works" in Client().get(link, follow=True).content


def test_change_password_needs_the_old_one() -> None:
    membership = factories.member()
    client = factories.client_for(membership)
    new = {"password1": "another long password", "password2": "another long password"}
    assert client.post("/accounts/password/change/", {"oldpassword": "wrong", **new}).status_code == 200
    assert client.post("/accounts/password/change/", {"oldpassword": factories.PASSWORD, **new}).status_code == 302


def test_signed_out_goes_to_sign_in_and_a_poll_is_told_so() -> None:
    answer = Client().get("/settings/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/settings/")
    board = {"Referer": "http://testserver/?tab=live&q=van"}
    poll = Client().get("/live/rows", headers=board | {"HX-Request": "true"})
    there = "/accounts/login/?next=/%3Ftab%3Dlive%26q%3Dvan"
    assert (poll.status_code, poll.headers["HX-Redirect"]) == (401, there)


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/settings/people/?a=1", "/settings/people/%3Fa%3D1"),
        ("https://evil.example/settings/", "/"),
        ("", "/"),
    ],
    ids=["ours", "foreign", "none"],
)
def test_a_button_pressed_after_the_session_ended_leads_back_to_its_page(referer: str, page: str) -> None:
    answer = Client().post("/settings/invitations/1/revoke", headers={"Referer": referer})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={page}")
    again = Client().post("/settings/invitations/1/revoke", follow=True)
    assert b"You were signed out meanwhile, so nothing was changed." in again.content


def test_member_of_nothing_is_told_so() -> None:
    client = Client()
    client.force_login(
        User.objects.create_user("alone@example.com"), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    answer = client.get("/settings/")
    assert answer.status_code == 403
    assert b"You belong to no organisation" in answer.content


@pytest.mark.parametrize(
    ("target", "location"), [("/settings/", "/settings/"), ("https://evil.example/", "/"), ("", "/")]
)
def test_preferences(target: str, location: str) -> None:
    client = Client()
    answer = client.post("/preferences", {"theme": "dark", "keys": "off", "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, location)
    assert (client.cookies["theme"].value, client.cookies["keys"].value) == ("dark", "off")
    client.post("/preferences", {"theme": "<b>"})
    assert client.cookies["theme"].value == "dark"
    assert client.get("/preferences").status_code == 405


def test_switch_organisation() -> None:
    first = factories.member()
    other = factories.organisation("The other house")
    client = factories.client_for(first)
    assert client.post("/organisation", {"organisation": other.pk}).status_code == 404
    first.user.memberships.create(organisation=other, role="viewer")
    assert client.post("/organisation", {"organisation": other.pk}).status_code == 302
    page = client.get("/settings/").content.decode()
    assert "<span>The other house" in page
    assert "settings/people" not in page
