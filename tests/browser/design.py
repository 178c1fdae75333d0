"""Serves the reference page, static files and a scripted live endpoint on loopback, under the product's own policy."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders

from config.middleware import CONTENT_SECURITY_POLICY

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "woff2": "font/woff2", "html": "text/html"}


@dataclass
class Answer:
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


class Server:
    """`pages` by path; `answers` to /rows in order, then 204; `asked` holds (query, X-Since) of every poll."""

    def __init__(self, pages: dict[str, str]) -> None:
        self.pages = pages
        self.answers: deque[Answer] = deque()
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        if parts.path == "/rows":
            self.asked.append((parts.query, handler.headers.get("X-Since", "")))
            answer = self.answers.popleft() if self.answers else Answer()
            _send(handler, answer.status, {**answer.headers, "Content-Type": "text/html"}, answer.body.encode())
        elif parts.path in self.pages:
            headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": CONTENT_SECURITY_POLICY}
            _send(handler, 200, headers, self.pages[parts.path].encode())
        else:
            self._static(handler, parts.path)

    def _static(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        found = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
        if not found:
            return _send(handler, 404, {}, b"")
        with open(str(found), "rb") as file:  # noqa: PTH123  a path from the finders is a plain string
            _send(handler, 200, {"Content-Type": TYPES.get(path.rpartition(".")[2], "text/plain")}, file.read())


def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if status != 204:
        handler.wfile.write(body)
