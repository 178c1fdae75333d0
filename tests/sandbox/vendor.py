"""A hand on the sandbox over HTTP, a receiver for its webhooks, and patience with both."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from sandbox.world import World


class Vendor:
    """A running sandbox, with the production key in hand."""

    def __init__(self, base_url: str, world: World | None = None) -> None:
        self.base_url = base_url
        self.world = world
        self.http = requests.Session()
        self.http.trust_env = False

    def call(self, method: str, path: str, *, key: str = "sandbox-production-key", **options: Any) -> requests.Response:
        return self.http.request(method, f"{self.base_url}/{path}", headers={"x-api-key": key}, timeout=10, **options)

    def control(self, route: str, body: Any = None, **query: Any) -> Any:
        """A control call that must succeed: POST with a body, else GET."""
        url = f"{self.base_url}/_sandbox/{route}"
        answer = (
            self.http.get(url, params=query, timeout=10) if body is None else self.http.post(url, json=body, timeout=10)
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, station_id: str = "S1", **body: Any) -> str:
        answer = self.call("POST", "session", json={"stationId": station_id, **body})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["sessionID"])

    def read(self, session_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"session/{session_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ledger_session(self, session_id: str) -> dict[str, Any]:
        (found,) = (s for s in self.control("ledger")["sessions"] if s["sessionID"] == session_id)
        return dict(found)

    def advance(self, seconds: float) -> None:
        self.control("clock", {"advance_s": seconds})


def wait_for(condition: Callable[[], Any], deadline_s: float = 8) -> Any:
    """The first true answer of `condition`; fails when there is none in time."""
    until_s = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < until_s, "what was waited for did not happen"
        time.sleep(0.01)
    return found


class Receiver:
    """Takes webhooks; answers with `statuses` one after the other, then 200."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.authorizations: list[str | None] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.path, body))
                receiver.authorizations.append(self.headers["Authorization"])
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.received]
