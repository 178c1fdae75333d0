"""Who may call: a Bearer key that is known and not revoked."""

from datetime import timedelta

import pytest
from django.test import Client

from people import api_keys
from people.models import ApiKey
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("header", [None, "Bearer ch_live_wrong", "Bearer", "Basic dXNlcjpw", "Token x"])
def test_no_or_wrong_key_is_401(header: str | None) -> None:
    client = Client(headers={"Authorization": header} if header else {})
    answer = client.get("/api/v1/sites")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["error"]["code"] == "unauthorized"


def test_a_browser_session_is_no_key() -> None:
    assert factories.client_for(factories.member()).get("/api/v1/sites").status_code == 401


def test_key_works_until_revoked_and_its_use_is_noted() -> None:
    membership = factories.member()
    api = Api(membership)
    assert api.get("sites")[0] == 200
    assert ApiKey.objects.get().last_used_at is not None
    api_keys.revoke(actor=factories.actor(membership), key=api.key, now=factories.NOW + timedelta(days=1))
    assert api.get("sites")[0] == 401


def test_unknown_address_is_json_404() -> None:
    status, body = Api(factories.member()).get("nothing/here")
    assert (status, body["error"]["code"]) == (404, "not_found")
