"""`./run`: the stack on this checkout's own data, with the demo, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from devstack import demo, environment, outside
from devstack.net import require_port
from devstack.problem import Problem
from devstack.running import Hold, Holder
from devstack.stack import LIVE_ORDER, ROOT, Stack

VAR = ROOT / "var"
COLOURS = {"run": 32, "web": 36, "worker-now": 33, "worker-bulk": 33, "beat": 35, "sandbox": 34, "history": 34}
NO_DEMO = (
    "DATABASE_URL is yours: no demo, no sandbox; the first login comes from "
    "./run manage create_owner EMAIL --organisation NAME"
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Somebody wants us to stop."""


class Interrupts:
    """The first signal ends the work in an orderly way, any later one at once."""

    def __init__(self) -> None:
        self.armed = False
        self.stack: Stack | None = None

    def arm(self) -> None:
        """From here on the first signal raises Interrupted in the main thread."""
        self.armed = True
        for number in SIGNALS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.armed:
            self.armed = False
            raise Interrupted
        if self.stack is not None:
            self.stack.supervisor.hurry()


def run(arguments: Sequence[str]) -> int:
    """Start everything and stay until a signal; 0 when it was asked to stop, 1 when it could not start."""
    if arguments:
        raise Problem("./run alone takes no arguments: `./run --help` lists the commands.")
    hold, interrupts = Hold(VAR), Interrupts()
    try:
        interrupts.arm()
        host, port = os.environ.get("HOST", "127.0.0.1"), environment.port("PORT", 8000)
        hold.take_or_refuse("./run", f"{environment.address(host, port)}/")
        require_port(host, port, "PORT")
        stack = _stack(host, port)
        interrupts.stack = stack
        _live(stack, hold)
    except Interrupted:
        pass
    finally:
        interrupts.armed = False
        _stop(interrupts.stack)
        hold.release()
    return 0


def _stack(host: str, port: int) -> Stack:
    """With a database of the user's there is no demo, and no sandbox whose drivers would write into it."""
    outside.require_servers(os.environ)
    wants_demo, sandbox_port = not os.environ.get("DATABASE_URL"), 0
    if wants_demo:
        sandbox_port = environment.port("SANDBOX_PORT", demo.sandbox_port(VAR) or 8010)
        require_port("127.0.0.1", sandbox_port, "SANDBOX_PORT")
    return Stack(
        VAR,
        inherit=os.environ,
        env={"DEMO": "1" if wants_demo else "0"},
        sandbox=("--world", "demo") if wants_demo else None,
        host=host,
        port=port,
        sandbox_port=sandbox_port,
        throwaway=False,
        say=say,
    )


def _live(stack: Stack, hold: Hold) -> None:
    """Returns only by exception: Interrupted, or Problem while starting."""
    began = time.monotonic()
    fresh = stack.start_servers()
    say("run", "PostgreSQL and the broker answer; preparing the database" + (" for the first time" if fresh else ""))
    who = NO_DEMO
    if stack.cluster is not None:
        who = demo.start(stack, say)
    else:
        stack.migrate()
    added = {name: value for name, value in stack.env.items() if os.environ.get(name) != value}
    hold.tell(Holder(os.getpid(), "./run", f"{stack.url}/", added))
    stack.start_product()
    if stack.cluster is not None:
        stack.wait_sandbox()
    stack.wait_ready()
    say("run", ready_line(stack, who, time.monotonic() - began))
    if stack.cluster is not None:
        demo.import_history(stack, say, meanwhile=stack.require_health)
    while True:
        time.sleep(1)
        stack.require_health()


def ready_line(stack: Stack, who: str, duration_s: float) -> str:
    """The one line that says where everything is and who may sign in."""
    forecourt = [f"forecourt {stack.sandbox_url}/"] if stack.cluster is not None else []
    return " | ".join([f"ready after {duration_s:.1f} s: {stack.url}/", who, *forecourt, "Ctrl-C stops"])


def _stop(stack: Stack | None) -> None:
    if stack is None:
        return
    alive = [name for name in LIVE_ORDER if stack.supervisor.is_alive(name)]
    if alive:
        say("run", "stopping; running tasks may finish, a second Ctrl-C ends everything at once")
    stack.stop()
    if alive:
        say("run", "stopped")


def say(name: str, text: str) -> None:
    """One line of one child for the person at the terminal."""
    if not text:
        return
    label = f"{name:>11} |"
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
    try:
        # One write a line, so that lines of two threads never mix.
        sys.stdout.write(f"{label} {text}\n")
        sys.stdout.flush()
    except OSError:
        return  # the terminal is gone or the disk behind it is full: no reason to stop what runs
