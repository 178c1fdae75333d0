"""Where exactly the line runs between "never left" and "may have arrived", with real sockets."""

import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from eevion import Client, NotSent, OutcomeUnknown, UnexpectedPayload, transport
from eevion.transport import Target
from tests.eevion.peer import Peer

STARTED = b'{"sessionID":"ses_1","stationId":"HC-1","status":"pending"}'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("base_url", "wanted"),
    [
        ("https://api.example.com", Target(True, "api.example.com", 443, "", "api.example.com")),
        ("https://api.example.com/", Target(True, "api.example.com", 443, "", "api.example.com")),
        ("http://127.0.0.1:8800/eevion/v1/", Target(False, "127.0.0.1", 8800, "/eevion/v1", "127.0.0.1:8800")),
        ("http://[::1]:80/x", Target(False, "::1", 80, "/x", "[::1]:80")),
        ("https://BÜCHER.example", Target(True, "xn--bcher-kva.example", 443, "", "xn--bcher-kva.example")),
    ],
)
def test_a_base_url_is_read(base_url: str, wanted: Target) -> None:
    assert transport.target(base_url) == wanted


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user:secret@api.example.com",
        "https://api.example.com/?a=1",
        "https://api.example.com/#a",
        "https://api.example.com:port",
        "https://api.example.com:99999",
        "http://[::1",
        "https://api.example.com/a b",
        "https://api.example.com/\r\nx: y",
        "https://api.example.com/é",
        "https://" + "a" * 70 + ".example.com",
    ],
)
def test_a_bad_base_url_is_not_sent(base_url: str) -> None:
    with pytest.raises(NotSent) as caught:
        Client(base_url, "key").start_session(station_id="HC-1")
    assert "secret" not in str(caught.value)


def test_a_refused_connection_is_not_sent() -> None:
    with pytest.raises(NotSent, match="Connection refused"):
        Client(f"http://127.0.0.1:{free_port()}", "key").start_session(station_id="HC-1")


def test_a_name_that_does_not_exist_is_not_sent() -> None:
    with pytest.raises(NotSent):
        Client("http://nowhere.invalid", "key").start_session(station_id="HC-1")


def test_http_spoken_to_a_tls_client_is_not_sent(peer: Peer) -> None:
    def speak_first(conn: socket.socket) -> socket.socket:
        conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return conn

    peer.wrap = speak_first
    with pytest.raises(NotSent, match="No secure connection"):
        Client(f"https://127.0.0.1:{peer.port}", "key").start_session(station_id="HC-1")


def test_a_connection_closed_after_the_request_is_unknown(peer: Peer) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        peer.client().start_session(station_id="HC-1")
    assert type(caught.value) is OutcomeUnknown
    assert caught.value.status is None
    assert len(peer.requests) == 1


def test_a_reset_after_the_request_is_unknown(peer: Peer) -> None:
    def reset(conn: socket.socket) -> None:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    peer.script = reset
    with pytest.raises(OutcomeUnknown, match="Connection reset"):
        peer.client().start_session(station_id="HC-1")


@pytest.mark.parametrize(
    "answer",
    [
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 abc X\r\n\r\n",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"\x00" * 500,
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n",
    ],
)
def test_a_head_that_cannot_be_read_is_unknown(peer: Peer, answer: bytes) -> None:
    peer.says(answer)
    with pytest.raises(OutcomeUnknown) as caught:
        peer.client().start_session(station_id="HC-1")
    assert caught.value.may_have_happened


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 X\r\nContent-Length: 500\r\n\r\n" + STARTED[:20],
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + STARTED[:20] + b"\r\n",
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + STARTED,
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n" + STARTED[:20],
    ],
)
def test_a_body_that_breaks_off_is_unknown_and_keeps_its_status(peer: Peer, answer: bytes) -> None:
    peer.says(answer)
    with pytest.raises(OutcomeUnknown, match="broke off") as caught:
        peer.client().start_session(station_id="HC-1")
    assert caught.value.status == 202


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 X\r\nContent-Length: %d\r\n\r\n" % len(STARTED) + STARTED,
        b"HTTP/1.1 202 X\r\n\r\n" + STARTED,
        b"HTTP/1.0 202 X\r\n\r\n" + STARTED,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 X\r\n\r\n" + STARTED,
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(STARTED) + STARTED + b"\r\n0\r\n\r\n",
        # The document is whole though the connection broke behind it: the session's id must not be lost.
        b"HTTP/1.1 202 X\r\nContent-Length: 500\r\n\r\n" + STARTED,
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(STARTED) + STARTED,
    ],
)
def test_a_whole_document_is_read_however_it_is_framed(peer: Peer, answer: bytes) -> None:
    peer.says(answer)
    assert peer.client().start_session(station_id="HC-1").session_id == "ses_1"


