"""What each call sends, byte for byte where it matters, and what it makes of the answer."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from eevion import Client, NotSent, SessionStatus, UnexpectedPayload
from tests.eevion.peer import KEY, Peer

SINCE = datetime(2026, 1, 8, 12, 2, 11, 999_999, tzinfo=timezone(timedelta(hours=-5)))


def sent(peer: Peer) -> tuple[str, dict[str, str], bytes]:
    """Request line, headers and body of the only request."""
    (request,) = peer.requests
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, dict(header.split(": ", 1) for header in lines), body


def test_start_sends_what_is_said_and_nothing_else(peer: Peer) -> None:
    peer.answers(202, b'{"sessionID":"ses_1","stationId":"HC-1","status":"pending"}')
    started = peer.client(path="/v1").start_session(
        station_id="HC-1", webhook_url="https://c.example.com/h/t", connector_id=2, external_reference="é 7"
    )
    line, headers, body = sent(peer)
    assert line == "POST /v1/session HTTP/1.1"
    assert headers["x-api-key"] == KEY
    assert headers["Host"] == f"127.0.0.1:{peer.port}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "stationId": "HC-1",
        "webhookOnSessionComplete": "https://c.example.com/h/t",
        "connectorId": 2,
        "externalReference": "é 7",
    }
    assert (started.session_id, started.station_id, started.status) == ("ses_1", "HC-1", SessionStatus.PENDING)
    assert (started.http_status, started.drift) == (202, ())


def test_start_needs_only_the_station(peer: Peer) -> None:
    peer.answers(202, b'{"sessionID":"ses_1","status":"pending"}')
    peer.client().start_session(station_id="HC-1")
    assert json.loads(sent(peer)[2]) == {"stationId": "HC-1"}


@pytest.mark.parametrize(
    ("session_id", "segment"),
    [("ses_1", "ses_1"), ("a/b?c#d e", "a%2Fb%3Fc%23d%20e"), ("é\r\nx: y", "%C3%A9%0D%0Ax%3A%20y"), ("%2e", "%252e")],
)
def test_a_session_id_is_one_segment_of_the_path(peer: Peer, session_id: str, segment: str) -> None:
    peer.answers(200, json.dumps({"sessionID": session_id, "status": "charging", "energy": 12.418}).encode())
    session = peer.client(staging=True).get_session(session_id)
    assert sent(peer)[0] == f"GET /session/{segment}?environment=staging HTTP/1.1"
    assert session.energy_kwh == Decimal("12.418")


@pytest.mark.parametrize("session_id", ["", ".", ".."])
def test_a_session_id_that_leads_elsewhere_is_not_sent(peer: Peer, session_id: str) -> None:
    with pytest.raises(NotSent):
        peer.client().stop_session(session_id)
    assert peer.requests == []


def test_stop_posts_without_a_body(peer: Peer) -> None:
    peer.answers(202, b'{"sessionID":"ses_1","status":"stopping"}')
    stopped = peer.client(staging=True).stop_session("ses_1")
    line, headers, body = sent(peer)
    assert line == "POST /session/ses_1/stop?environment=staging HTTP/1.1"
    assert (headers["Content-Length"], body) == ("0", b"")
    assert (stopped.session_id, stopped.status, stopped.http_status) == ("ses_1", SessionStatus.STOPPING, 202)


@pytest.mark.parametrize("call", ["get_session", "stop_session"])
def test_an_answer_about_another_session_is_not_taken(peer: Peer, call: str) -> None:
    peer.answers(200, b'{"sessionID":"ses_2","status":"completed"}')
    with pytest.raises(UnexpectedPayload, match="another session"):
        getattr(peer.client(), call)("ses_1")


@pytest.mark.parametrize(
    ("commands", "wanted"),
    [
        ({}, {}),
        ({"set_message": ""}, {"setMessage": ""}),
        ({"tariff_id": "fee_1", "set_message": None}, {"tariffId": "fee_1"}),
        (
            {"priority_status": "unavailable", "set_message": "Closed", "webhook_url": "https://c.example.com/j"},
            {
                "priorityStatus": "unavailable",
                "setMessage": "Closed",
                "webhookOnJobFinished": "https://c.example.com/j",
            },
        ),
    ],
)
def test_manage_clears_with_an_empty_message_and_leaves_out_none(peer: Peer, commands: dict, wanted: dict) -> None:
    peer.answers(202, b'{"jobId":"job_1","status":"queued"}')
    queued = peer.client().manage_stations(station_ids=("HC-1", "HC-2"), **commands)
    assert sent(peer)[0] == "POST /stations/manage HTTP/1.1"
    assert json.loads(sent(peer)[2]) == {"stationIds": ["HC-1", "HC-2"]} | wanted
    assert (queued.job_id, queued.status_text, queued.http_status) == ("job_1", "queued", 202)


def test_history_is_asked_in_utc_and_full_seconds(peer: Peer) -> None:
    peer.answers(200, b'{"jobs":[],"nextCursor":"c 2"}')
    page = peer.client(staging=True).list_jobs(since=SINCE, cursor="a&b")
    expected = "since=2026-01-08T17%3A02%3A11Z&cursor=a%26b&environment=staging"
    assert sent(peer)[0] == f"GET /stations/manage/history?{expected} HTTP/1.1"
    assert (page.jobs, page.next_cursor, page.drift) == ((), "c 2", ())


def test_exceptions_are_asked_since_a_moment(peer: Peer) -> None:
    peer.answers(200, b'{"exceptions":[],"nextCursor":null}')
    page = peer.client().list_exceptions(since=SINCE)
    assert sent(peer)[0] == "GET /exceptions?since=2026-01-08T17%3A02%3A11Z HTTP/1.1"
    assert (page.exceptions, page.next_cursor, page.drift) == ((), None, ())


def test_reporting_takes_days_and_moments(peer: Peer) -> None:
    peer.answers(200, b'{"rows":[],"nextCursor":null}')
    moment = datetime(2026, 1, 9, tzinfo=UTC)
    peer.client().report(from_=date(2026, 1, 8), to=moment, group_by="site", interval="total")
    expected = "from=2026-01-08&to=2026-01-09T00%3A00%3A00Z&groupBy=site&interval=total"
    assert sent(peer)[0] == f"GET /reporting?{expected} HTTP/1.1"


def test_a_moment_without_zone_is_the_callers_mistake(peer: Peer) -> None:
    with pytest.raises(ValueError, match="aware"):
        peer.client().list_jobs(since=datetime(2026, 1, 8))  # noqa: DTZ001 that is the point
    assert peer.requests == []


def test_the_header_is_one_setting(peer: Peer) -> None:
    peer.answers(200, b'{"jobs":[]}')
    Client(peer.url, KEY, header="Authorization").list_jobs(since=SINCE)
    headers = sent(peer)[1]
    assert headers["Authorization"] == KEY
    assert "x-api-key" not in headers


@pytest.mark.parametrize("key", ["", "a\r\nX-Evil: 1", "schlüssel", " geheim", "geheim\x00"])
def test_a_key_no_header_can_carry_is_not_sent_and_not_quoted(peer: Peer, key: str) -> None:
    with pytest.raises(NotSent) as caught:
        Client(peer.url, key).get_session("ses_1")
    assert "geheim" not in str(caught.value)
    assert "Evil" not in str(caught.value)
    assert peer.requests == []


@pytest.mark.parametrize("header", ["", "x api key", "x-api-key:", "x-api-key\r\nX-Evil", "clé"])
def test_a_header_name_that_is_none_is_not_sent(peer: Peer, header: str) -> None:
    with pytest.raises(NotSent):
        Client(peer.url, KEY, header=header).get_session("ses_1")
    assert b"Evil" not in b"".join(peer.requests)


def test_neither_key_nor_user_part_stands_in_the_repr() -> None:
    assert repr(Client("https://user:pass@api.example.com", KEY, staging=True)) == "<Client staging>"
