"""How much of a key's request limit the gateway really gets, and whether it ever asks for more than that.

The sandbox judges by arrival. Beside ours, on keys of their own, two libraries with a sliding window of the same size.
Reads the environment that `./run bench` makes. The last line on standard output is one JSON object.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import django
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from pyrate_limiter import Limiter, Rate, RedisBucket
from redis import Redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402

import eevion  # noqa: E402
from bench._forks import ANSWERED, SENDING, end, fork, kill_in_flight, start  # noqa: E402
from bench._vendor import Vendor  # noqa: E402
from fleet import accounts, gateway  # noqa: E402
from fleet.gateway import Lane  # noqa: E402
from fleet.models import Account  # noqa: E402
from people.models import Organisation  # noqa: E402

LIMIT = 60
WINDOWS = 10
PEER_PROCESSES = 4
LANES = (Lane.PEOPLE, Lane.PEOPLE, Lane.COMMANDS, Lane.COMMANDS, Lane.COMMANDS, Lane.COMMANDS, Lane.READS, Lane.HISTORY)


def send_for_ever(account: Account, lane: Lane, ask: Callable[[eevion.Client], object], news: int) -> None:
    """What one of our processes does until it is killed."""

    def request(client: eevion.Client) -> object:
        os.write(news, SENDING)
        try:
            return ask(client)
        finally:
            os.write(news, ANSWERED)

    while True:
        try:
            gateway.call(account=account, lane=lane, why="bench", endpoint="bench", request=request, patience_s=3600.0)
        except (gateway.NoSlot, eevion.EevionError) as error:
            print(f"quota: {lane}: {type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(0.05)


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
    ask_steady = lambda client: client.list_jobs(since=datetime.now(UTC))  # noqa: E731
    steady = [start(send_for_ever, ours["steady"], lane, ask_steady) for lane in LANES]
    ask_hostile = lambda client: client.list_exceptions(since=datetime.now(UTC))  # noqa: E731
    hostile = [start(send_for_ever, ours["hostile"], lane, ask_hostile) for lane in LANES]
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
                hostile.append(victim.again())
            kills += in_flight
        time.sleep(max(0.0, begun + (WINDOWS + 1) * window_s + 0.3 - time.monotonic()))
    finally:
        end([*steady, *hostile])
        for peer in peers:
            peer.kill()
            peer.join()
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
