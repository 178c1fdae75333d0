"""What goes wrong goes wrong as announced, and the ledger tells the truth of it."""

import json
import time

import pytest
import requests

from tests.sandbox.vendor import Receiver, Vendor, wait_for


def script(vendor: Vendor, endpoint: str, fault: str, **options: object) -> None:
    vendor.control("faults", {"script": [{"endpoint": endpoint, "fault": fault, **options}]})


def completed(vendor: Vendor, receiver: Receiver, path: str = "hooks/secret-token") -> str:
    vendor.control("plug", {"stationId": "S2"})
    session_id = vendor.start("S2", webhookOnSessionComplete=f"{receiver.url}/{path}")
    vendor.advance(100)
    vendor.control("unplug", {"stationId": "S2"})
    return session_id


def test_a_lost_reply_has_happened(vendor: Vendor) -> None:
    script(vendor, "session.start", "lostReply")
    with pytest.raises(requests.ConnectionError):
        vendor.call("POST", "session", json={"stationId": "S2", "externalReference": "lost"})
    (session,) = vendor.control("ledger")["sessions"]
    assert (session["externalReference"], session["replyLost"], session["status"]) == ("lost", True, "pending")
    assert vendor.call("POST", "session", json={"stationId": "S2"}).status_code == 409


def test_a_lost_request_has_not(vendor: Vendor) -> None:
    script(vendor, "session.start", "lostRequest")
    with pytest.raises(requests.ConnectionError):
        vendor.call("POST", "session", json={"stationId": "S2"})
    assert vendor.control("ledger")["sessions"] == []


@pytest.mark.parametrize(
    ("fault", "status", "happened"), [("refuse", 422, 0), ("error", 500, 0), ("errorAfter", 500, 1)]
)
def test_refusals_and_errors(vendor: Vendor, fault: str, status: int, happened: int) -> None:
    script(vendor, "session.start", fault)
    assert vendor.call("POST", "session", json={"stationId": "S2"}).status_code == status
    assert len(vendor.control("ledger")["sessions"]) == happened


def test_broken_answers(vendor: Vendor) -> None:
    script(vendor, "exceptions", "invalidJson")
    with pytest.raises(json.JSONDecodeError):
        json.loads(vendor.call("GET", "exceptions").text)
    script(vendor, "exceptions", "cutOff")
    with pytest.raises(requests.RequestException):
        vendor.call("GET", "exceptions")
    assert vendor.call("GET", "exceptions").json() == {"exceptions": [], "nextCursor": None}


def test_slow_and_dripping_answers_take_their_time(vendor: Vendor) -> None:
    script(vendor, "exceptions", "slow", slow_s=0.2)
    script(vendor, "exceptions", "drip", drip_interval_s=0.01)
    for _ in range(2):
        begun_s = time.monotonic()
        assert vendor.call("GET", "exceptions").json()["exceptions"] == []
        assert time.monotonic() - begun_s >= 0.2


def test_a_lost_webhook_never_arrives(vendor: Vendor, receiver: Receiver) -> None:
    script(vendor, "webhook.session", "lost")
    session_id = completed(vendor, receiver)
    (told,) = vendor.ledger_session(session_id)["webhooks"]
    assert (told["outcome"], told["fault"]) == ("lost", "lost")
    completed(vendor, receiver, "hooks/next")
    wait_for(lambda: receiver.received)
    assert [path for path, _ in receiver.received] == ["/hooks/next"]


def test_a_doubled_webhook_arrives_twice_the_same(vendor: Vendor, receiver: Receiver) -> None:
    script(vendor, "webhook", "doubled")
    session_id = completed(vendor, receiver)
    wait_for(lambda: len(vendor.ledger_session(session_id)["webhooks"]) == 2)
    assert len(receiver.received) == 2
    assert receiver.received[0] == receiver.received[1]


def test_a_forged_webhook_has_another_token_and_other_amounts(vendor: Vendor, receiver: Receiver) -> None:
    script(vendor, "webhook.session", "forged")
    completed(vendor, receiver)
    wait_for(lambda: len(receiver.received) == 2)
    bodies = {path == "/hooks/secret-token": json.loads(body) for path, body in receiver.received}
    assert (bodies[False]["cost"], bodies[True]["energy"]) == (0.01, 0.2)


