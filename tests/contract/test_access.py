"""Keys, environments and the request limit."""

import pytest

from eevion import Client, RateLimited, Rejected
from tests.contract.vendor import Vendor


def test_a_wrong_key_is_an_auth_error(vendor: Vendor) -> None:
    with pytest.raises(Rejected) as caught:
        Client(vendor.url, "no-such-key").start_session(station_id=vendor.station())
    assert (caught.value.status, caught.value.is_auth) == (401, True)


def test_staging_and_production_see_nothing_of_each_other(vendor: Vendor) -> None:
    station = vendor.station(environment="staging")
    staging, production = vendor.client(environment="staging"), vendor.client()
    session_id = staging.start_session(station_id=station).session_id
    assert staging.get_session(session_id).session_id == session_id
    for call in (lambda: production.get_session(session_id), lambda: production.start_session(station_id=station)):
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.is_unknown


@pytest.mark.parametrize(("environment", "is_staging"), [("production", True), ("staging", False)])
def test_a_key_in_the_wrong_environment_is_not_allowed(vendor: Vendor, environment: str, is_staging: bool) -> None:
    client = Client(vendor.url, vendor.key(environment=environment), staging=is_staging)
    with pytest.raises(Rejected) as caught:
        client.list_jobs(since=vendor.now())
    assert (caught.value.status, caught.value.is_auth) == (403, True)


def test_the_request_over_the_limit_is_refused_and_does_not_happen(vendor: Vendor) -> None:
    station, key = vendor.station(connectors=4), vendor.key(limit=3)
    client = Client(vendor.url, key)
    for _ in range(3):
        client.start_session(station_id=station)
    with pytest.raises(RateLimited) as caught:
        client.start_session(station_id=station)
    assert 50 <= caught.value.retry_after_s <= 60
    assert len(vendor.sessions(station)) == 3
    arrivals = vendor.ask(f"arrivals?key={key}")
    assert (arrivals["accepted"], arrivals["refused_429"], arrivals["max_in_any_window"]) == (3, 1, 3)


def test_every_call_is_exactly_one_request(vendor: Vendor) -> None:
    station, key = vendor.station(), vendor.key()
    client, since = Client(vendor.url, key), vendor.now()
    session_id = client.start_session(station_id=station).session_id
    client.get_session(session_id)
    client.stop_session(session_id)
    client.manage_stations(station_ids=[station], set_message="Hello")
    client.list_jobs(since=since)
    client.list_exceptions(since=since)
    client.report(from_=since, to=since)
    assert len(vendor.ask(f"arrivals?key={key}")["arrivals"]) == 7
