"""The life of a session over HTTP: start to completion, expiry, stop, suspension, refusals."""

from typing import Any

import pytest

from tests.sandbox.vendor import Receiver, Vendor, wait_for


def test_a_whole_life(vendor: Vendor, receiver: Receiver) -> None:
    vendor.control(
        "plug", {"stationId": "S1", "connectorId": 2, "vehicle": {"capacity_kwh": 50, "soc": 0.5, "max_kw": 11}}
    )
    hook = f"{receiver.url}/hooks/1"
    session_id = vendor.start("S1", externalReference="r-1", webhookOnSessionComplete=hook)
    vendor.advance(3600)
    assert vendor.read(session_id) == {
        "sessionID": session_id,
        "stationId": "S1",
        "status": "charging",
        "cost": 2.3,
        "currency": "CAD",
        "energy": 7.2,
        "power": 7.2,
        "duration": 3600,
        "startedAt": "2026-01-08T17:00:00Z",
        "updatedAt": "2026-01-08T18:00:00Z",
        "chargingEndedAt": None,
        "completedAt": None,
        "endReason": None,
        "externalReference": "r-1",
    }
    assert vendor.ledger_session(session_id)["connectorId"] == 2
    vendor.control("unplug", {"stationId": "S1", "connectorId": 2})
    assert wait_for(receiver.bodies) == [
        {
            "sessionID": session_id,
            "stationId": "S1",
            "status": "completed",
            "cost": 2.3,
            "currency": "CAD",
            "energy": 7.2,
            "duration": 3600,
            "startedAt": "2026-01-08T17:00:00Z",
            "completedAt": "2026-01-08T18:00:00Z",
            "endReason": "EVDisconnected",
        }
    ]
    (told,) = wait_for(lambda: vendor.ledger_session(session_id)["webhooks"])
    assert (told["outcome"], told["status"], told["attempt"]) == ("delivered", 200, 1)
    assert vendor.read(session_id)["status"] == "completed"


def test_without_a_car_the_start_expires(vendor: Vendor, receiver: Receiver) -> None:
    session_id = vendor.start("S2", webhookOnSessionComplete=f"{receiver.url}/hooks/2")
    assert vendor.read(session_id)["status"] == "pending"
    vendor.advance(179)
    assert vendor.read(session_id)["status"] == "pending"
    vendor.advance(1)
    reading = vendor.read(session_id)
    assert (reading["status"], reading["endReason"], reading["cost"]) == ("expired", "StartTimeout", 0)
    assert [body["status"] for body in wait_for(receiver.bodies)] == ["expired"]
    assert vendor.call("POST", "session", json={"stationId": "S2"}).status_code == 202


def test_a_car_may_come_after_the_start(vendor: Vendor) -> None:
    session_id = vendor.start("S2")
    vendor.advance(60)
    vendor.control("plug", {"stationId": "S2"})
    assert vendor.read(session_id)["startedAt"] == "2026-01-08T17:01:00Z"


def test_a_full_car_suspends_and_completes_on_unplug(vendor: Vendor) -> None:
    vendor.control("plug", {"stationId": "S2", "vehicle": {"capacity_kwh": 10, "soc": "0.50", "max_kw": 7.2}})
    session_id = vendor.start("S2")
    vendor.advance(86_400)
    reading = vendor.read(session_id)
    assert (reading["status"], reading["statusReason"], reading["energy"]) == ("suspended", "SuspendedEV", 5.0)
    assert reading["chargingEndedAt"] < reading["updatedAt"]
    vendor.control("unplug", {"stationId": "S2"})
    assert vendor.read(session_id)["energy"] == 5.0


def test_stop_ends_energy_and_unplug_completes(vendor: Vendor) -> None:
    vendor.control("plug", {"stationId": "S2"})
    session_id = vendor.start("S2")
    vendor.advance(1000)
    stop = vendor.call("POST", f"session/{session_id}/stop")
    assert (stop.status_code, stop.json()) == (202, {"sessionID": session_id, "status": "stopping"})
    vendor.advance(500)
    reading = vendor.read(session_id)
    assert (reading["status"], reading["chargingEndedAt"]) == ("stopped", "2026-01-08T17:16:41Z")
    again = vendor.call("POST", f"session/{session_id}/stop")
    assert (again.status_code, again.json()["status"]) == (200, "stopped")
    assert vendor.call("POST", "session", json={"stationId": "S2"}).status_code == 409
    vendor.control("unplug", {"stationId": "S2"})
    done = vendor.read(session_id)
    assert (done["status"], done["endReason"], done["energy"]) == ("completed", "Remote", reading["energy"])


