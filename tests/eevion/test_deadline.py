"""One deadline holds over the whole exchange, wherever in it the peer becomes slow."""

import socket
import time

import pytest

from eevion import Client, NotSent, OutcomeUnknown, Rejected
from eevion import deadline as deadlines
from eevion.deadline import Deadline
from tests.eevion.peer import Peer

TIMEOUT_S = 0.3
SLACK_S = 1.0  # a busy machine may be late, but a deadline that is not one would take for ever


def took_s(client: Client, error: type[Exception]) -> float:
    before = time.monotonic()
    with pytest.raises(error):
        client.start_session(station_id="HC-1")
    return time.monotonic() - before


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"\x00"),
        (b"HTTP/1.1 202 X", b"x"),
        (b"HTTP/1.1 202 X\r\nA: b", b"b"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b'HTTP/1.1 202 X\r\n\r\n{"sessionID":"', b"x"),
        (b'HTTP/1.1 202 X\r\nContent-Length: 9000\r\n\r\n{"sessionID":"', b"x"),
        (b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"),
    ],
    ids=["status line", "reason", "header", "continue", "body", "body with length", "chunks"],
)
def test_a_dripping_answer_ends_in_time_as_unknown(peer: Peer, start: bytes, drop: bytes) -> None:
    peer.drips(start, drop)
    assert TIMEOUT_S <= took_s(peer.client(timeout_s=TIMEOUT_S), OutcomeUnknown) < TIMEOUT_S + SLACK_S


def test_silence_after_the_request_is_unknown(peer: Peer) -> None:
    peer.stays_silent()
    assert TIMEOUT_S <= took_s(peer.client(timeout_s=TIMEOUT_S), OutcomeUnknown) < TIMEOUT_S + SLACK_S


def test_a_dripping_no_is_still_a_no(peer: Peer) -> None:
    peer.drips(b"HTTP/1.1 409 X\r\n\r\n{", b" ")
    assert took_s(peer.client(timeout_s=TIMEOUT_S), Rejected) < TIMEOUT_S + SLACK_S


def test_a_whole_document_counts_though_the_answer_never_ends(peer: Peer) -> None:
    peer.drips(b'HTTP/1.1 202 X\r\n\r\n{"sessionID":"ses_1","status":"pending"}', b" ")
    assert peer.client(timeout_s=TIMEOUT_S).start_session(station_id="HC-1").session_id == "ses_1"


def test_a_tls_handshake_that_never_comes_is_not_sent(peer: Peer) -> None:
    peer.stays_silent()
    client = Client(f"https://127.0.0.1:{peer.port}", "key", timeout_s=TIMEOUT_S)
    assert TIMEOUT_S <= took_s(client, NotSent) < TIMEOUT_S + SLACK_S


def test_a_connection_that_is_never_accepted_is_not_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = [socket.socket() for _ in range(3)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", "key", timeout_s=TIMEOUT_S)
        assert took_s(client, NotSent) < TIMEOUT_S + SLACK_S
        for sock in crowd:
            sock.close()


def test_a_resolver_that_hangs_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **kwargs: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    client = Client("http://api.example.com", "key", timeout_s=TIMEOUT_S)
    assert TIMEOUT_S <= took_s(client, NotSent) < TIMEOUT_S + SLACK_S


def test_the_second_address_is_tried_when_the_first_refuses(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    def addresses(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("127.0.0.2", 1)), (*kind, ("127.0.0.1", peer.port))]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    peer.answers(202, b'{"sessionID":"ses_1","status":"pending"}')
    assert Client("http://api.example.com", "key").start_session(station_id="HC-1").session_id == "ses_1"


def test_no_time_left_is_an_error_and_never_a_wait_for_ever() -> None:
    with pytest.raises(TimeoutError):
        Deadline(0).left_s()
    with pytest.raises(TimeoutError):
        deadlines.resolve("127.0.0.1", 80, Deadline(0))
