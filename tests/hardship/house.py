"""A running product with its vendor, for tests that hurt it: its doors, its rows, its processes by name."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from devstack.stack import Stack

T = TypeVar("T")
SPEED = 60  # business seconds in one second
STATIONS = [f"HC-H{number:02d}" for number in range(1, 13)]
CONNECTORS = 2
LIMIT = 6000  # requests a minute: the budget is not what is tried here
SETTLED_S = 30.0
PREPARE = f"""
from fleet import accounts
from django.db.models.functions import Now
from fleet.models import Account, RequestSlot
from lib import clock
account = Account.objects.get()
accounts.change_limit(actor=None, account=account, request_limit={LIMIT}, now=clock.now())
RequestSlot.objects.update(free_at=Now())  # the vendor has heard nothing yet
print(accounts.exception_url(account))
"""


@dataclass
class Answer:
    status: int  # 0: nobody answered
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)


class House:
    def __init__(self, folder: Path) -> None:
        began = time.time()
        clock = f"{datetime.now(UTC).isoformat()}@{began}"
        self.stack = Stack(
            folder,
            env={"DEMO": "1", "BUSINESS_CLOCK": f"{clock}x{SPEED}", "READ_EVERY_S": "2"},
            throwaway=False,  # a killed server must keep what it committed, as on a machine that serves people
            sandbox=("--world", "empty", "--speed", str(SPEED), "--origin", clock),
        )
        self.folder = folder
        self.key = ""
        self.exception_url = ""

    def start(self) -> None:
        self.stack.start()
        self.order("keys", key="sandbox-production-key", limit=LIMIT)
        for name in STATIONS:
            self.order("stations", station=name, connectors=CONNECTORS, start_limit_s=300)
        tables = {name: self.folder / f"{name}.csv" for name in ("stations", "tariffs")}
        for name, path in tables.items():
            path.write_bytes(send(f"{self.stack.sandbox_url}/_sandbox/{name}.csv").body)
        self.stack.manage("create_demo", "--stations", str(tables["stations"]), "--tariffs", str(tables["tariffs"]))
        self.exception_url = self.stack.manage("shell", "-v", "0", "-c", PREPARE).split()[-1]
        self.key = self.stack.manage("demo_key").split()[-1]
        self.plug(STATIONS[-1], 1, "1", 60)
        self.settled([self.ask(STATIONS[-1], 1, "the workers are up", 60)["id"]], 60)

    # --- the doors ------------------------------------------------------------------------------------------------

    def order(self, path: str, **body: Any) -> Any:
        """The sandbox's control."""
        answer = send(f"{self.stack.sandbox_url}/_sandbox/{path}", body)
        assert answer.status == 200, (path, answer)
        return answer.json()

    def api(self, path: str, body: Any = None) -> Answer:
        return send(f"{self.stack.url}/api/v1/{path}", body, {"Authorization": f"Bearer {self.key}"})

    def ask(self, station: str, connector: int, reference: str, within_s: float = 90) -> dict[str, Any]:
        """As a driver's app does: the same reference again until somebody answers."""

        def answered() -> Any:
            answer = self.api("sessions", {"station": station, "connector": connector, "reference": reference})
            return answer.json() if answer.status == 202 else None

        found: dict[str, Any] = until(answered, f"{reference} is taken in", within_s)
        return found

    def session(self, public_id: str) -> dict[str, Any]:
        """Asked until somebody answers."""

        def answered() -> Any:
            answer = self.api(f"sessions/{public_id}")
            return answer.json() if answer.status == 200 else None

        found: dict[str, Any] = until(answered, f"session {public_id} can be read")
        return found

    def reaches(self, public_id: str, state: str, within_s: float = 90) -> None:
        """Fails with what the session is instead."""
        try:
            until(lambda: self.session(public_id)["state"] == state, state, within_s)
        except AssertionError as error:
            raise AssertionError(self.session(public_id)) from error

    def settled(self, public_ids: Iterable[str], within_s: float = SETTLED_S) -> list[dict[str, Any]]:
        """The sessions, once each of them is final. Fails with those that are not."""
        ids = list(public_ids)
        waiting = (
            "SELECT reference, state, error, attempts, claimed_until, read_failures FROM charging_session"
            " WHERE public_id = ANY(%s::uuid[]) AND final_at IS NULL"
        )
        try:
            until(lambda: not self.rows(waiting, ids), "every session is final", within_s)
        except AssertionError as error:
            raise AssertionError(self.rows(waiting, ids)) from error
        return [self.session(public_id) for public_id in ids]

    def plug(self, station: str, connector: int, energy_kwh: str, duration_s: int) -> None:
        plan = {"energy_kwh": energy_kwh, "duration_s": duration_s}
        self.order("plug", stationId=station, connectorId=connector, plan=plan)

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """What really happened, by the reference of whoever asked."""
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in send(f"{self.stack.sandbox_url}/_sandbox/ledger").json()["sessions"]:
            found.setdefault(entry["externalReference"], []).append(entry)
        return found

    # --- inside ---------------------------------------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Straight from the database; nothing while it is away."""
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as link:
            return link.execute(query, values).fetchall()

    def undigested(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT id, attempts, error FROM fleet_rawmessage WHERE digested_at IS NULL")

    def pid(self, name: str) -> int:
        pid = self.stack.supervisor.pid(name)
        assert pid is not None, f"{name} does not run"
        return pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """As an accident: whoever looks after the processes must bring it back. Returns the id it had."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_back(self, name: str, old_pid: int) -> None:
        until(lambda: self.stack.supervisor.pid(name) not in (None, old_pid), f"{name} runs again")

    def wait_ready(self) -> None:
        until(self.stack.is_ready, "the product is ready again")

    def wait_vendor(self) -> None:
        until(lambda: send(f"{self.stack.sandbox_url}/_sandbox/healthz").status == 200, "the vendor answers again")

    def all_alive(self) -> set[str]:
        """The programs that nobody gave up."""
        children = self.stack.supervisor.children
        return {name for name, child in children.items() if self.stack.supervisor.is_alive(name) and not child.gave_up}


def send(url: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """GET, or POST of JSON or of raw bytes. Never raises for what the other side does."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"} | (headers or {}))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback, a process of ours
            return Answer(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), dict(error.headers))
    except (OSError, http.client.HTTPException):
        return Answer(0)


def until(condition: Callable[[], T], what: str, within_s: float = 90, step_s: float = 0.1) -> T:
    """The condition's first true value. A database that is away counts as "not yet"."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except psycopg.OperationalError:
            pass
        time.sleep(step_s)
    raise AssertionError(f"not within {within_s:g} s: {what}")
