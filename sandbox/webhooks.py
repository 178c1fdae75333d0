"""Sends webhooks on wall time, with retries, and plays what goes wrong on the way. Attempts go to the ledger."""

import heapq
import itertools
import json
import secrets
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests

from sandbox.clock import Clock, iso
from sandbox.faults import Faults
from sandbox.model import Settings
from sandbox.store import dumps

THREADS = 8


@dataclass(slots=True)
class Delivery:
    """One message on its way about `owner`. `done`: delivered, or overtaken by a copy of itself."""

    kind: str
    url: str
    body: bytes
    owner: Any
    fault: str | None = None
    attempt: int = 1
    done: bool = field(default=False)


class Owner(Protocol):
    """What a sender needs of the world; the world knows its sender, not the other way round."""

    faults: Faults
    clock: Clock
    settings: Settings

    def turn(self) -> AbstractContextManager[datetime]: ...

    def holds(self, thing: Any) -> bool: ...

    def touch(self, thing: Any) -> None: ...


class Sender:
    """Threads that POST. `send` only queues, so it may be called inside a turn."""

    def __init__(self, world: Owner) -> None:
        self._world = world
        self._ready = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._held: dict[str, Delivery] = {}
        self._closing = False

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True).start()

    def close(self) -> None:
        with self._ready:
            self._closing = True
            self._ready.notify_all()

    def forget(self) -> None:
        """Throw away what has not gone out yet: its world is over."""
        with self._ready:
            self._queue, self._held = [], {}

    def send(self, kind: str, url: str | None, document: dict[str, Any], owner: Any) -> None:
        """Queue a webhook of `kind` (session, job, exception) about `owner`. Without a URL nothing happens."""
        if not url:
            return
        drawn = self._world.faults.webhook(kind)
        delivery = Delivery(kind, url, dumps(document), owner, drawn.fault)
        between = self._world.faults.between
        match drawn.fault:
            case "lost":
                self._note(delivery, "lost", None)
            case "doubled":
                self._push(delivery, 0)
                self._push(Delivery(kind, url, delivery.body, owner, "doubled"), 0.05)
            case "late":
                self._push(delivery, between(drawn.options["late_s"]))
            case "reordered":
                self._push(delivery, between(drawn.options["reordered_s"]))
            case "malformed":
                delivery.body = delivery.body[: len(delivery.body) // 2] + b"\xff"
                self._push(delivery, 0)
            case "forged":
                self._push(Delivery(kind, forged_url(url), forged_body(document), owner, "forged"), 0)
                self._push(Delivery(kind, url, delivery.body, owner), 0)
            case _:
                self._push(delivery, 0)
        self._overtake(kind, delivery)

    def _overtake(self, kind: str, delivery: Delivery) -> None:
        # A reordered message waits for the next one of its kind, and follows it.
        held = self._held.pop(kind, None)
        if held and not held.done:
            held.done = True
            self._push(Delivery(held.kind, held.url, held.body, held.owner, held.fault), 0.3)
        if delivery.fault == "reordered":
            self._held[kind] = delivery

    def _push(self, delivery: Delivery, delay_s: float) -> None:
        with self._ready:
            heapq.heappush(self._queue, (time.monotonic() + delay_s, next(self._order), delivery))
            self._ready.notify()

    def _next(self) -> Delivery | None:
        with self._ready:
            while not self._closing:
                wait_s = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait_s is not None and wait_s <= 0:
                    delivery = heapq.heappop(self._queue)[2]
                    if not delivery.done:
                        delivery.done = True
                        return delivery
                else:
                    self._ready.wait(wait_s)
        return None

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (delivery := self._next()) is not None:
                self._deliver(session, delivery)

    def _deliver(self, session: requests.Session, delivery: Delivery) -> None:
        with self._world.turn():
            if not self._world.holds(delivery.owner):
                return
        outcome, status = _post(session, delivery, self._world.settings.webhook_timeout_wall_s)
        with self._world.turn():
            if not self._world.holds(delivery.owner):
                return
            self._note(delivery, outcome, status)
        worth_repeating = status is None or status >= 500
        if worth_repeating and delivery.attempt <= self._world.settings.webhook_retries:
            again = Delivery(
                delivery.kind, delivery.url, delivery.body, delivery.owner, delivery.fault, delivery.attempt + 1
            )
            self._push(again, self._world.settings.webhook_backoff_wall_s * 2 ** (delivery.attempt - 1))

    def _note(self, delivery: Delivery, outcome: str, status: int | None) -> None:
        entry = {
            "at": iso(self._world.clock.now()),
            "outcome": outcome,
            "status": status,
            "attempt": delivery.attempt,
            "fault": delivery.fault,
        }
        delivery.owner.webhooks.append(entry)
        self._world.touch(delivery.owner)


def _post(session: requests.Session, delivery: Delivery, timeout_s: float) -> tuple[str, int | None]:
    headers = {"Content-Type": "application/json", "User-Agent": "eevion-sandbox"}
    try:
        answer = session.post(
            delivery.url, data=delivery.body, headers=headers, timeout=timeout_s, allow_redirects=False
        )
    except requests.Timeout:
        return "timeout", None
    except (requests.RequestException, ValueError):
        return "unreachable", None
    return ("delivered" if answer.ok else "refused"), answer.status_code


def forged_url(url: str) -> str:
    """The same address with another token, as somebody would guess it."""
    head, _, tail = url.rstrip("/").rpartition("/")
    return f"{head}/{secrets.token_urlsafe(max(16, len(tail) * 3 // 4))}" + ("/" if url.endswith("/") else "")


def forged_body(document: dict[str, Any]) -> bytes:
    """The same message with other amounts."""
    return json.dumps({**json.loads(dumps(document)), "cost": 0.01, "energy": 0.001}).encode()
