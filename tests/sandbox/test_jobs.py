"""Commands take time, end per station and command, are told by webhook and kept in the history."""

import pytest

from tests.sandbox.vendor import Receiver, Vendor, wait_for


def test_a_job_with_one_deaf_station(vendor: Vendor, receiver: Receiver) -> None:
    vendor.control("break", {"stationId": "S2", "kind": "offline"})
    body = {
        "stationIds": ["S1", "S2"],
        "priorityStatus": "unavailable",
        "setMessage": "",
        "webhookOnJobFinished": f"{receiver.url}/hooks/j",
    }
    made = vendor.call("POST", "stations/manage", json=body)
    assert (made.status_code, made.json()["status"]) == (202, "queued")
    assert vendor.call("GET", "stations/manage/history").json()["jobs"][0]["status"] == "running"
    vendor.advance(10)
    (job,) = wait_for(receiver.bodies)
    assert (job["jobId"], job["status"], job["source"], job["setMessage"]) == (
        made.json()["jobId"],
        "partiallyFailed",
        "api",
        "",
    )
    offline = {"code": "offline", "message": "The station is not connected."}
    assert job["results"] == [
        {"stationId": "S1", "command": "priorityStatus", "status": "succeeded", "error": None},
        {"stationId": "S1", "command": "setMessage", "status": "succeeded", "error": None},
        {"stationId": "S2", "command": "priorityStatus", "status": "failed", "error": offline},
        {"stationId": "S2", "command": "setMessage", "status": "failed", "error": offline},
    ]
    assert "tariffId" not in job
    assert vendor.call("GET", "stations/manage/history").json() == {"jobs": [job], "nextCursor": None}
    refused = vendor.call("POST", "session", json={"stationId": "S1"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unavailable")


def test_a_tariff_holds_for_sessions_started_after_it(vendor: Vendor) -> None:
    vendor.control("fees", {"fee_id": "double", "price_per_kwh": "0.64"})
    vendor.control("plug", {"stationId": "S1", "connectorId": 1})
    before = vendor.start("S1")
    vendor.call("POST", "stations/manage", json={"stationIds": ["S1"], "tariffId": "double"})
    vendor.advance(10)
    vendor.control("plug", {"stationId": "S1", "connectorId": 2})
    after = vendor.start("S1")
    vendor.advance(1000)
    costs = [(vendor.read(i)["energy"], vendor.read(i)["cost"]) for i in (before, after)]
    assert costs == [(2.02, 0.65), (2.0, 1.28)]


def test_history_since_and_cursor_with_portal_jobs(vendor: Vendor) -> None:
    vendor.control("settings", {"page_rows": 2})
    for number in range(5):
        vendor.control("portal-job", {"stationIds": ["S1"], "setMessage": str(number)})
        vendor.advance(100)
    seen, cursor = [], ""
    while cursor is not None:
        page = vendor.call(
            "GET", "stations/manage/history", params={"since": "2026-01-08T17:01:40Z", "cursor": cursor}
        ).json()
        seen += [(job["setMessage"], job["source"]) for job in page["jobs"]]
        cursor = page["nextCursor"]
    assert seen == [(text, "portal") for text in "1234"]


def test_a_scripted_failure_strikes_its_station_only(vendor: Vendor) -> None:
    vendor.control(
        "faults", {"script": [{"endpoint": "job", "fault": "fail", "stationId": "S2", "job_code": "timeout"}]}
    )
    vendor.call("POST", "stations/manage", json={"stationIds": ["S1", "S2"], "setMessage": "x"})
    vendor.advance(10)
    (job,) = vendor.call("GET", "stations/manage/history").json()["jobs"]
    assert [(r["stationId"], (r["error"] or {}).get("code")) for r in job["results"]] == [
        ("S1", None),
        ("S2", "timeout"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"stationIds": ["S1"]}, 400),
        ({"stationIds": [], "setMessage": "x"}, 400),
        ({"stationIds": "S1", "setMessage": "x"}, 400),
        ({"stationIds": ["S9"], "setMessage": "x"}, 404),
        ({"stationIds": ["S1"], "priorityStatus": "asleep"}, 400),
        ({"stationIds": ["S1"], "tariffId": "nothing"}, 422),
    ],
)
def test_bad_commands(vendor: Vendor, body: dict[str, object], status: int) -> None:
    assert vendor.call("POST", "stations/manage", json=body).status_code == status
