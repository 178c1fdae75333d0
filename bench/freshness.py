"""How old the readings are that the product shows, beside the least that any order of reading could reach.

The product's own workers read live sessions of the sandbox with one key. One session in ten is looked at (weight 10),
the others are not (weight 1). On a key of its own, the same without anybody looking: the oldest first, a round robin.
docs/algorithms/freshness.md proves the bound. Reads the environment that `./run bench` makes. The last line on standard
output is one JSON object.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

if "--quick" in sys.argv:
    os.environ["READ_EVERY_S"] = "0"  # the window is short: the lane alone says how often
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Avg, Count  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

import eevion  # noqa: E402
from bench._vendor import Vendor  # noqa: E402
from charging import read_weights  # noqa: E402
from charging.models import Reading, Session  # noqa: E402
from charging.models.session import Origin, State  # noqa: E402
from fleet import accounts, budget, stations  # noqa: E402
from fleet.budget import Lane  # noqa: E402
from fleet.models import Account, ApiCall, Connector, Site, Station  # noqa: E402
from lib.advisory import Lock  # noqa: E402
from people.models import Organisation  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 60
HEAVY_IN = 10  # one session in so many is looked at
QUEUES = ("now", "bulk")
SETUP_KEY = "bench-setup"
FAR = timedelta(days=1)
PATIENCE_S = 60
CHARGE = {"energy_kwh": 70, "duration_s": 36_000}  # a steady 7 kW for longer than the run


@dataclass(frozen=True)
class Plan:
    sessions: int
    window_s: int
    measure_s: int  # from when each session was read twice


QUICK = Plan(sessions=60, window_s=2, measure_s=15)
WHOLE = Plan(sessions=200, window_s=60, measure_s=1800)


@dataclass(frozen=True)
class Field:
    """The sessions of one key, and which of them count for more."""

    account: Account
    key: str
    weights: dict[int, float]


@dataclass(frozen=True)
class Found:
    ratio: float
    max_age_s: float
    cycles: float


# --- the field --------------------------------------------------------------------------------------------------------
def build(vendor: Vendor, organisation: Organisation, name: str, plan: Plan, *, watched: bool) -> Field:
    """Cars that charge steadily, their sessions in our rows, and nobody reading them yet."""
    key = f"bench-{name}-{os.getpid()}"
    vendor.order("keys", {"key": key, "limit": LIMIT, "window_s": plan.window_s})
    account = accounts.create(
        actor=None, organisation=organisation, name=name, base_url=vendor.url, environment="production",
        api_key=key, request_limit=LIMIT, window_s=plan.window_s, now=datetime.now(UTC),
    )  # fmt: skip
    site = Site.objects.create(organisation=organisation, name=name, timezone="America/Toronto", currency="CAD")
    rows = stations.create_many(stations=[(_station(account, site, n), 1) for n in range(plan.sessions)])
    vendor.order("stations", [{"station": row.vendor_id} for row in rows])
    client = eevion.Client(vendor.url, SETUP_KEY, timeout_s=10)
    connectors = {row.station_id: row for row in Connector.objects.filter(station__account=account)}
    made = []
    for row in rows:
        vendor.order("plug", {"stationId": row.vendor_id, "connectorId": 1, "plan": CHARGE})
        started = client.start_session(station_id=row.vendor_id, connector_id=1)
        made.append(
            Session(
                organisation=organisation, site=site, station=row, connector=connectors[row.pk], state=State.CHARGING,
                origin=Origin.PERSON, currency="CAD", requested_at=datetime.now(UTC), read_claimed_until=Now() + FAR,
                vendor_session_id=started.session_id,
            )
        )  # fmt: skip
    kept = Session.objects.bulk_create(made)
    weights = {row.pk: read_weights.LOOKING if n % HEAVY_IN == 0 else 1.0 for n, row in enumerate(kept)}
    if watched:
        heavy = [pk for pk, weight in weights.items() if weight > 1]
        Session.objects.filter(pk__in=heavy).update(watched_until=Now() + FAR)
    return Field(account, key, weights)


def _station(account: Account, site: Site, number: int) -> Station:
    return Station(
        organisation=site.organisation, account=account, site=site, vendor_id=f"{account.name}-{number}",
        rated_kw=Decimal(7),
    )  # fmt: skip


def open_gate(fields: Sequence[Field]) -> None:
    """From now on the product reads them."""
    Session.objects.filter(station__account__in=[field.account for field in fields]).update(read_claimed_until=None)


def wait_for_second_readings(fields: Sequence[Field], plan: Plan) -> None:
    wanted = sum(len(field.weights) for field in fields)
    end = time.monotonic() + PATIENCE_S + 10 * plan.window_s
    read_twice = Reading.objects.values("session").annotate(n=Count("id")).filter(n__gte=2)
    while read_twice.count() < wanted:
        if time.monotonic() > end:
            raise SystemExit("freshness: not every session was read twice; the workers' lines above say why.")
        time.sleep(0.1)


# --- the product ------------------------------------------------------------------------------------------------------
@contextmanager
def workers() -> Iterator[None]:
    """The workers and the beat of the product, as `./run` starts them."""
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
    quiet = ["-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    commands = [
        [*celery, "worker", "-P", "threads", "-c", "8", "-Q", queue, "-n", f"{queue}@%h", *quiet] for queue in QUEUES
    ]
    schedule = f"/tmp/beat-{os.getpid()}"  # noqa: S108
    commands.append([*celery, "beat", "-l", "WARNING", "-s", schedule, "--pidfile="])
    env = os.environ | {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
    started = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=sys.stderr) for command in commands]
    try:
        yield
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        for left in Path("/tmp").glob(f"beat-{os.getpid()}*"):  # noqa: S108
            left.unlink()


def wait_for_reader() -> None:
    """Until a worker hands out the lanes: it holds the lock that says so."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [Lock.READER])
            if cursor.fetchone():
                return
        time.sleep(0.05)
    raise SystemExit("freshness: no worker began to read; the lines above say why.")


