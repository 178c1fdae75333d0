"""HTTP/1.1 with raw control of the socket: answers may arrive late, dripping, torn or never."""

import socket
import socketserver
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import api, control
from sandbox.forecourt import page
from sandbox.store import loads
from sandbox.wire import Answer, Request, error
from sandbox.world import World

LARGEST_BODY = 8 * 1024 * 1024
IDLE_S = 75


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """One thread per connection. `server_address[1]` is the port."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, world: World, host: str, port: int) -> None:
        self.world = world
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: that one asks DNS for our name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is everyday life here; anything else is ours to mend and gets its traceback."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "eevion-sandbox"
    sys_version = ""
    timeout = IDLE_S
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_POST

    def _serve(self) -> None:
        request = self._read()
        answer = request if isinstance(request, Answer) else dispatch(self.server.world, request)
        if answer.delay_s:
            time.sleep(answer.delay_s)
        self._write(answer)

    def _read(self) -> Request | Answer:
        headers = {name.lower(): value for name, value in self.headers.items()}
        parts = urlsplit(self.path)
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            self.close_connection = True
            return error(411, "invalid", "Send a Content-Length.")
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            return error(413, "invalid", f"The body must not exceed {LARGEST_BODY} bytes.")
        body = self.rfile.read(int(length))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            document = dict(parse_qsl(body.decode())) if form else loads(body) if body.strip() else None
        except ValueError:
            # Judged by the key first, like any other request: the contract refuses what is not an object.
            document = "not JSON"
        return Request(self.command, parts.path, query, headers, document, form)

    def _write(self, answer: Answer) -> None:
        if answer.manner == "lostReply":
            self._hang_up()
            return
        body = answer.body[:-1] + b"," if answer.manner == "invalidJson" else answer.body
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.manner == "cutOff":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._hang_up()
        elif answer.manner == "drip":
            self._drip(body, answer.drip_interval_s)
        elif self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def _drip(self, body: bytes, interval_s: float) -> None:
        self.wfile.flush()
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()
            time.sleep(interval_s)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: webhook URLs carry tokens, and the ledger has everything."""


def dispatch(world: World, request: Request) -> Answer:
    """The face a request is meant for; a mistake of ours is a 500 with a traceback on standard error."""
    try:
        return _dispatch(world, request)
    except Exception:
        traceback.print_exc()
        return error(500, "internal", "The sandbox made a mistake; its standard error says which.")


def _dispatch(world: World, request: Request) -> Answer:
    if request.path == "/" or request.path.startswith("/_sandbox/forecourt"):
        return page.answer(world, request)
    if request.path.startswith("/_sandbox/"):
        return control.answer(world, request)
    return api.answer(world, request)
