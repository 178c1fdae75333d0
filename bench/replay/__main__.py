"""`./run replay FILE --from DATE --days N --speed X [--faults] [--seed S]`: real drivers through the whole product.

A private stack runs for as long as it takes. Exits 1 on anything that the three books do not explain. bench/weeks.py
plays four weeks.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from bench.replay import join, rows
from bench.replay.drivers import Drivers
from devstack import scratch
from devstack.problem import Problem
from devstack.stack import Stack

KEY, LIMIT, WINDOW_S = "sandbox-production-key", 600, 60
CURRENCY, RATED_KW = "USD", 50
FAULTS = {"probabilities": {"webhook.session": {"lost": 0.10, "doubled": 0.20}, "session.start": {"lostReply": 0.05}}}
BOOT_WALL_S = 25.0  # from choosing the clock's origin until the first driver may come
SETTLE_WALL_S = 180.0  # after the last car has left


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    try:
        played = rows.read(find(options.file), options.first, options.days, options.zone)
    except KeyError as error:
        raise SystemExit(f"replay: {options.file} lacks {error}: docs/session_csv.md names the columns.") from error
    except (OSError, EOFError, ValueError, ArithmeticError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SystemExit(f"replay: {options.file} cannot be read ({why}): docs/session_csv.md says how.") from error
    if not played:
        raise SystemExit("replay: no row of the file starts on these days: choose others.")
    seed = options.seed
    _say(f"{len(played)} rows, {sum(row.energy_kwh for row in played)} kWh, seed {seed}, speed {options.speed:g}")
    with scratch.kept("replay") as folder:
        return _run(folder, played, options)


class Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"replay: {message}; ./run replay --help shows what it takes.\n")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2019-06-03") from None


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 3660:
        raise argparse.ArgumentTypeError(f"{text} is no number of days from 1 to 3660")
    return int(text)


def _speed(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 1 <= float(text) <= 100_000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is no number from 1 to 100000")


def _zone(text: str) -> str:
    try:
        return text and ZoneInfo(text).key
    except (KeyError, ValueError, OSError):  # a folder of the zone database is an OSError
        raise argparse.ArgumentTypeError(f"{text} is no IANA zone such as America/Denver") from None


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="./run replay", description=__doc__)
    parser.add_argument("file", type=Path, help="a session file; also looked for in $CHARGEHAND_DATA")
    parser.add_argument("--from", dest="first", type=_date, required=True, metavar="DATE")
    parser.add_argument("--days", type=_count, default=1)
    parser.add_argument("--speed", type=_speed, default=2000.0, help="business seconds in a wall second")
    parser.add_argument("--faults", action="store_true", help="lose and double webhooks, lose replies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zone", type=_zone, default="", help="IANA zone of all sites, where the file does not say it")
    parser.add_argument("--log", type=Path, help="copy the stack's log there at the end")
    return parser.parse_args(arguments)


def find(path: Path) -> Path:
    """The file as named, or in the folder of CHARGEHAND_DATA."""
    inside = Path(os.environ.get("CHARGEHAND_DATA", ".")) / path
    return path if path.exists() or not inside.exists() else inside


def _run(folder: Path, played: list[rows.Row], options: argparse.Namespace) -> int:
    stack = Stack(folder)
    try:
        _say("starting a private stack")
        stack.start_servers()
        stack.migrate()
        return 0 if play(stack, played, options, BOOT_WALL_S)["explained"] else 1
    finally:
        stack.stop()
        if options.log and stack.log.exists():
            options.log.write_bytes(stack.log.read_bytes())


def play(stack: Stack, played: list[rows.Row], options: argparse.Namespace, boot_wall_s: float) -> dict[str, Any]:
    """On a stack that has its servers, migrated. Prints the table; returns its figures. The first driver comes after
    `boot_wall_s`, or as soon as everything runs."""
    epoch_s = float(int(time.time() + boot_wall_s))
    origin = played[0].start_at - timedelta(minutes=5)
    drivers = _start(stack, played, options, origin, epoch_s)
    _say(f"ready; the first driver comes {max(0.0, epoch_s - time.time()):.0f} s from now")
    drivers.play(played)
    _say("all drivers have asked; waiting until the last car has left and every session is settled")
    return _tell(stack, drivers, played, _settle(stack, drivers), options)


def _start(
    stack: Stack, played: list[rows.Row], options: argparse.Namespace, origin: datetime, epoch_s: float
) -> Drivers:
    moment = origin.astimezone(UTC).isoformat().replace("+00:00", "Z")
    stack.env["BUSINESS_CLOCK"] = f"{moment}@{epoch_s:.0f}x{options.speed:g}"
    stack.sandbox_arguments = [
        "--world", "empty", "--seed", str(options.seed), "--speed", f"{options.speed:g}",
        "--origin", f"{moment}@{epoch_s:.0f}",
    ]  # fmt: skip
    stack.start_sandbox()
    counts = rows.connectors(played)
    sites, stations = _places(played, counts)
    stack.sandbox_call("keys", {"key": KEY, "limit": LIMIT, "window_s": WINDOW_S})
    stack.sandbox_call("sites", sites)
    stack.sandbox_call("stations", stations)
    if options.faults:
        stack.sandbox_call("faults", FAULTS)
    plan = stack.var / "plan.json"
    account = {"base_url": stack.sandbox_url, "api_key": KEY, "limit": LIMIT, "window_s": WINDOW_S}
    plan.write_text(json.dumps(account | {"sites": sites, "stations": stations}))
    key = stack.run("-m", "bench.replay.world", str(plan)).split()[-1]
    stack.start_product()
    stack.wait_ready()
    return Drivers(
        sandbox_url=stack.sandbox_url, api_url=stack.url, key=key, connectors=counts, origin=origin, epoch_s=epoch_s,
        speed=options.speed,
    )  # fmt: skip


def _places(played: list[rows.Row], counts: dict[str, int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Sites and stations in the sandbox's words; world.build reads the same."""
    sites = {row.site: {"site": row.site, "timezone": row.zone, "currency": CURRENCY} for row in played}
    stations = {
        row.station: {
            "station": row.station, "site": row.site, "level": row.level, "connectors": counts[row.station],
            "rated_kw": RATED_KW,
        }
        for row in played
    }  # fmt: skip
    return list(sites.values()), list(stations.values())


