"""Keeps child programs running: starts them, passes on what they print, restarts the dead, stops in order.

Knows nothing of what the children are. One thread starts and watches all of them: the kernel ties a child's life to
the thread that started it, so that thread must live as long as the children do.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack import identity, problem

Say = Callable[[str, str], None]  # (who, line)
TICK_S = 0.2


@dataclass(frozen=True)
class Program:
    """One child. `once`: its end is no accident. `tied`: the signal it gets when we are killed; "": it sees to that."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    patience_s: float = 10
    tied: str = "KILL"
    once: bool = False


@dataclass(frozen=True)
class Restarts:
    """How often a child may die before it is given up, and the first pause; each next one is twice as long."""

    limit: int = 5
    window_s: float = 60
    first_pause_s: float = 0.5


@dataclass
class Child:
    """A program and what became of it."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = True
    gave_up: bool = False
    deaths: deque[float] = field(default_factory=deque)
    start_again_at: float | None = None  # monotonic
    ended: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    error: OSError | None = None
    rest: bytes = b""


class Supervisor:
    """Call start and stop from any thread; close ends everything."""

    def __init__(self, say: Say, restarts: Restarts | None = None) -> None:
        self._say = say
        self.restarts = restarts or Restarts()
        self.children: dict[str, Child] = {}
        self._orders: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ring = os.pipe()  # an order must not wait for the next tick
        os.set_blocking(self._ring, False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._closing = threading.Event()
        self._hurry = threading.Event()
        self._told_disk_full = False
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def say(self, who: str, line: str) -> None:
        """Pass a line on. It may go to a full disk; the children must be looked after all the same."""
        with contextlib.suppress(OSError):
            self._say(who, line)

    def start(self, program: Program) -> None:
        """Start a child and return once it is a process. Raises OSError when it cannot be executed."""
        child = Child(program)
        self.children[program.name] = child
        self._orders.put(child)
        os.write(self._ring, b".")
        child.started.wait()
        if child.error is not None:
            raise child.error

    def stop(self, *names: str) -> None:
        """Ask these children to end, together, and wait for each as long as its patience; then kill it."""
        chosen = [self.children[name] for name in names if name in self.children]
        for child in chosen:
            child.wanted = False
            _signal(child, child.program.stop_signal)
        for child in chosen:
            self._await_end(child)

    def hurry(self) -> None:
        """No more patience: kill everything now. Safe to call from a signal handler."""
        self._hurry.set()
        for child in list(self.children.values()):
            child.wanted = False
            _signal(child, child.program.kill_signal)

    def close(self) -> None:
        """Stop what still runs, last started first, and end the thread."""
        self.stop(*reversed(self.children))
        if self._closing.is_set():
            return
        self._closing.set()
        os.write(self._ring, b".")
        self._thread.join()
        self._selector.close()
        os.close(self._bell)
        os.close(self._ring)

    def is_alive(self, name: str) -> bool:
        """Whether the child runs or will be started again."""
        child = self.children.get(name)
        return child is not None and child.wanted and not child.gave_up

    def join(self, name: str, *, meanwhile: Callable[[], None]) -> int | None:
        """Wait for the end of a `once` child; its exit code, None when it never ran. A signal handler may interrupt.

        `meanwhile` is called about once a second and may raise.
        """
        child = self.children[name]
        while not child.ended.wait(1):
            meanwhile()
        return child.process.returncode if child.process is not None else None

    def pid(self, name: str) -> int | None:
        """The process id of a running child."""
        process = self.children[name].process
        return process.pid if process is not None and process.poll() is None else None

    def _await_end(self, child: Child) -> None:
        end = time.monotonic() + child.program.patience_s
        while not child.ended.wait(0.05):
            if self._hurry.is_set() or time.monotonic() > end:
                if not self._hurry.is_set():
                    self.say("run", f"{child.program.name} did not stop in {child.program.patience_s:.0f} s: killed")
                _signal(child, child.program.kill_signal)
                if not child.ended.wait(5):
                    _signal(child, signal.SIGKILL)
                    child.ended.wait(5)
                return

    # --- all below runs in the thread -----------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            self._obey()
            for key, _ in self._selector.select(TICK_S):
                if key.data is None:
                    os.read(self._bell, 4096)
                else:
                    self._pass_on(key.data)
            for child in list(self.children.values()):
                self._look_after(child)

    def _obey(self) -> None:
        while not self._orders.empty():
            child = self._orders.get()
            try:
                self._spawn(child)
            except OSError as error:
                child.error = error
                child.wanted = False
                child.ended.set()
            child.started.set()

    def _spawn(self, child: Child) -> None:
        program = child.program
        tie = identity.die_with_parent(program.tied) if program.tied else []
        child.process = subprocess.Popen(
            [*tie, *program.command], env=dict(program.env), cwd=program.cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal must reach us only; we stop them in order
        )  # fmt: skip
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        if not child.wanted:  # asked to stop in the moment between
            _signal(child, program.stop_signal)

    def _pass_on(self, child: Child) -> None:
        stream = child.process.stdout if child.process else None
        if stream is None or stream.closed:
            return
        try:
            data = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(stream)
            stream.close()
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            self._tell(child, line.decode(errors="replace").rstrip())

    def _tell(self, child: Child, line: str) -> None:
        self.say(child.program.name, line)
        if problem.says_disk_full(line) and not self._told_disk_full:
            self._told_disk_full = True
            self.say("run", problem.DISK_FULL)

    def _look_after(self, child: Child) -> None:
        if child.ended.is_set() or child.process is None:
            return
        if child.start_again_at is not None:
            self._start_again(child)
        elif child.process.poll() is not None:
            self._drain(child)
            self._bury(child, child.process.returncode)

    def _drain(self, child: Child) -> None:
        """The last words; a grandchild that keeps the pipe open must not keep us."""
        stream = child.process.stdout if child.process else None
        for _ in range(64):
            if stream is None or stream.closed:
                break
            before = child.rest
            self._pass_on(child)
            if child.rest == before:
                break
        if stream is not None and not stream.closed:
            self._selector.unregister(stream)
            stream.close()
        if child.rest:
            self._tell(child, child.rest.decode(errors="replace"))
            child.rest = b""

    def _bury(self, child: Child, code: int) -> None:
        name = child.program.name
        if child.program.once or not child.wanted:
            child.wanted = False
            child.ended.set()
            return
        now = time.monotonic()
        child.deaths.append(now)
        while child.deaths[0] < now - self.restarts.window_s:
            child.deaths.popleft()
        if len(child.deaths) >= self.restarts.limit:
            child.gave_up = True
            child.ended.set()
            self.say(
                "run",
                f"{name} ended {len(child.deaths)} times within {self.restarts.window_s:.0f} s and is given up; its "
                "last lines say why. The rest goes on; stop with Ctrl-C and start again when it is mended.",
            )
            return
        pause_s = self.restarts.first_pause_s * 2 ** (len(child.deaths) - 1)
        child.start_again_at = now + pause_s
        self.say("run", f"{name} ended ({ending(code)}); starting it again in {pause_s:g} s")

    def _start_again(self, child: Child) -> None:
        if not child.wanted:
            child.ended.set()
        elif child.start_again_at is not None and time.monotonic() >= child.start_again_at:
            child.start_again_at = None
            try:
                self._spawn(child)
            except OSError as error:
                self.say("run", f"{child.program.name} cannot be started: {error}")
                self._bury(child, 127)


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _signal(child: Child, number: signal.Signals) -> None:
    process = child.process
    if process is None or process.poll() is not None:
        return
    try:
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        return
