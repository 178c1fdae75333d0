"""What the live board costs: fifty signed-in browsers that poll every two seconds while sessions change.

Two organisations, with 200 and with 2,000 live sessions, each measured alone; the board shows at most 200 rows. The
web processes are those of the product; what they burn is read from /proc. Reads the environment that `./run bench`
makes. The last line on standard output is one JSON object.
"""

import argparse
import gzip
import http.client
import json
import math
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connections  # noqa: E402

from bench._board_world import CLIENTS, build, change_for_ever  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
POLL_EVERY_S = 2.0
SCALES = (200, 2_000)
GROWTH_ALLOWED = 2.5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
fork = multiprocessing.get_context("fork")


@dataclass
class Seen:
    """What one client met while it was measured."""

    latencies_s: list[float] = field(default_factory=list)
    received_bytes: int = 0
    rows: int = 0
    answers: list[bytes] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    polls: int
    cpu_percent: float
    cpu_ms_a_poll: float
    kb_per_client_minute: float
    p99_ms: float
    rows_a_poll: float


# --- the product ------------------------------------------------------------------------------------------------------
@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """The web processes as `./run` starts them; their port and the first one's id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", "-k", "gthread", "-w", "2",
        "--threads", "8", "--log-level", "warning", "--no-control-socket", "--preload",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            _wait_for(port, process, log)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: Any, log: Any) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/healthz")
            if asked.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    raise SystemExit(f"board: the web server did not start: {log.read()[-2000:].decode()}")


def cpu_s(pid: int) -> float:
    """Of a process and its children so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_own_cpu_s(one) for one in (pid, *map(int, children)))


def _own_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


# --- the browsers -----------------------------------------------------------------------------------------------------
class Browser(threading.Thread):
    """Polls as live.js does, from a page that was loaded before; what it meets after `begin_s` counts."""

    def __init__(self, port: int, cookie_line: str, number: int) -> None:
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Cookie": cookie_line, "Accept-Encoding": "gzip", "HX-Request": "true"}
        self.phase_s = POLL_EVERY_S * number / CLIENTS
        self.seen = Seen()
        self.begin_s = self.end_s = math.inf
        self.version = ""

    def ask(self, path: str, **headers: str) -> tuple[int, Any, bytes, int]:
        try:
            self.connection.request("GET", path, headers=self.headers | headers)
            answer = self.connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):  # closed after a while: a browser opens another
            self.connection.close()
            self.connection.request("GET", path, headers=self.headers | headers)
            answer = self.connection.getresponse()
        body = answer.read()
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 17
        return answer.status, answer, body, head + len(body)

    def load(self) -> str:
        """The page; returns the version it holds."""
        status, _answer, body, _size = self.ask("/")
        found = re.search(r'data-version="([^"]+)"', gzip.decompress(body).decode())
        if status != 200 or not found:
            raise SystemExit(f"board: the page answered {status}")
        return found.group(1)

    def run(self) -> None:
        due_s = time.monotonic() + self.phase_s
        while due_s < self.end_s:
            time.sleep(max(0.0, due_s - time.monotonic()))
            self.poll()
            due_s = max(due_s + POLL_EVERY_S, time.monotonic())

    def poll(self) -> None:
        began_s = time.monotonic()
        status, answer, body, size = self.ask("/live/rows?q=", **{"X-Since": self.version})
        took_s = time.monotonic() - began_s
        self.version = answer.getheader("X-Version") or self.version
        if not self.begin_s <= began_s < self.end_s:
            return
        if status not in (200, 204):
            self.seen.failures.append(f"a poll answered {status}")
        self.seen.latencies_s.append(took_s)
        self.seen.received_bytes += size
        if status == 200:
            self.seen.answers.append(body)


def rows_in(body: bytes) -> int:
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).count(b'<tr id="s-')


def measure(port: int, pid: int, size: int, seconds: float) -> Found:
    ids, cookies = build(size)
    say(f"{size} sessions are there")
    connections.close_all()
    writer = fork.Process(target=change_for_ever, args=(ids,), daemon=True)
    browsers = [Browser(port, line, number) for number, line in enumerate(cookies)]
    version = browsers[0].load()
    for browser in browsers:
        browser.version = version
        browser.start()
    writer.start()
    try:
        time.sleep(1.5 * POLL_EVERY_S)
        begin_s = time.monotonic()
        for browser in browsers:
            browser.begin_s, browser.end_s = begin_s, begin_s + seconds
        before_s = cpu_s(pid)
        time.sleep(max(0.0, begin_s + seconds - time.monotonic()))
        burnt_s = cpu_s(pid) - before_s
        for browser in browsers:
            browser.join(30)
    finally:
        writer.kill()
        writer.join()
    return judge([browser.seen for browser in browsers], burnt_s, seconds)


def judge(seen: list[Seen], burnt_s: float, seconds: float) -> Found:
    failures = [failure for one in seen for failure in one.failures]
    if failures:
        raise SystemExit(f"board: {len(failures)} requests failed: {failures[0]}")
    latencies_s = sorted(value for one in seen for value in one.latencies_s)
    answers = [body for one in seen for body in one.answers]
    polls = len(latencies_s)
    return Found(
        polls=polls,
        cpu_percent=round(100 * burnt_s / seconds, 1),
        cpu_ms_a_poll=round(1000 * burnt_s / polls, 2),
        kb_per_client_minute=round(sum(one.received_bytes for one in seen) / len(seen) / 1024 * 60 / seconds, 1),
        p99_ms=round(1000 * statistics.quantiles(latencies_s, n=100)[98], 1),
        rows_a_poll=round(sum(rows_in(body) for body in answers) / polls, 1),
    )


def say(text: str) -> None:
    print(f"board: {text}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench board", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 s for each size instead of 60 s")
    seconds = 8.0 if parser.parse_args().quick else 60.0
    found = {}
    with server() as (port, pid):
        for size in SCALES:
            found[size] = measure(port, pid, size, seconds)
            say(f"{size}: {found[size]}")
    few, many = (found[size] for size in SCALES)
    growth = round(many.cpu_ms_a_poll / few.cpu_ms_a_poll, 2)
    print(
        json.dumps(
            {
                "cpu_percent": many.cpu_percent,
                "kb_per_client_minute": max(few.kb_per_client_minute, many.kb_per_client_minute),
                "p99_ms": max(few.p99_ms, many.p99_ms),
                "poll_cost_growth": growth,
                "cpu_percent_at_200": few.cpu_percent,
                "poll_cpu_ms": [few.cpu_ms_a_poll, many.cpu_ms_a_poll],
                "rows_a_poll": [few.rows_a_poll, many.rows_a_poll],
                "polls": [few.polls, many.polls],
            }
        )
    )
    return 0 if growth < GROWTH_ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
