"""A peer that speaks raw bytes on loopback, so that each way an exchange can break is played for real."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from eevion import Client

KEY = "a-key-that-must-not-leak-0123456789"
Script = Callable[[socket.socket], None]


class Peer:
    """Listens until closed. Each connection's request is read whole and kept, then `script` has the socket."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.script: Script = lambda conn: None
        self.wrap: Callable[[socket.socket], socket.socket] = lambda conn: conn
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, staging: bool = False, timeout_s: float = 5.0, path: str = "") -> Client:
        return Client(self.url + path, KEY, staging=staging, timeout_s=timeout_s)

    def says(self, *pieces: bytes) -> None:
        """Answer with these bytes and close."""
        self.script = lambda conn: conn.sendall(b"".join(pieces))

    def answers(self, status: int, body: bytes = b"{}", headers: bytes = b"") -> None:
        """Answer properly."""
        length = str(len(body)).encode()
        self.says(b"HTTP/1.1 %d X\r\nContent-Length: %s\r\n" % (status, length), headers, b"\r\n", body)

    def drips(self, start: bytes, drop: bytes, every_s: float = 0.02) -> None:
        """Send the start, then a drop at a time for ever: no single read ever waits long."""

        def script(conn: socket.socket) -> None:
            conn.sendall(start)
            while not self.closing.wait(every_s):
                conn.sendall(drop)

        self.script = script

    def stays_silent(self) -> None:
        def script(conn: socket.socket) -> None:
            self.closing.wait(30)

        self.script = script

    def close(self) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _listen(self) -> None:
        while not self.closing.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(conn,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, conn: socket.socket) -> None:
        with suppress(OSError):
            conn.settimeout(10)
            with self.wrap(conn) as wrapped:
                self.requests.append(_request(wrapped))
                self.script(wrapped)


def _request(conn: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    wanted = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            wanted = int(line.partition(b":")[2])
    while len(body) < wanted:
        body += conn.recv(65536)
    return head + b"\r\n\r\n" + body