# --- the figures ------------------------------------------------------------------------------------------------------
def judge(field: Field, plan: Plan, end_at: datetime) -> Found:
    """The weighted mean age of what was stored, over its bound. An age counts from the moment the vendor spoke of, so a
    reading is as old as the answer's delay when it comes."""
    answered = ApiCall.objects.filter(account=field.account, outcome="ok")
    delay_s = answered.aggregate(ms=Avg("duration_ms"))["ms"] / 1000
    stored: dict[int, list[datetime]] = defaultdict(list)
    mine = Reading.objects.filter(session__in=field.weights, received_at__lt=end_at).order_by("received_at")
    for session_id, received_at in mine.values_list("session_id", "received_at"):
        stored[session_id].append(received_at)
    ages = {pk: _mean_and_max_s(stored[pk][1:], end_at) for pk in field.weights}
    weights = field.weights
    mean_s = sum(weights[pk] * ages[pk][0] for pk in weights) / sum(weights.values()) + delay_s
    found = Found(
        ratio=mean_s / bound_s(list(weights.values()), plan.window_s, delay_s),
        max_age_s=max(age[1] for age in ages.values()) + delay_s,
        cycles=sum(len(moments) for moments in stored.values()) / len(weights),
    )
    since_at = max(moments[1] for moments in stored.values())
    reads = sum(moment > since_at for moments in stored.values() for moment in moments)
    used = reads / (end_at - since_at).total_seconds() / reads_per_s(plan.window_s, delay_s)
    say(f"{field.account.name}: {found}, delay {delay_s * 1000:.1f} ms, {used:.1%} of the lane used")
    return found


def bound_s(weights: list[float], window_s: float, delay_s: float) -> float:
    roots = sum(math.sqrt(weight) for weight in weights)
    return roots**2 / (2 * reads_per_s(window_s, delay_s) * sum(weights)) + delay_s


def reads_per_s(window_s: float, delay_s: float) -> float:
    """What the lane gives at most: a slot is used once in a window and an answer."""
    return sum(lane in budget.SLOTS[Lane.READS] for lane in budget.lanes(LIMIT)) / (window_s + delay_s)


def _mean_and_max_s(moments: list[datetime], end_at: datetime) -> tuple[float, float]:
    """Of an age that falls to nothing at each moment, from the first one to the end."""
    gaps_s = [(after - before).total_seconds() for before, after in zip(moments, [*moments[1:], end_at], strict=True)]
    return sum(gap_s**2 / 2 for gap_s in gaps_s) / sum(gaps_s), max(gaps_s)


def say(text: str) -> None:
    print(f"freshness: {text}", file=sys.stderr, flush=True)


def measure(plan: Plan) -> dict[str, Any]:
    vendor = Vendor()
    try:
        with workers():
            vendor.order("keys", {"key": SETUP_KEY, "limit": 1_000_000, "window_s": 1})
            organisation = Organisation.objects.create(name="Benchmark")
            ours = build(vendor, organisation, "ours", plan, watched=True)
            robin = build(vendor, organisation, "round-robin", plan, watched=False)
            wait_for_reader()
            open_gate([ours, robin])
            say(f"reading; {plan.measure_s} s are measured from each session's second reading on")
            wait_for_second_readings([ours, robin], plan)
            time.sleep(plan.measure_s)
            end_at = datetime.now(UTC)
        found, beside = judge(ours, plan, end_at), judge(robin, plan, end_at)
        refused = sum(vendor.arrivals(field.key)[1] for field in (ours, robin))
    finally:
        vendor.stop()
    return {
        "ratio_to_bound": round(found.ratio, 4),
        "round_robin_ratio": round(beside.ratio, 4),
        "max_age_s": round(found.max_age_s, 2),
        "cycles": round(found.cycles, 1),
        "refused_429": refused,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench freshness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 sessions, a window of 2 s, 15 s each")
    found = measure(QUICK if parser.parse_args().quick else WHOLE)
    print(json.dumps(found))
    return 0 if found["refused_429"] == 0 and 0.98 <= found["ratio_to_bound"] <= 1.05 else 1


if __name__ == "__main__":
    sys.exit(main())