def test_a_malformed_webhook_is_no_json(vendor: Vendor, receiver: Receiver) -> None:
    script(vendor, "webhook.session", "malformed")
    completed(vendor, receiver)
    wait_for(lambda: receiver.received)
    with pytest.raises(ValueError, match=r"utf-8|Unterminated|Expecting"):
        receiver.bodies()


def test_a_reordered_webhook_follows_the_next_one(vendor: Vendor, receiver: Receiver) -> None:
    script(vendor, "webhook.session", "reordered", reordered_s=30)
    completed(vendor, receiver, "hooks/first")
    completed(vendor, receiver, "hooks/second")
    wait_for(lambda: len(receiver.received) == 2)
    assert [path for path, _ in receiver.received] == ["/hooks/second", "/hooks/first"]


def test_a_webhook_is_tried_again_after_a_server_error(vendor: Vendor, receiver: Receiver) -> None:
    receiver.statuses = [503, 500]
    session_id = completed(vendor, receiver)
    wait_for(lambda: len(vendor.ledger_session(session_id)["webhooks"]) == 3)
    assert [told["status"] for told in vendor.ledger_session(session_id)["webhooks"]] == [503, 500, 200]


def test_a_charger_may_give_up_after_acceptance(vendor: Vendor) -> None:
    script(vendor, "session", "failStart")
    session_id = vendor.start("S2")
    assert vendor.read(session_id)["status"] == "failed"
    (alarm,) = vendor.call("GET", "exceptions").json()["exceptions"]
    assert (alarm["type"], alarm["sessionID"]) == ("sessionStartFailed", session_id)


def test_chance_is_drawn_from_the_seed(vendor: Vendor) -> None:
    def statuses() -> list[int]:
        vendor.control("reset", {"seed": 5, "world": "empty"})
        vendor.control("faults", {"probabilities": {"exceptions": {"error": 0.3}}})
        return [vendor.call("GET", "exceptions").status_code for _ in range(30)]

    first = statuses()
    assert set(first) == {200, 500}
    assert statuses() == first


def test_a_scripted_fault_of_a_station_meets_its_manage_calls_only(vendor: Vendor) -> None:
    def manage(*station_ids: str) -> int:
        body = {"stationIds": list(station_ids), "setMessage": "x"}
        return vendor.call("POST", "stations/manage", json=body).status_code

    script(vendor, "manage", "refuse", stationId="S2", times=2)
    assert [manage("S1"), manage("S2"), manage("S1", "S2"), manage("S1", "S2")] == [202, 422, 422, 202]


def test_what_waits_to_be_told_ends_with_its_world(vendor: Vendor, receiver: Receiver) -> None:
    """A late webhook, one held back for the next, and one that is to be tried again."""
    vendor.control("settings", {"webhook_backoff_wall_s": 1.5})
    receiver.statuses = [503]
    again = completed(vendor, receiver, "hooks/again")
    wait_for(lambda: vendor.ledger_session(again)["webhooks"])
    script(vendor, "webhook.session", "late", late_s=1.5)
    completed(vendor, receiver, "hooks/late")
    script(vendor, "webhook.session", "reordered", reordered_s=1.5)
    completed(vendor, receiver, "hooks/held")
    vendor.control("reset", {"seed": 7, "world": "empty"})
    vendor.control("keys", {"key": "sandbox-production-key", "limit": 100_000})
    vendor.control("stations", [{"station": "S2"}])
    script(vendor, "webhook.session", "late", late_s=2.5)  # after whatever was left of the old world
    completed(vendor, receiver, "hooks/new")
    wait_for(lambda: any(path == "/hooks/new" for path, _ in receiver.received))
    assert [path for path, _ in receiver.received] == ["/hooks/again", "/hooks/new"]


@pytest.mark.parametrize(
    "order",
    [
        {"probabilities": {"nowhere": {"lost": 1}}},
        {"probabilities": {"webhook": {"lostReply": 1}}},
        {"probabilities": {"webhook": {"lost": 0.6, "doubled": 0.6}}},
        {"script": [{"endpoint": "session.start", "fault": "forged"}]},
        {"options": {"slowness": 1}},
    ],
)
def test_unknown_faults_are_refused(vendor: Vendor, order: dict[str, object]) -> None:
    answer = vendor.http.post(f"{vendor.base_url}/_sandbox/faults", json=order, timeout=5)
    assert answer.status_code == 400
    assert vendor.control("faults")["probabilities"] == {}
