"""Sessions by API: started once, refused with a code and a time, stopped, found again."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from charging.models import Session
from charging.models.session import State
from fleet.models import Station
from lib import clock
from people.models import AuditEntry, Membership
from people.roles import Role
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation), connectors=1, vendor_id="HC-1")


def test_start_answers_before_the_vendor(owner: Membership, station: Station) -> None:
    api = Api(owner)
    answer = api.http.post(
        "/api/v1/sessions", {"station": "HC-1", "connector": 1, "reference": "van 7"}, content_type="application/json"
    )
    row = Session.objects.get()
    body = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1/sessions/{row.public_id}")
    assert {
        name: body[name] for name in ("id", "state", "station", "station_id", "connector", "reference", "origin")
    } == {
        "id": str(row.public_id),
        "state": "requested",
        "station": "HC-1",
        "station_id": station.pk,
        "connector": 1,
        "reference": "van 7",
        "origin": "api",
    }
    assert (row.api_key, row.requested_by) == (api.key, owner.user)
    assert AuditEntry.objects.get().actor_label == "test (API)"


def test_same_reference_returns_the_open_session(owner: Membership, station: Station) -> None:
    api = Api(owner)
    first = api.post("sessions", {"station": "HC-1", "reference": "van 7"})
    again = api.post("sessions", {"station": station.pk, "reference": "van 7"})
    assert (first[0], again) == (202, first)
    assert Session.objects.count() == 1


def test_busy_and_blocked_say_when_to_ask_again(owner: Membership, station: Station) -> None:
    api = Api(owner)
    open_one = factories.session(station, connector=station.connectors.get())
    ask = {"station": "HC-1", "reference": "van 8"}
    answer = api.http.post("/api/v1/sessions", ask, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["Retry-After"]) == (
        409,
        "in_session",
        "10",
    )
    until = clock.now() + timedelta(seconds=120)
    Session.objects.filter(pk=open_one.pk).update(state=State.UNKNOWN, blocked_until=until)
    answer = api.http.post("/api/v1/sessions", ask, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "blocked")
    assert 110 <= int(answer.headers["Retry-After"]) <= 120


def test_refusals(owner: Membership, station: Station) -> None:
    api = Api(owner)
    factories.station(vendor_id="HC-9")
    code = lambda body: (lambda got: (got[0], got[1]["error"]["code"]))(api.post("sessions", body))  # noqa: E731
    assert code({"station": "HC-9"}) == (404, "not_found")
    assert code({"station": "nowhere"}) == (404, "not_found")
    assert code({"station": "HC-1", "connector": 2}) == (422, "no_such_connector")
    assert code({}) == (400, "invalid")
    assert code({"station": True}) == (400, "invalid")
    assert code({"station": "HC-1", "connector": 0}) == (400, "invalid")
    assert code({"station": "HC-1", "reference": "x" * 121}) == (400, "invalid")
    assert code([1]) == (400, "invalid")
    Station.objects.filter(pk=station.pk).update(lifecycle="planned")
    assert code({"station": "HC-1"}) == (422, "unavailable")
    assert Session.objects.count() == 0
    broken = api.http.post("/api/v1/sessions", "{", content_type="application/json")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "parse_error")
    assert api.http.put("/api/v1/sessions").json()["error"]["code"] == "method_not_allowed"


def test_the_role_of_the_keys_owner_decides(owner: Membership, station: Station) -> None:
    api = Api(factories.member(Role.ACCOUNTANT, organisation=owner.organisation))
    assert api.get("sessions")[0] == 200
    status, body = api.post("sessions", {"station": "HC-1"})
    assert (status, body["error"]["code"]) == (403, "forbidden")


def test_stop(owner: Membership, station: Station) -> None:
    row = factories.session(station, connector=station.connectors.get(), vendor_session_id="v1")
    api = Api(owner)
    status, body = api.post(f"sessions/{row.public_id}/stop")
    assert (status, body["stop_state"], body["state"]) == (202, "wanted", "charging")
    over = factories.session(station, state=State.COMPLETED)
    status, body = api.post(f"sessions/{over.public_id}/stop")
    assert (status, body["error"]["code"]) == (409, "not_stoppable")
    foreign = factories.session()
    assert api.post(f"sessions/{foreign.public_id}/stop")[0] == 404
    assert api.get(f"sessions/{foreign.public_id}")[0] == 404


def test_list_filters(owner: Membership, station: Station) -> None:
    now = factories.session(station, connector=station.connectors.get(), reference="van 7")
    past = factories.session(station, state=State.COMPLETED, reference="van 8", energy_kwh="12.5", cost="4.375")
    factories.session()
    api = Api(owner)
    ids = lambda **query: [row["id"] for row in api.get("sessions", **query)[1]["results"]]  # noqa: E731
    assert ids() == [str(past.public_id), str(now.public_id)]
    assert ids(state="open") == [str(now.public_id)]
    assert ids(state="ended") == ids(reference="van 8") == [str(past.public_id)]
    assert len(ids(station="HC-1")) == len(ids(station=station.pk)) == 2
    assert api.get("sessions", station="nowhere")[0] == 404
    assert api.get("sessions", state="asleep")[0] == 400
    body = api.get(f"sessions/{past.public_id}")[1]
    assert (body["energy_kwh"], body["cost"], body["currency"], body["connector"]) == ("12.500", "4.3750", "CAD", None)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"station":' * 10_000])
def test_json_that_is_nested_too_deeply_is_wrong_input(owner: Membership, body: bytes) -> None:
    answer = Api(owner).http.post("/api/v1/sessions", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parse_error")


def test_a_body_that_is_no_json_says_what_to_send(owner: Membership) -> None:
    answer = Api(owner).http.post("/api/v1/sessions", {"station": "HC-1"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "unsupported_media_type")
    assert "“Content-Type: application/json”" in error["message"]


def test_a_body_that_is_too_long_is_refused_before_it_is_read(owner: Membership, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    answer = Api(owner).http.post("/api/v1/sessions", b'"' + b"x" * 1024 + b'"', content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_long")