def test_a_withheld_session_resumes(vendor: Vendor) -> None:
    vendor.control("plug", {"stationId": "S2"})
    session_id = vendor.start("S2")
    vendor.advance(100)
    vendor.control("withhold", {"stationId": "S2"})
    vendor.advance(100)
    reading = vendor.read(session_id)
    assert (reading["status"], reading["statusReason"], reading["energy"]) == ("suspended", "SuspendedEVSE", 0.2)
    vendor.control("release", {"stationId": "S2"})
    vendor.advance(100)
    assert vendor.read(session_id)["energy"] == 0.4


def test_offline_readings_grow_old_and_the_end_is_told_later(vendor: Vendor, receiver: Receiver) -> None:
    vendor.control("plug", {"stationId": "S2"})
    session_id = vendor.start("S2", webhookOnSessionComplete=f"{receiver.url}/hooks/3")
    vendor.advance(1000)
    vendor.control("break", {"stationId": "S2", "kind": "offline"})
    vendor.advance(1000)
    assert vendor.read(session_id)["energy"] == 2.0
    assert vendor.ledger_session(session_id)["energy"] == 4.0
    assert vendor.call("POST", f"session/{session_id}/stop").status_code == 422
    vendor.control("unplug", {"stationId": "S2"})
    assert vendor.read(session_id)["status"] == "charging"
    assert receiver.received == []
    vendor.advance(1000)
    vendor.control("repair", {"stationId": "S2"})
    reading = vendor.read(session_id)
    assert (reading["energy"], reading["completedAt"]) == (4.0, "2026-01-08T17:33:20Z")
    assert [body["energy"] for body in wait_for(receiver.bodies)] == [4.0]


def test_a_fault_interrupts_and_raises_exceptions(vendor: Vendor, receiver: Receiver) -> None:
    vendor.control("exception-webhook", {"key": "sandbox-production-key", "url": f"{receiver.url}/hooks/x"})
    vendor.control("plug", {"stationId": "S2"})
    session_id = vendor.start("S2")
    vendor.advance(1000)
    vendor.control("break", {"stationId": "S2", "connectorId": 1, "kind": "faulted", "errorCode": "GroundFailure"})
    vendor.advance(1000)
    assert vendor.read(session_id)["energy"] == 2.0
    assert vendor.call("POST", "session", json={"stationId": "S2"}).status_code == 409
    vendor.control("unplug", {"stationId": "S2"})
    refused = vendor.call("POST", "session", json={"stationId": "S2"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "faulted")
    vendor.control("repair", {"stationId": "S2"})
    listed = vendor.call("GET", "exceptions").json()["exceptions"]
    assert [(e["type"], e["sessionID"], e["clearedAt"] is None) for e in listed] == [
        ("connectorFaulted", None, False),
        ("sessionInterrupted", session_id, False),
    ]
    wait_for(lambda: len(receiver.received) == 3)
    posted = sorted(
        (b["type"], b["clearedAt"]) for b in receiver.bodies() if b["type"] == "connectorFaulted" and b["clearedAt"]
    )
    assert posted == [("connectorFaulted", "2026-01-08T17:33:20Z")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"stationId": "nobody"}, 404, "notFound"),
        ({}, 400, "invalid"),
        ({"stationId": "S1", "connectorId": 3}, 400, "invalid"),
        ({"stationId": "S1", "connectorId": "one"}, 400, "invalid"),
        ({"stationId": "S1", "webhookOnSessionComplete": "ftp://x"}, 400, "invalid"),
        ([], 400, "invalid"),
    ],
)
def test_bad_starts(vendor: Vendor, body: Any, status: int, code: str) -> None:
    answer = vendor.call("POST", "session", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert vendor.control("ledger")["sessions"] == []


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"stationId": NaN}'])
def test_rubbish_is_refused(vendor: Vendor, body: bytes) -> None:
    assert vendor.call("POST", "session", data=body).status_code == 400


def test_one_open_session_per_connector_lowest_free_first(vendor: Vendor) -> None:
    first, second = vendor.start("S1"), vendor.start("S1")
    assert [vendor.ledger_session(i)["connectorId"] for i in (first, second)] == [1, 2]
    assert vendor.call("POST", "session", json={"stationId": "S1"}).status_code == 409


def test_an_id_with_a_slash_is_an_id(vendor: Vendor) -> None:
    for method, path in (("GET", "session/a%2Fb"), ("POST", "session/a%2Fb/stop")):
        answer = vendor.call(method, path)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "There is no session 'a/b'.")
