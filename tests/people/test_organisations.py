"""The first owner, by command."""

import pytest
from django.core.management import CommandError, call_command

from people.models import Membership

pytestmark = pytest.mark.django_db


def test_create_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWNER_PASSWORD", "a long enough password")
    call_command("create_owner", "Me@Example.com", "--organisation", "House")
    row = Membership.objects.get()
    assert (row.user.email, row.role, row.organisation.name, row.user.is_staff) == (
        "me@example.com",
        "owner",
        "House",
        False,
    )
    assert row.user.check_password("a long enough password")
    with pytest.raises(CommandError, match="has an account already"):
        call_command("create_owner", "me@example.com", "--organisation", "Other")


@pytest.mark.parametrize(("email", "password"), [("me", "a long enough password"), ("me@example.com", "short")])
def test_create_owner_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, email: str, password: str) -> None:
    monkeypatch.setenv("OWNER_PASSWORD", password)
    with pytest.raises(CommandError):
        call_command("create_owner", email, "--organisation", "House")
    assert Membership.objects.count() == 0
