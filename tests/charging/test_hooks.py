"""The doors for the vendor's webhooks: stored before they are answered, whatever the body and whoever is down."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fleet import hooks
from fleet.models import RawMessage
from fleet.models.message import HookKind
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
NAMES = [("hook_session", HookKind.SESSION), ("hook_job", HookKind.JOB), ("hook_exception", HookKind.EXCEPTION)]


@pytest.fixture(autouse=True)
def reachable(settings: Any) -> None:
    settings.PUBLIC_URL = "https://chargehand.example"


def path(kind: HookKind) -> str:
    url = hooks.mint(account=factories.account(), kind=kind, now=NOW)[1]
    assert url is not None
    return url.removeprefix("https://chargehand.example")


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_bytes_are_kept_and_answered_even_without_a_broker(name: str, kind: HookKind) -> None:
    where = path(kind)
    assert where == reverse(name, args=[where.rpartition("/")[2]])
    answer = Client(enforce_csrf_checks=True).post(where, b"\x00\xff rubbish", content_type="text/plain")
    assert answer.status_code == 200
    assert [bytes(row.body) for row in RawMessage.objects.all()] == [b"\x00\xff rubbish"]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_a_token_of_nobody_is_a_plain_404(name: str, kind: HookKind) -> None:
    answer = Client().post(reverse(name, args=["x" * 43]), b"{}", content_type="application/json")
    assert (answer.status_code, answer.content) == (404, b"not found\n")
    assert RawMessage.objects.count() == 0


def test_a_token_opens_only_its_own_door() -> None:
    token = path(HookKind.SESSION).rpartition("/")[2]
    answer = Client().post(reverse("hook_job", args=[token]), b"{}", content_type="application/json")
    assert answer.status_code == 404


def test_the_same_bytes_again_are_counted() -> None:
    where = path(HookKind.SESSION)
    for _ in range(3):
        assert Client().post(where, b"{}", content_type="application/json").status_code == 200
    assert [row.times for row in RawMessage.objects.all()] == [3]


def test_only_the_beginning_of_a_megabyte_is_kept(settings: Any) -> None:
    assert Client().post(path(HookKind.JOB), b"x" * 1_048_576, content_type="text/plain").status_code == 200
    row = RawMessage.objects.get()
    assert (len(row.body), row.truncated) == (settings.HOOK_MAX_BYTES, True)


def test_a_get_is_refused() -> None:
    assert Client().get(path(HookKind.SESSION)).status_code == 405
