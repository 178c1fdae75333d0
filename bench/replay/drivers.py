"""The drivers of a replay: each plugs in, asks the product's API for a session, and waits where a car stands."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import requests

from bench.replay.rows import Row

RETRY_WALL_S = 0.25
PATIENCE_WALL_S = 900.0
GONE = ("failed", "expired")  # nothing began: the driver takes the cable out


class Drivers:
    """Plays rows against a sandbox and a product; business time is `origin` at `epoch_s` and runs at `speed`."""

    def __init__(
        self, *, sandbox_url: str, api_url: str, key: str, connectors: dict[str, int], origin: datetime, epoch_s: float,
        speed: float,
    ) -> None:  # fmt: skip
        self.sandbox_url, self.api_url = sandbox_url, f"{api_url}/api/v1"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.connectors = connectors
        self.origin, self.epoch_s, self.speed = origin, epoch_s, speed
        self.places: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self.waited_for_bay = 0
        self.answers: dict[int, int] = defaultdict(int)
        self.problems: dict[str, str] = {}
        self._note = threading.Lock()

    def play(self, rows: Sequence[Row]) -> None:
        """Every row at its time, a thread each; returns when all have asked. Rows come in the order of their start."""
        threads = []
        for row in rows:
            time.sleep(max(0.0, self._wall_of(row.start_at) - time.time()))
            threads.append(threading.Thread(target=self._drive, args=(row,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(PATIENCE_WALL_S)

    def list(self, **filters: str) -> list[dict[str, Any]]:
        """All sessions of the product, page by page."""
        found: list[dict[str, Any]] = []
        url: str | None = f"{self.api_url}/sessions"
        query: dict[str, str] | None = {"limit": "500", **filters}
        while url:
            page = requests.get(url, params=query, headers=self.headers, timeout=30)
            page.raise_for_status()
            found += page.json()["results"]
            url, query = page.json()["next"], None
        return found

    def _wall_of(self, at: datetime) -> float:
        return self.epoch_s + (at - self.origin).total_seconds() / self.speed

    def _drive(self, row: Row) -> None:
        try:
            end = time.monotonic() + PATIENCE_WALL_S
            connector = self._plug(row, end)
            public_id = self._ask(row, connector, end)
            self._watch(row, connector, public_id, end)
        except Exception as error:  # a thread that dies silently would look like a lost session
            with self._note:
                self.problems[row.reference] = f"{type(error).__name__}: {error}"

    def _plug(self, row: Row, end: float) -> int:
        """The connector that the cable is in. A later driver of a station waits behind the earlier ones."""
        plan = {
            "energy_kwh": str(row.energy_kwh), "duration_s": row.duration_s, "charging_s": row.charging_s,
        }  # fmt: skip
        choice = [row.connector] if row.connector else range(1, self.connectors[row.station] + 1)
        waited = False
        with self.places[row.station]:
            while time.monotonic() < end:
                for number in choice:
                    body = {"stationId": row.station, "connectorId": number, "plan": plan}
                    answer = requests.post(f"{self.sandbox_url}/_sandbox/plug", json=body, timeout=30)
                    if answer.status_code == 200:
                        return int(number)
                    if answer.status_code != 409:
                        raise RuntimeError(f"the sandbox refused the plug: {answer.status_code} {answer.text[:200]}")
                if not waited:
                    waited = True
                    with self._note:
                        self.waited_for_bay += 1
                time.sleep(RETRY_WALL_S / 5)
        raise TimeoutError("no connector became free")

    def _ask(self, row: Row, connector: int, end: float) -> str:
        """POST until it is taken: 409 is another session that the product still sees there, 5xx its own trouble."""
        body = {"station": row.station, "connector": connector, "reference": row.reference}
        while time.monotonic() < end:
            answer = requests.post(f"{self.api_url}/sessions", json=body, headers=self.headers, timeout=60)
            with self._note:
                self.answers[answer.status_code] += 1
            if answer.status_code == 202:
                return str(answer.json()["id"])
            if answer.status_code != 409 and answer.status_code < 500:
                raise RuntimeError(f"the product refused the start: {answer.status_code} {answer.text[:200]}")
            time.sleep(RETRY_WALL_S)
        raise TimeoutError("the product did not take the start")

    def _watch(self, row: Row, connector: int, public_id: str, end: float) -> None:
        """Until the start has an outcome; a driver whose start came to nothing leaves."""
        state = "requested"
        while state == "requested" and time.monotonic() < end:
            time.sleep(2 * RETRY_WALL_S)
            answer = requests.get(f"{self.api_url}/sessions/{public_id}", headers=self.headers, timeout=60)
            state = answer.json()["state"] if answer.status_code == 200 else state
        if state in GONE:
            body = {"stationId": row.station, "connectorId": connector}
            requests.post(f"{self.sandbox_url}/_sandbox/unplug", json=body, timeout=30)
