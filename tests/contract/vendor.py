"""The sandbox as a process of its own, and a place on loopback where its webhooks arrive.

The contract is spoken only through the client; what is asked here is the sandbox's control interface.
"""

import json
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from eevion import Client

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 10.0


class Vendor:
    """One running sandbox with an empty world. Every test builds its own stations and keys in it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--world", "empty", "--seed", "7"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready at" in line, f"the sandbox did not start: {line!r}"
        self.url = line.split()[-1].rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False

    def close(self) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def ask(self, path: str) -> Any:
        return self._document(self._http.get(f"{self.url}/_sandbox/{path}", timeout=PATIENCE_S))

    def order(self, path: str, **body: Any) -> Any:
        return self._document(self._http.post(f"{self.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S))

    def now(self) -> datetime:
        return datetime.fromisoformat(self.ask("clock")["now"])

    def advance(self, seconds: float) -> None:
        """Let business time pass; whatever falls due in it has happened when this returns."""
        self.order("clock", advance_s=seconds)
        self.ask("healthz")

    def fault(self, endpoint: str, fault: str, **options: Any) -> None:
        """The next call of that kind goes wrong in this way."""
        self.order("faults", script=[{"endpoint": endpoint, "fault": fault, **options}])

    def key(self, *, environment: str = "production", limit: int = 1000, window_s: float = 60) -> str:
        key = f"contract-key-{uuid.uuid4().hex}"
        self.order("keys", key=key, environment=environment, limit=limit, window_s=window_s)
        return key

    def client(self, *, timeout_s: float = PATIENCE_S, environment: str = "production", **limits: Any) -> Client:
        key = self.key(environment=environment, **limits)
        return Client(self.url, key, staging=environment == "staging", timeout_s=timeout_s)

    def station(self, **line: Any) -> str:
        """A station nobody else uses."""
        name = f"HC-{uuid.uuid4().hex[:10]}"
        self.order("stations", station=name, **line)
        return name

    def sessions(self, station_id: str) -> list[dict[str, Any]]:
        """What really happened there, in order."""
        return [entry for entry in self.ask("ledger")["sessions"] if entry["stationId"] == station_id]

    def jobs(self, station_id: str) -> list[dict[str, Any]]:
        return [entry for entry in self.ask("ledger")["jobs"] if station_id in entry["stationIds"]]

    @staticmethod
    def _document(response: requests.Response) -> Any:
        assert response.ok, response.text
        return json.loads(response.content, parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Message:
    path: str
    content_type: str
    body: bytes


class Inbox:
    """Takes every POST with 200 and keeps it, in order of arrival."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._messages: list[Message] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                inbox.put(Message(self.path, self.headers["Content-Type"], body))

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def url(self, token: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/{token}"

    def put(self, message: Message) -> None:
        with self._arrived:
            self._messages.append(message)
            self._arrived.notify_all()

    def take(self, token: str, count: int = 1) -> list[bytes]:
        """The first `count` bodies that came to this token. Fails when they do not come in time."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._bodies(token)) >= count, PATIENCE_S), self._messages
            return self._bodies(token)[:count]

    def paths(self) -> list[str]:
        with self._arrived:
            return [message.path for message in self._messages]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    def _bodies(self, token: str) -> list[bytes]:
        return [message.body for message in self._messages if message.path == f"/hooks/{token}"]