def _settle(stack: Stack, drivers: Drivers) -> list[dict[str, Any]]:
    """Until the ledger has no open session and the product none but unknown ones. Returns the ledger's sessions."""
    over_s: float | None = None
    told_s = time.monotonic()
    while True:
        ledger: list[dict[str, Any]] = stack.sandbox_call("ledger")["sessions"]
        open_there = [one for one in ledger if one["status"] not in ("completed", "expired", "failed")]
        sessions = drivers.list()
        waiting = [one for one in sessions if one["final_at"] is None and one["state"] != "unknown"]
        if not open_there:
            over_s = over_s or time.monotonic()
            if not waiting or time.monotonic() - over_s > SETTLE_WALL_S:
                time.sleep(5)  # a webhook that is tried again may still settle an unknown start
                return list(stack.sandbox_call("ledger")["sessions"])
        if time.monotonic() - told_s > 20:
            told_s = time.monotonic()
            _say(f"{len(open_there)} sessions open at the vendor, {len(waiting)} not final in the product")
        time.sleep(2)


def _tell(
    stack: Stack, drivers: Drivers, played: list[rows.Row], ledger: list[dict[str, Any]], options: argparse.Namespace
) -> dict[str, Any]:
    product = drivers.list()
    joined = join.join(played, product, ledger, drivers.problems)
    foreign = join.strangers(played, product, ledger)
    arrivals = stack.sandbox_call(f"arrivals?key={KEY}") or {}
    print("\n".join(join.table(joined)))
    print(f"drivers that waited for a connector: {drivers.waited_for_bay}; answers of the API: {dict(drivers.answers)}")
    print(
        f"requests to the vendor: {arrivals.get('accepted')} accepted, {arrivals.get('refused_429')} refused with 429, "
        f"at most {arrivals.get('max_in_any_window')} in any {WINDOW_S} s (limit {LIMIT})"
    )
    for reference in foreign:
        print(f"unexplained: a session with the reference {reference!r} belongs to no row")
    failed = foreign or any(one.verdict == "unexplained" for one in joined)
    failed = bool(failed) or not join.difference_is_explained(joined) or bool(arrivals.get("refused_429"))
    verdict = "NOT explained" if failed else "all explained"
    print(f"seed {options.seed}, faults {'on' if options.faults else 'off'}: {verdict}")
    verdicts = Counter(one.verdict for one in joined)
    return {
        "explained": not failed,
        "rows": len(joined),
        **{verdict: verdicts[verdict] for verdict in join.VERDICTS},
        "file_kwh": float(sum(one.row.energy_kwh for one in joined)),
        "product_kwh": float(sum(one.product_kwh for one in joined)),
        "ledger_kwh": float(sum(one.ledger_kwh for one in joined)),
        "refused_429": arrivals.get("refused_429"),
    }


def _say(text: str) -> None:
    print(f"replay: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        sys.exit(f"replay: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
