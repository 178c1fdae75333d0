"""One HTTP exchange over one fresh connection: what to send goes in, what arrived comes out, or why nothing did.

It knows nothing of sessions or JSON. It is built on http.client and not on a pooling library for one reason: the line
between "never left" (NotSent) and "may have arrived" (OutcomeUnknown) must be exact. Every call opens its own
connection, because a kept-alive one that the vendor has just closed would make a start that never left look unknown.
Nothing is retried, redirects are not followed, proxy variables are not read, certificates are always verified.
"""

import functools
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import requests.utils

from eevion import deadline as deadlines
from eevion.deadline import Deadline, TooMuch
from eevion.errors import NotSent, OutcomeUnknown

ANSWER_LIMIT_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Where a base URL points. `path` has no slash at its end; `host_header` is what the vendor should see."""

    is_tls: bool
    host: str
    port: int
    path: str
    host_header: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What arrived. `broken` says in words why the body may be incomplete, or is empty when it is whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    broken: str


def target(base_url: str) -> Target:
    """Read a base URL. Raises NotSent when it is not http(s), has no host, or carries a user, query or fragment."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
        host = parts.hostname or ""
        if ":" not in host:
            host = host.encode("idna").decode("ascii")
    except ValueError as error:
        raise NotSent("The base URL cannot be read. Correct it in the account.") from error
    extras = parts.username or parts.password or parts.query or parts.fragment
    is_clean = base_url.isprintable() and " " not in base_url and parts.path.isascii()
    if parts.scheme not in ("http", "https") or not host or extras or not is_clean:
        raise NotSent("The base URL must look like https://host/path, without user, query or fragment.")
    is_tls = parts.scheme == "https"
    shown = f"[{host}]" if ":" in host else host
    return Target(
        is_tls=is_tls,
        host=host,
        port=port or (443 if is_tls else 80),
        path=parts.path.rstrip("/"),
        host_header=f"{shown}:{port}" if port else shown,
    )


def exchange(
    where: Target, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None, timeout_s: float
) -> Answer:
    """Send one request and read its answer within `timeout_s` in all. Raises NotSent or OutcomeUnknown."""
    deadline = Deadline(timeout_s)
    sock = _connect(where, deadline)
    connection = http.client.HTTPConnection(where.host, where.port)
    line = deadlines.BoundedSocket(sock, deadline, ANSWER_LIMIT_BYTES)
    connection.sock = cast(Any, line)
    try:
        connection.request(method, where.path + path, body=body, headers={"Host": where.host_header, **headers})
        response = connection.getresponse()
        return _read(response, timeout_s)
    except (OSError, http.client.HTTPException, ValueError, TooMuch) as error:
        raise _failure(error, timeout_s, has_sent=line.has_sent) from error
    finally:
        connection.close()
        sock.close()


def _failure(error: Exception, timeout_s: float, *, has_sent: bool) -> NotSent | OutcomeUnknown:
    if not has_sent:
        return NotSent(f"The request could not be sent ({_name(error)}).")
    if isinstance(error, TimeoutError):
        return OutcomeUnknown(f"No answer within {timeout_s:g} s.")
    return OutcomeUnknown(f"The connection broke before an answer came ({_name(error)}).")


def _connect(where: Target, deadline: Deadline) -> Any:
    try:
        sock = deadlines.connect(where.host, where.port, deadline)
    except OSError as error:
        raise NotSent(f"No connection to {where.host_header} ({_name(error)}).") from error
    if not where.is_tls:
        return sock
    try:
        sock.settimeout(deadline.left_s())
        return trust().wrap_socket(sock, server_hostname=where.host)
    except (OSError, ValueError) as error:
        sock.close()
        raise NotSent(f"No secure connection to {where.host_header} ({_name(error)}).") from error


def _read(response: http.client.HTTPResponse, timeout_s: float) -> Answer:
    """The status has arrived, so a body that breaks off is no reason to forget it: "no" stays "no"."""
    body = bytearray()
    broken = ""
    promised_bytes = response.length
    try:
        while promised_bytes is None or len(body) < promised_bytes:
            # read1 hands over what is there; read would lose it to the deadline while waiting for more.
            chunk = response.read1(CHUNK_BYTES if promised_bytes is None else promised_bytes - len(body))
            body += chunk
            if not chunk:
                broken = "the answer broke off" if promised_bytes else ""
                break
    except TimeoutError:
        broken = f"the answer was not complete within {timeout_s:g} s"
    except TooMuch:
        broken = "the answer is larger than 8 MB"
    except (OSError, http.client.HTTPException, ValueError) as error:
        broken = f"the answer broke off ({_name(error)})"
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, bytes(body), broken)


@functools.cache
def trust() -> ssl.SSLContext:
    """The system's certificates and the bundle that comes with requests: a bare system has none of its own."""
    context = ssl.create_default_context()
    context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    return context


def _name(error: Exception) -> str:
    """A failure in a few words. Only the system's own text is quoted, never anything that was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
