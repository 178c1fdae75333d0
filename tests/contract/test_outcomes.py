"""What the client says when an answer goes wrong, beside what the ledger says really happened."""

from collections.abc import Callable

import pytest

from eevion import Client, EevionError, NotSent, OutcomeUnknown, Rejected, SessionStatus, UnexpectedPayload
from tests.contract.vendor import Vendor

HAPPENED, DID_NOT = 1, 0


@pytest.mark.parametrize(
    ("fault", "error", "status", "really"),
    [
        ("lostReply", OutcomeUnknown, None, HAPPENED),
        ("lostRequest", OutcomeUnknown, None, DID_NOT),
        ("errorAfter", OutcomeUnknown, 500, HAPPENED),
        ("error", OutcomeUnknown, 500, DID_NOT),
        ("cutOff", OutcomeUnknown, 202, HAPPENED),
        ("drip", OutcomeUnknown, 202, HAPPENED),
        ("slow", OutcomeUnknown, None, HAPPENED),
        ("invalidJson", UnexpectedPayload, 202, HAPPENED),
        ("refuse", Rejected, 422, DID_NOT),
    ],
)
@pytest.mark.parametrize("call", ["session.start", "manage"])
def test_a_call_that_changes_something(
    vendor: Vendor, call: str, fault: str, error: type[EevionError], status: int | None, really: int
) -> None:
    station, client = vendor.station(), vendor.client(timeout_s=0.5)
    calls: dict[str, Callable[[], object]] = {
        "session.start": lambda: client.start_session(station_id=station),
        "manage": lambda: client.manage_stations(station_ids=[station], set_message="Hello"),
    }
    vendor.fault(call, fault, slow_s=1.0, drip_interval_s=0.1)
    with pytest.raises(error) as caught:
        calls[call]()
    assert type(caught.value) is error
    assert caught.value.status == status
    entries = vendor.sessions(station) + vendor.jobs(station)
    assert len(entries) == really
    # Whoever is told "no" may rely on it; whoever is told "unknown" may not rely on anything.
    assert caught.value.may_have_happened or really == DID_NOT
    if fault == "lostReply":
        assert entries[0]["replyLost"] is True


def test_a_stop_whose_reply_is_lost_is_seen_by_a_read(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station)
    session_id = client.start_session(station_id=station).session_id
    vendor.fault("session.stop", "lostReply")
    with pytest.raises(OutcomeUnknown):
        client.stop_session(session_id)
    vendor.advance(5)
    assert client.get_session(session_id).status is SessionStatus.STOPPED


def test_a_manage_whose_reply_is_lost_is_found_in_the_history(vendor: Vendor) -> None:
    station, client, since = vendor.station(), vendor.client(), vendor.now()
    vendor.fault("manage", "lostReply")
    with pytest.raises(OutcomeUnknown):
        client.manage_stations(station_ids=[station], tariff_id="fee_l2_public")
    found = [job for job in client.list_jobs(since=since).jobs if station in job.station_ids]
    assert [job.tariff_id for job in found] == ["fee_l2_public"]


@pytest.mark.parametrize("fault", ["lostReply", "error", "cutOff", "invalidJson"])
def test_a_read_that_goes_wrong_can_be_repeated(vendor: Vendor, fault: str) -> None:
    station, client = vendor.station(), vendor.client()
    session_id = client.start_session(station_id=station).session_id
    vendor.fault("session.get", fault)
    with pytest.raises(OutcomeUnknown):
        client.get_session(session_id)
    assert client.get_session(session_id).status is SessionStatus.PENDING


def test_a_slow_answer_within_the_deadline_is_an_answer(vendor: Vendor) -> None:
    station = vendor.station()
    vendor.fault("session.start", "slow", slow_s=0.2)
    assert vendor.client().start_session(station_id=station).http_status == 202


def test_a_sandbox_that_is_down_was_not_sent_anything() -> None:
    vendor = Vendor()
    client, station = vendor.client(), vendor.station()
    vendor.close()
    with pytest.raises(NotSent):
        Client(client.base_url, "any-key").start_session(station_id=station)
