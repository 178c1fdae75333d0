"""One deadline for a whole exchange: name look-up, connection, TLS, request, headers and body together.

Socket timeouts bound one read only, so a peer that drips a byte a second would never end; here every wait is cut to
what is left. What an exchange says lives in `transport`.
"""

import io
import queue
import socket
import threading
import time
from typing import Any

Address = tuple[Any, ...]
Resolved = list[tuple[int, Address]]


class Deadline:
    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._ends_at = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Seconds left, always above zero: a socket timeout of 0 would mean "do not wait". Raises TimeoutError."""
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("deadline passed")
        return left_s


class TooMuch(Exception):
    """The peer sent more bytes than one answer may have."""


class BoundedReader(io.RawIOBase):
    """The receiving half of a socket, each read cut to the deadline, all reads together to `limit_bytes`."""

    def __init__(self, sock: socket.socket, deadline: Deadline, limit_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left_bytes = limit_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left_bytes <= 0:
            raise TooMuch
        self._sock.settimeout(self._deadline.left_s())
        count = self._sock.recv_into(buffer)
        self._left_bytes -= count
        return count


class BoundedSocket:
    """The three methods of a socket that `http.client` uses, under one deadline. Whoever connected it closes it.

    `has_sent` turns true just before the first byte of the request may leave.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, limit_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._limit_bytes = limit_bytes
        self.has_sent = False

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.left_s())
        self.has_sent = True
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(BoundedReader(self._sock, self._deadline, self._limit_bytes))

    def close(self) -> None:
        """Nothing: http.client closes as soon as the head is read, but the body is still to come on this socket."""


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connected TCP socket, trying each address of the name with its share of the time left. Raises OSError."""
    addresses = resolve(host, port, deadline)
    failure: OSError = OSError(f"no address for {host}")
    for tried, (family, address) in enumerate(addresses):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left_s() / (len(addresses) - tried))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise failure


def resolve(host: str, port: int, deadline: Deadline) -> Resolved:
    """The addresses of a name. Raises OSError.

    The system's resolver cannot be interrupted, so it is asked in a thread that is left behind when time is up; that
    thread sends nothing, so "not sent" stays true.
    """
    answers: queue.SimpleQueue[Resolved | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([(int(family), address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="eevion-resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left_s())
    except queue.Empty:
        raise TimeoutError("the name was not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