def test_an_answer_beyond_eight_megabytes_is_cut_off(peer: Peer) -> None:
    peer.says(b'HTTP/1.1 202 X\r\n\r\n{"sessionID":"', b"x" * 9_000_000, b'"}')
    with pytest.raises(OutcomeUnknown, match="larger than 8 MB") as caught:
        peer.client().start_session(station_id="HC-1")
    assert len(caught.value.body) == 2000


def test_a_redirect_is_not_followed(peer: Peer) -> None:
    peer.answers(307, b"", b"Location: %s/elsewhere\r\n" % peer.url.encode())
    with pytest.raises(UnexpectedPayload, match="status 307"):
        peer.client().start_session(station_id="HC-1")
    assert len(peer.requests) == 1


def test_each_call_opens_its_own_connection(peer: Peer) -> None:
    """The peer offers to keep the connection and closes it at once; reuse would make the second start unknown."""
    peer.answers(202, STARTED, b"Connection: keep-alive\r\n")
    client = peer.client()
    assert [client.start_session(station_id="HC-1").session_id for _ in range(3)] == ["ses_1"] * 3
    assert peer.connections == 3


def test_proxies_of_the_environment_are_not_used(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    peer.answers(202, STARTED)
    assert peer.client().start_session(station_id="HC-1").http_status == 202


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return certificate_file, key_file


@pytest.fixture
def tls_peer(peer: Peer, certificate: tuple[Path, Path]) -> Peer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    peer.wrap = lambda conn: context.wrap_socket(conn, server_side=True)
    return peer


def test_a_certificate_nobody_vouches_for_is_not_sent(tls_peer: Peer) -> None:
    tls_peer.answers(202, STARTED)
    with pytest.raises(NotSent, match="certificate not accepted"):
        Client(f"https://127.0.0.1:{tls_peer.port}", "key").start_session(station_id="HC-1")
    assert tls_peer.requests == []


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    transport.trust.cache_clear()
    yield
    transport.trust.cache_clear()


def test_the_systems_certificates_are_trusted(tls_peer: Peer, trusted: None) -> None:
    tls_peer.answers(202, STARTED)
    client = Client(f"https://127.0.0.1:{tls_peer.port}", "key")
    assert client.start_session(station_id="HC-1").session_id == "ses_1"


def test_a_certificate_for_another_name_is_not_sent(tls_peer: Peer, trusted: None) -> None:
    tls_peer.answers(202, STARTED)
    with pytest.raises(NotSent, match="certificate not accepted"):
        Client(f"https://localhost:{tls_peer.port}", "key").start_session(station_id="HC-1")
    assert tls_peer.requests == []


def test_the_deadline_holds_inside_tls(tls_peer: Peer, trusted: None) -> None:
    tls_peer.drips(b"HTTP/1.1 202 X\r\n\r\n{", b" ")
    with pytest.raises(OutcomeUnknown, match=r"not complete within 0\.3 s"):
        Client(f"https://127.0.0.1:{tls_peer.port}", "key", timeout_s=0.3).start_session(station_id="HC-1")


def test_a_request_that_cannot_even_be_written_is_not_sent(peer: Peer) -> None:
    """The connection stands already, but nothing has left on it."""
    with pytest.raises(NotSent, match="could not be sent"):
        transport.exchange(transport.target(peer.url), "POST", "/a b", headers={}, body=None, timeout_s=5)
    assert peer.requests in ([], [b""])
