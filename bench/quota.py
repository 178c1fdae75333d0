"""How much of a key's request limit the gateway really gets, and whether it ever asks for more than that.

The sandbox judges by arrival. Beside ours, on keys of their own, two libraries with a sliding window of the same size.
Reads the environment that `./run bench` makes. The last line on standard output is one JSON object.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import django
import requests
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from pyrate_limiter import Limiter, Rate, RedisBucket
from redis import Redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

import eevion  # noqa: E402
from fleet import accounts, gateway  # noqa: E402
from fleet.gateway import Lane  # noqa: E402
from fleet.models import Account  # noqa: E402
from people.models import Organisation  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 60
WINDOWS = 10
PEER_PROCESSES = 4
LANES = (Lane.PEOPLE, Lane.PEOPLE, Lane.COMMANDS, Lane.COMMANDS, Lane.COMMANDS, Lane.COMMANDS, Lane.READS, Lane.HISTORY)
fork = multiprocessing.get_context("fork")


@dataclass
class Worker:
    """A forked process; on `news` it says + before it sends and - once it has the answer."""

    process: Any
    news: int
    lane: Lane


class Vendor:
    """The sandbox as a process of its own, and its control interface."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--world", "empty", "--seed", "1"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1].rstrip("/")
        self.http = requests.Session()
        self.http.trust_env = False

    def order(self, path: str, body: dict[str, Any]) -> None:
        self.http.post(f"{self.url}/_sandbox/{path}", json=body, timeout=10).raise_for_status()

    def arrivals(self, key: str) -> tuple[list[float], int]:
        """The wall seconds of all requests with the key, and how many were refused."""
        answer = self.http.get(f"{self.url}/_sandbox/arrivals?key={quote(key)}", timeout=10)
        answer.raise_for_status()
        said = answer.json()
        return sorted(said["arrivals"]), said["refused_429"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def send_for_ever(account: Account, lane: Lane, news: int, ask: Callable[[eevion.Client], object]) -> None:
    """What one of our processes does until it is killed."""

    def request(client: eevion.Client) -> object:
        os.write(news, b"+")
        try:
            return ask(client)
        finally:
            os.write(news, b"-")

    while True:
        try:
            gateway.call(account=account, lane=lane, why="bench", endpoint="bench", request=request, patience_s=3600.0)
        except (gateway.NoSlot, eevion.EevionError) as error:
            print(f"quota: {lane}: {type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(0.05)


def start(account: Account, lane: Lane, ask: Callable[[eevion.Client], object]) -> Worker:
    """Fork one; a fork is ready at once where a fresh interpreter would lose half a window."""
    connections.close_all()
    mine, its = os.pipe()
    process = fork.Process(target=send_for_ever, args=(account, lane, its, ask), daemon=True)
    process.start()
    os.close(its)
    return Worker(process, mine, lane)


def kill_in_flight(workers: list[Worker], patience_s: float) -> tuple[Worker, bool] | None:
    """Kill -9 the first one seen sending. Returns it, and whether its call was in flight when it died."""
    end = time.monotonic() + patience_s
    pipes = {worker.news: worker for worker in workers}
    for pipe in select.select(list(pipes), [], [], 0)[0]:
        os.read(pipe, 65536)  # old news
    while (left_s := end - time.monotonic()) > 0:
        for pipe in select.select(list(pipes), [], [], left_s)[0]:
            said = os.read(pipe, 65536)
            if not said.endswith(b"+"):
                continue
            victim = pipes[pipe]
            os.kill(victim.process.pid, signal.SIGKILL)
            victim.process.join()
            while more := os.read(pipe, 65536):
                said += more
            os.close(pipe)
            return victim, said.endswith(b"+")
    return None


def limits_for_ever(url: str, key: str, window_s: int) -> None:
    limiter = MovingWindowRateLimiter(RedisStorage(f"redis+unix://{urlsplit(settings.BROKER_URL).path}"))
    item = RateLimitItemPerSecond(LIMIT, window_s)
    while True:
        if limiter.hit(item, key):
            peer_call(url, key)
        else:
            time.sleep(max(0.001, limiter.get_window_stats(item, key).reset_time - time.time()))


def pyrate_for_ever(url: str, key: str, window_s: int) -> None:
    store = Redis(unix_socket_path=urlsplit(settings.BROKER_URL).path)
    limiter = Limiter(RedisBucket.init([Rate(LIMIT, window_s * 1000)], store, key), buffer_ms=0)
    while True:
        if limiter.try_acquire(key):
            peer_call(url, key)


def peer_call(url: str, key: str) -> None:
    # A refusal is counted by the sandbox.
    with contextlib.suppress(eevion.EevionError):
        eevion.Client(url, key, timeout_s=settings.EEVION_TIMEOUT_S).list_jobs(since=datetime.now(UTC))


PEERS = {"limits": limits_for_ever, "pyrate-limiter": pyrate_for_ever}


def most_in_any_window(arrivals: list[float], window_s: float) -> int:
    """The most arrivals that any half-open window of that length holds."""
    first = most = 0
    for last, moment in enumerate(arrivals):
        while arrivals[first] <= moment - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def use(arrivals: list[float], window_s: float) -> float:
    """Arrivals in the windows after the first, as a share of what the limit allows."""
    begin = arrivals[0] + window_s
    inside = [moment for moment in arrivals if begin <= moment < begin + WINDOWS * window_s]
    return round(len(inside) / (LIMIT * WINDOWS), 4)


def measure(vendor: Vendor, window_s: int) -> dict[str, Any]:
    """Both parts and the peers side by side, each on its own key."""
    organisation = Organisation.objects.create(name="Benchmark")
    keys = {name: f"bench-{name}-{os.getpid()}" for name in ("steady", "hostile", *PEERS)}
    for key in keys.values():
        vendor.order("keys", {"key": key, "limit": LIMIT, "window_s": window_s})
    # Only the hostile part asks for exceptions: its answers are late by 0 to W/12.
    vendor.order(
        "faults",
        {"probabilities": {"exceptions": {"slow": 1.0}}, "options": {"slow_s": [0, window_s / 12]}},
    )
    ours = {
        name: accounts.create(
            actor=None, organisation=organisation, name=name, base_url=vendor.url, environment="production",
            api_key=keys[name], request_limit=LIMIT, window_s=window_s, now=datetime.now(UTC),
        )
        for name in ("steady", "hostile")
    }  # fmt: skip
    steady = [start(ours["steady"], lane, lambda client: client.list_jobs(since=datetime.now(UTC))) for lane in LANES]
    ask_hostile = lambda client: client.list_exceptions(since=datetime.now(UTC))  # noqa: E731
    hostile = [start(ours["hostile"], lane, ask_hostile) for lane in LANES]
    peers = [
        fork.Process(target=run, args=(vendor.url, keys[name], window_s), daemon=True)
        for name, run in PEERS.items()
        for _ in range(PEER_PROCESSES)
    ]
    for peer in peers:
        peer.start()
    begun = time.monotonic()
    kills = 0
    try:
        for number in range(1, WINDOWS + 1):
            time.sleep(max(0.0, begun + (number + 0.5) * window_s - time.monotonic()))
            in_flight = False
            # A kill that came just after the answer does not count, and is made good. The slots come free in a burst,
            # so it may take most of a window until somebody sends.
            while not in_flight and (killed := kill_in_flight(hostile, 0.9 * window_s)) is not None:
                victim, in_flight = killed
                hostile.remove(victim)
                hostile.append(start(ours["hostile"], victim.lane, ask_hostile))
            kills += in_flight
        time.sleep(max(0.0, begun + (WINDOWS + 1) * window_s + 0.3 - time.monotonic()))
    finally:
        for process in [*(worker.process for worker in steady + hostile), *peers]:
            process.kill()
            process.join()
    return report(vendor, keys, window_s, kills)


def report(vendor: Vendor, keys: dict[str, str], window_s: int, kills: int) -> dict[str, Any]:
    """The figures, from the sandbox's own log of arrivals."""
    seen = {name: vendor.arrivals(key) for name, key in keys.items()}
    ours = ("steady", "hostile")
    return {
        "refused_429": sum(seen[name][1] for name in ours),
        "quota_use": use(seen["steady"][0], window_s),
        "hostile_use": use(seen["hostile"][0], window_s),
        "hostile_bound": round(window_s / (window_s + window_s / 24), 4),
        "max_in_any_window": max(most_in_any_window(seen[name][0], window_s) for name in ours),
        "window_s": window_s,
        "windows": WINDOWS,
        "kills_in_flight": kills,
        "peers": {
            name: {
                "refused_429": seen[name][1],
                "quota_use": use(seen[name][0], window_s) if seen[name][0] else 0.0,
                "max_in_any_window": most_in_any_window(seen[name][0], window_s),
            }
            for name in PEERS
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench quota", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="windows of 3 s instead of 60 s")
    window_s = 3 if parser.parse_args().quick else 60
    if window_s < 60:
        settings.EEVION_TIMEOUT_S = 1.0  # a killed sender's slot is lost for timeout and window
    vendor = Vendor()
    print(f"quota: measuring for {(WINDOWS + 1) * window_s} s", file=sys.stderr)
    try:
        found = measure(vendor, window_s)
    finally:
        vendor.stop()
    print(json.dumps(found))
    wanted = 0.98 if window_s < 60 else 0.99
    is_good = found["refused_429"] == 0 and found["max_in_any_window"] <= LIMIT and found["quota_use"] >= wanted
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
