"""What is left when the worker is killed with -9 in the middle of a start, a stop and a completion.

Each kill hits one of each at once, and all workers: it is seen before, and checked after, that all are in the middle. A
call is caught while the vendor, who did as asked or did not, keeps its answer back, or while it waits for a request to
be free; a completion while its webhook is being digested or the confirming read is out. The supervisor starts the
workers again. Recovered is a start that is accepted or honestly unknown, a stop that is settled, a completion with
final figures. The sandbox's ledger is the witness. Reads the environment that `./run bench` makes. The last line on
standard output is one JSON object.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import requests

from devstack import scratch
from devstack.stack import WORKERS, Stack
from devstack.supervisor import Restarts

KEY, LIMIT, WINDOW_S = "bench-crash", 600, 60
SPEED = 10  # business seconds in a wall second
ALLOWED_S = 15.0  # the deadline of a call 8 s, the lease of a claim 10 s, the sweep 2 s
PATIENCE_S = 90.0
KEPT_BACK_S = 20.0  # longer than the deadline of a call: only the kill ends it
CHARGE = {"energy_kwh": 70, "duration_s": 36_000}  # a steady 7 kW for longer than the run
HOWS = {
    "start": ("late", "lost", "waiting"),
    "stop": ("lost", "waiting", "late"),
    "completion": ("digest", "read"),
}
ENDPOINTS = {"start": "session.start", "stop": "session.stop", "completion": "session.get"}
FAULTS = {"late": "slow", "lost": "lostRequest", "read": "slow"}
OPEN = {
    "start": "state = 'requested'",
    "stop": "stop_state IN ('wanted', 'unknown')",
    "completion": "final_at IS NULL",
}
# What holds of the row as well when it was killed in the middle, not just after.
MIDDLE = {
    "late": "claimed_until IS NOT NULL",
    "lost": "claimed_until IS NOT NULL",
    "waiting": "claimed_until IS NULL",
    "digest": "NOT hurry",
    "read": "hurry AND read_failures = 0",
}
WAITING = "claimed_until IS NULL AND due_at > clock_timestamp() + interval '1 second'"
# Who waits for the row that we hold, and has a message in hand.
DIGESTING = (
    "SELECT 1 FROM pg_locks WHERE relation = 'fleet_rawmessage'::regclass AND granted"
    " AND %s = ANY(pg_blocking_pids(pid))"
)


@dataclass
class Caught:
    """One start, stop or completion; `recovered_s` counts from the kill."""

    kind: str
    how: str
    station: str
    public_id: str = ""
    recovered_s: float | None = None


class Scene:
    """A running product, its vendor, and what is done to them. `stack` has its servers and nothing else yet."""

    def __init__(self, stack: Stack, rounds: int) -> None:
        self.stack, self.rounds = stack, rounds
        self.caught: list[Caught] = []
        self.asked: dict[str, str] = {}  # kind by reference, which is the station's name
        self.boot_s = 0.0

    def start(self) -> None:
        """Everything, until the workers have done something."""
        began = time.monotonic()
        # We kill far more often than accidents do; nobody shall be given up for it.
        self.stack.supervisor.restarts = Restarts(limit=1000, window_s=5)
        self.stack.start_product()
        self.stack.start_sandbox()
        self._order("keys", {"key": KEY, "limit": LIMIT, "window_s": WINDOW_S})
        site = {"site": "Crash", "timezone": "America/Toronto", "currency": "CAD"}
        names = ["warm", *(f"{kind}-{number}" for kind in HOWS for number in range(2 * self.rounds))]
        stations = [{"station": n, "site": "Crash", "level": 2, "connectors": 1, "rated_kw": 7} for n in names]
        self._order("sites", [site])
        self._order("stations", stations)
        account = {"base_url": self.stack.sandbox_url, "api_key": KEY, "limit": LIMIT, "window_s": WINDOW_S}
        plan = self.stack.var / "plan.json"
        plan.write_text(json.dumps(account | {"sites": [site], "stations": stations}))
        self.key = self.stack.run("-m", "bench.replay.world", str(plan)).split()[-1]
        self.db = psycopg.connect(self.stack.env["DATABASE_URL"], autocommit=True)
        self.holder = psycopg.connect(self.stack.env["DATABASE_URL"])
        self.stack.wait_ready()
        self._await_charging(self._ask("warm", "start"))
        self.boot_s = time.monotonic() - began

    def play(self) -> dict[str, Any]:
        """All kills, then the books. A kill that came too late for one of the three is made good by another round."""
        number, hits = 0, Counter(dict.fromkeys(HOWS, 0))
        while min(hits.values()) < self.rounds and number < 2 * self.rounds:
            found = self._round(number)
            hits.update(one.kind for one in found)
            self.caught += found
            number += 1
            say(f"kill {number}: {', '.join(f'{one.kind} ({one.how}) {one.recovered_s:.1f} s' for one in found)}")
        double, lost = self._reckon()
        return {
            "kills": len(self.caught),
            "double_starts": double,
            "lost": lost,
            "recovery_max_s": round(max(one.recovered_s or PATIENCE_S for one in self.caught), 2),
            **{
                f"recovery_{kind}_s": round(max(one.recovered_s or 0 for one in self.caught if one.kind == kind), 2)
                for kind in HOWS
            },
            "worker_kills": number * len(WORKERS),
        }

    def close(self) -> None:
        """At once: there is nothing left that could get lost."""
        self.stack.supervisor.hurry()
        for link in (self.db, self.holder):
            link.close()

    # --- one kill ---------------------------------------------------------------------------------------------------
    def _round(self, number: int) -> list[Caught]:
        these = [Caught(kind, hows[number % len(hows)], f"{kind}-{number}") for kind, hows in HOWS.items()]
        cars = [one for one in these if one.kind != "start"]
        for one in cars:
            one.public_id = self._ask(one.station, one.kind)
        for one in cars:
            self._await_charging(one.public_id)
        is_taken = False
        # Whoever is to wait for a request comes last, for then there is none for anybody.
        for one in sorted(these, key=lambda one: (one.how == "waiting", one.kind != "completion")):
            if one.how == "waiting" and not is_taken:
                self._take_slots()
                is_taken = True
            self._begin(one)
        for name in WORKERS:
            os.kill(self.stack.supervisor.pid(name) or 0, signal.SIGKILL)
        killed = time.monotonic()
        found = [one for one in these if self._is(one, f"{OPEN[one.kind]} AND {MIDDLE[one.how]}")]
        self.holder.rollback()
        if is_taken:
            self._give_slots_back()
        self._order("faults", {"clear": True})
        self._await_recovery(found, killed)
        return found

    def _begin(self, one: Caught) -> None:
        """Until it is seen to be in its middle."""
        drawn = ""
        if one.how in FAULTS:
            place, fault = ENDPOINTS[one.kind], FAULTS[one.how]
            step = {"endpoint": place, "fault": fault, "stationId": one.station, "slow_s": KEPT_BACK_S}
            late = {} if fault == "slow" else {"probabilities": {place: {"slow": 1.0}}}
            self._order("faults", {"script": [step], **late})
            drawn = f"{place}:{fault}"
        before = self._drawn(drawn)
        if one.how == "digest":
            self.holder.execute("SELECT 1 FROM charging_session WHERE public_id = %s FOR UPDATE", [one.public_id])
        if one.kind == "start":
            one.public_id = self._ask(one.station, kind="start")
        elif one.kind == "stop":
            self._api("POST", f"sessions/{one.public_id}/stop")
        else:
            self._order("unplug", {"stationId": one.station, "connectorId": 1})
        if drawn:
            until(lambda: self._drawn(drawn) > before, f"{one} is out")
        elif one.how == "digest":
            holder = self.holder.info.backend_pid
            until(lambda: self.db.execute(DIGESTING, [holder]).fetchone(), f"{one} is digested")
        else:
            until(lambda: self._is(one, WAITING), f"{one} waits")

    def _await_recovery(self, found: list[Caught], killed: float) -> None:
        open_still = list(found)
        while open_still and time.monotonic() < killed + PATIENCE_S:
            for one in list(open_still):
                if not self._is(one, OPEN[one.kind]):
                    one.recovered_s = time.monotonic() - killed
                    open_still.remove(one)
            time.sleep(0.05)
        if open_still:
            raise SystemExit(f"crash: not recovered within {PATIENCE_S:g} s: {open_still}")

    def _take_slots(self) -> None:
        """No request is left for anybody, nor comes free soon."""
        self.db.execute("UPDATE fleet_requestslot SET free_at = free_at + interval '1 hour'")

    def _give_slots_back(self) -> None:
        """Each is free when it would have been: what was sent goes on to count."""
        self.db.execute("UPDATE fleet_requestslot SET free_at = free_at - interval '1 hour'")

    # --- the books --------------------------------------------------------------------------------------------------
    def _reckon(self) -> tuple[int, int]:
        """Double starts, and sessions whose end the product does not have as it was, or whose stop never happened."""
        for station in self.asked:
            requests.post(
                f"{self.stack.sandbox_url}/_sandbox/unplug", json={"stationId": station, "connectorId": 1}, timeout=30
            )
        wrong: dict[str, Any] = {}

        def all_told() -> bool:
            wrong.clear()
            ledger = self._ledger()
            ours = {
                row[0]: row[1:]
                for row in self.db.execute("SELECT reference, state, final_at, energy_kwh FROM charging_session")
            }
            for reference, kind in self.asked.items():
                if not is_told(kind, ours[reference], ledger.get(reference, [])):
                    wrong[reference] = (ours[reference], ledger.get(reference))
            return not wrong

        try:
            until(all_told, "every end is known", 45)
        except AssertionError:
            say(f"lost: {wrong}")
        return sum(max(0, len(entries) - 1) for entries in self._ledger().values()), len(wrong)

    def _ledger(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in self.stack.sandbox_call("ledger")["sessions"]:
            found.setdefault(entry["externalReference"], []).append(entry)
        return found

    # --- doors ------------------------------------------------------------------------------------------------------
    def _await_charging(self, public_id: str) -> None:
        until(lambda: self._api("GET", f"sessions/{public_id}")["state"] == "charging", f"{public_id} charges")

    def _ask(self, station: str, kind: str) -> str:
        self._order("plug", {"stationId": station, "connectorId": 1, "plan": CHARGE})
        self.asked[station] = kind
        body = {"station": station, "connector": 1, "reference": station}
        return str(self._api("POST", "sessions", body)["id"])

    def _api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, f"{self.stack.url}/api/v1/{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def _order(self, path: str, body: Any) -> None:
        answer = requests.post(f"{self.stack.sandbox_url}/_sandbox/{path}", json=body, timeout=30)
        answer.raise_for_status()

    def _drawn(self, fault: str) -> int:
        return int(self.stack.sandbox_call("faults")["drawn"].get(fault, 0))

    def _is(self, one: Caught, condition: str) -> bool:
        query = f"SELECT 1 FROM charging_session WHERE public_id = %s AND {condition}"  # noqa: S608
        return self.db.execute(query, [one.public_id]).fetchone() is not None


def is_told(kind: str, ours: tuple[Any, ...], entries: list[dict[str, Any]]) -> bool:
    """What the product says of a session (state, final_at, energy_kwh) is what the ledger says."""
    state, final_at, energy_kwh = ours
    if not entries:
        return bool(state == "unknown")
    entry = entries[0]
    is_stopped = kind != "stop" or entry["endReason"] == "Remote"
    is_same = (state, energy_kwh) == (entry["status"], Decimal(str(entry["energy"])))
    return bool(is_same and is_stopped and state == "completed" and final_at is not None)


def stack_in(folder: Path, **env: str) -> Stack:
    """A product with its vendor; DATABASE_URL and BROKER_URL in `env` name servers that run already."""
    clock = f"{datetime.now(UTC).isoformat()}@{time.time()}"
    return Stack(
        folder,
        env={"BUSINESS_CLOCK": f"{clock}x{SPEED}", **env},
        sandbox=("--world", "empty", "--speed", str(SPEED), "--origin", clock),
    )


def until(condition: Callable[[], Any], what: str, within_s: float = PATIENCE_S, step_s: float = 0.02) -> None:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(step_s)


def say(text: str) -> None:
    print(f"crash: {text}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench crash", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two kills instead of twenty")
    rounds = 2 if parser.parse_args().quick else 20
    with scratch.kept("crash") as folder:
        stack = stack_in(folder, DATABASE_URL=os.environ["DATABASE_URL"], BROKER_URL=os.environ["BROKER_URL"])
        try:
            scene = Scene(stack, rounds)
            stack.start_servers()
            scene.start()
            say(f"the workers were up after {scene.boot_s:.1f} s; {rounds} kills follow")
            found = scene.play()
            scene.close()
        finally:
            stack.stop()
    print(json.dumps(found))
    is_whole = found["kills"] >= len(HOWS) * rounds
    is_good = found["double_starts"] == found["lost"] == 0 and found["recovery_max_s"] <= ALLOWED_S
    return 0 if is_whole and is_good else 1


if __name__ == "__main__":
    sys.exit(main())
