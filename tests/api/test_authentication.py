"""Who may call: a Bearer key that is known and not revoked."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from api import wrong_keys
from people import api_keys, members
from people.models import ApiKey, User
from people.roles import Role
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


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


def test_many_wrong_keys_are_slowed_and_the_right_one_is_not() -> None:
    right = Api(factories.member())
    wrong = Client(headers={"Authorization": "Bearer ch_live_wrong"}, REMOTE_ADDR="203.0.113.7")
    got = [wrong.get("/api/v1/sites") for _ in range(wrong_keys.LIMIT + 1)]
    assert [answer.status_code for answer in got] == [401] * wrong_keys.LIMIT + [429]
    assert got[-1].json()["error"]["code"] == "too_many_wrong_keys"
    assert got[-1].headers["Retry-After"] == "60"
    assert right.http.get("/api/v1/sites", REMOTE_ADDR="203.0.113.7").status_code == 200
    assert Client().get("/api/v1/sites", REMOTE_ADDR="203.0.113.8").status_code == 401


def test_a_key_ends_with_its_membership_and_follows_its_role() -> None:
    owner = factories.member()
    operator = factories.member(Role.OPERATOR, organisation=owner.organisation)
    station = factories.station(factories.site(owner.organisation))
    api, actor = Api(operator), factories.actor(owner)
    ask = {"station": station.pk, "connector": 9}
    assert api.post("sessions", ask)[0] == 422
    members.change(actor=actor, membership=operator, role=Role.VIEWER, site_ids=[], now=factories.NOW)
    assert api.post("sessions", ask)[0] == 403
    assert api.get("stations")[1]["results"] == []
    members.remove(actor=actor, membership=operator, now=factories.NOW)
    assert api.get("stations")[0] == 401


def test_a_key_of_somebody_who_may_no_longer_sign_in() -> None:
    api = Api(factories.member())
    User.objects.update(is_active=False)
    assert api.get("sites")[0] == 401
