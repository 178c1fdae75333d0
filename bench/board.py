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
import random
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
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.test import Client  # noqa: E402

from charging.models import Reading, Session  # noqa: E402
from charging.models.session import Origin, State  # noqa: E402
from fleet import accounts, stations  # noqa: E402
from fleet.models import Connector, Site, Station  # noqa: E402
from lib import clock  # noqa: E402
from people.models import Membership, Organisation, User  # noqa: E402
from people.roles import Role  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 50
POLL_EVERY_S = 2.0
CHANGES_PER_S = 20
SITES = 8
READINGS = 6  # a session, over the half hour that its trace shows
SCALES = (200, 2_000)
GROWTH_ALLOWED = 2.5
TARIFF = {
    "fee_id": "bench", "name": "bench", "currency": "CAD", "price_per_kwh": "0.35", "price_per_minute": "0",
    "price_per_start": "0",
}  # fmt: skip
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


# --- the world --------------------------------------------------------------------------------------------------------
def build(size: int) -> tuple[list[int], list[str]]:
    """An organisation with live sessions, and the cookies of its members."""
    dice = random.Random(size)
    organisation = Organisation.objects.create(name=f"Bench {size}")
    account = accounts.create(
        actor=None, organisation=organisation, name=f"bench {size}", base_url="http://127.0.0.1:9",
        environment="production", api_key=f"bench-{size}", request_limit=60, window_s=60, now=clock.now(),
    )  # fmt: skip
    sites = [
        Site.objects.create(
            organisation=organisation, name=f"Site {n}", timezone="America/Toronto", currency="CAD",
            grid_limit_kw=Decimal(size),
        )
        for n in range(SITES)
    ]  # fmt: skip
    rows = stations.create_many(
        stations=[
            (
                Station(
                    organisation=organisation, account=account, site=sites[n % SITES], vendor_id=f"B{size}-{n:04d}",
                    rated_kw=Decimal(11),
                ),
                1,
            )
            for n in range(size)
        ]
    )  # fmt: skip
    connectors = {row.station_id: row for row in Connector.objects.filter(station__account=account)}
    now = clock.now()
    Connector.objects.filter(station__account=account).update(session_state=State.CHARGING, busy_since=now)
    sessions = Session.objects.bulk_create(
        [
            Session(
                organisation=organisation, site_id=row.site_id, station=row, connector=connectors[row.pk],
                state=State.CHARGING, origin=Origin.PERSON, currency="CAD", reference=f"van-{n:04d}", tariff=TARIFF,
                requested_at=now - timedelta(minutes=40 + n % 90), started_at=now - timedelta(minutes=39),
                power_kw=Decimal(7), energy_kwh=Decimal(5), cost=Decimal("1.75"), read_at=Now(),
                vendor_session_id=f"bench-{size}-{n}",
            )
            for n, row in enumerate(rows)
        ]
    )  # fmt: skip
    step = timedelta(minutes=30) / READINGS
    Reading.objects.bulk_create(
        (
            reading(session.pk, now - step * (READINGS - n), dice.uniform(3, 11), n / 2)
            for session in sessions
            for n in range(READINGS)
        ),
        batch_size=2000,
    )
    return [session.pk for session in sessions], [cookie(organisation, size, n) for n in range(CLIENTS)]


def reading(session_id: int, at: Any, power_kw: float, energy_kwh: float) -> Reading:
    return Reading(
        session_id=session_id, measured_at=at, received_at=at, confirmed_at=at, power_kw=round(Decimal(power_kw), 3),
        energy_kwh=round(Decimal(energy_kwh), 3), document_sha256="0" * 64, document="{}",
    )  # fmt: skip


def cookie(organisation: Organisation, size: int, number: int) -> str:
    user = User.objects.create(email=f"bench{size}-{number}@example.com", name=f"Bench {number}", password="!")  # noqa: S106  none
    Membership.objects.create(user=user, organisation=organisation, role=Role.OPERATOR)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def change_for_ever(ids: list[int]) -> None:
    """What a worker does with a reading: one row more, and the session written, in one transaction."""
    dice, power_kw = random.Random(1), 7.0
    due_s = time.monotonic()
    while True:
        session_id, power_kw = dice.choice(ids), dice.uniform(3, 11)
        with transaction.atomic():
            reading(session_id, clock.now(), power_kw, 6).save(force_insert=True)
            Session.objects.filter(pk=session_id).update(
                power_kw=round(Decimal(power_kw), 3), energy_kwh=F("energy_kwh") + Decimal("0.02"),
                cost=F("cost") + Decimal("0.007"), read_at=Now(),
            )  # fmt: skip
        due_s += 1 / CHANGES_PER_S
        time.sleep(max(0.0, due_s - time.monotonic()))


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
