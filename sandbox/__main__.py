"""`python -m sandbox`: the options, the start, the orderly end."""

import argparse
import signal
import sys
import threading
import time
from datetime import UTC, datetime

from sandbox import demo, drivers, history, revival
from sandbox.clock import Clock, parse
from sandbox.server import Server
from sandbox.store import Store
from sandbox.world import World


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal ends it."""
    options = _options(arguments)
    world = make_world(options)
    try:
        server = Server(world, options.host, options.port)
    except OSError as problem:
        print(
            f"sandbox: cannot listen on {options.host}:{options.port} ({problem}); choose another --port.",
            file=sys.stderr,
        )
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    world.start()
    print(f"sandbox: ready at http://{options.host}:{server.server_address[1]}/", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    world.close()
    return 0


def make_world(options: argparse.Namespace) -> World:
    """The world in the state file, else a new one."""
    origin_at, epoch_s = options.origin or _present()
    ordered = f"{options.origin and f'{origin_at.isoformat()}@{epoch_s}'} x{options.speed}"
    clock = Clock(origin_at=origin_at, epoch_s=epoch_s, speed=options.speed, ordered=ordered)
    world = World(clock=clock, store=Store(options.state))
    with world.lock:
        if world.load():
            revival.resume(world)
        else:
            demo.build(world, seed=options.seed, name=options.world)
        drivers.populate(world)
        # Made once, now: the first report should not have to wait for it.
        history.sessions(world)
    return world


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Plays the Eevion vendor on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one (default: 8765)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same world (default: 1)")
    parser.add_argument("--speed", type=float, default=1.0, help="business seconds per wall second (default: 1)")
    parser.add_argument("--world", choices=demo.WORLDS, default="demo", help="ignored where --state holds a world")
    parser.add_argument("--state", metavar="FILE", help="keep the world in this SQLite file")
    parser.add_argument(
        "--origin", type=_origin, default=None, metavar="ISO@EPOCH", help="business time at a wall epoch"
    )
    return parser.parse_args(arguments)


def _present() -> tuple[datetime, float]:
    wall_s = time.time()
    return datetime.fromtimestamp(wall_s, UTC), wall_s


def _origin(text: str) -> tuple[datetime, float]:
    iso, _, epoch_s = text.rpartition("@")
    try:
        return parse(iso), float(epoch_s)
    except ValueError as problem:
        raise argparse.ArgumentTypeError("give ISO@EPOCH, such as 2026-01-08T17:00:00Z@1767891600") from problem


if __name__ == "__main__":
    sys.exit(main())
