"""Hands the read lanes of all budgets to sessions: one request after another, spread over the window.

One process at a time does this, by a lock of the database; a second one returns at once. Each session is chosen at the
last moment, when a slot is free and a reader idle. docs/algorithms/freshness.md
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import SimpleQueue

from django.db import close_old_connections, connections

from charging import read_queue, readings
from charging.models import Session
from charging.read_queue import Line, Picked
from fleet import budget
from fleet.budget import Lane
from lib import advisory
from lib.advisory import Lock

log = logging.getLogger(__name__)

RUN_S = 60.0  # then another task takes over, so that none runs for ever
LOOK_EVERY_S = 0.5
READERS = 16  # requests under way at once; they mostly wait
A_BUDGET = READERS // 2  # of these at most: a vendor that hangs must not hold up the others
LEAST_WAIT_S = 0.002
FROZEN_LOOK_S = 2.0
FULL_LOOK_S = 0.02
LATE_GAPS = 4  # a turn that came late is made good, up to so many
# The gap between two requests, as a part of window / capacity: with slots to spare it closes to the second figure, so
# that what a hiccup left idle is used again, and yet a window's slots are never drained at once.
CALM_GAP, BUSY_GAP = 0.97, 0.80
SPARE_PART = 8  # "to spare": a free part of the capacity, one in so many


@dataclass
class _Turn:
    """A budget's line and when it may send again (monotonic)."""

    line: Line
    due: int
    hurried: int
    next_s: float

    def wait_until(self, moment_s: float) -> None:
        """Hurried ones, too: there is no slot, or nobody to read."""
        self.next_s, self.hurried = moment_s, 0


def run(
    now_fn: Callable[[], datetime],
    *,
    stop: threading.Event,
    for_s: float = RUN_S,
    heard: Callable[[Session], None] = lambda session: None,
) -> bool:
    """Read what is due until `stop` is set or `for_s` are over; `heard` gets each session that was read. False at once
    if somebody else is at it."""
    with advisory.held(Lock.READER) as seated:
        if seated:
            crew = _Crew(now_fn, heard)
            try:
                _hand_out(crew, stop, time.monotonic() + for_s)
            finally:
                crew.dismiss()
    return seated


def gap_s(line: Line, free: int) -> float:
    """Wall seconds from one request to the next, with so many slots free."""
    spare = min(1.0, (free - 1) * SPARE_PART / line.capacity)
    return line.window_s / line.capacity * (CALM_GAP - (CALM_GAP - BUSY_GAP) * spare)


def _hand_out(crew: "_Crew", stop: threading.Event, end_s: float) -> None:
    turns: dict[int, _Turn] = {}
    look_s = 0.0
    while not stop.is_set() and (now_s := time.monotonic()) < end_s:
        if now_s >= look_s:
            turns = {line.budget_id: _turn(line, turns.get(line.budget_id), now_s) for line in read_queue.lines()}
            look_s = now_s + LOOK_EVERY_S
        for turn in turns.values():
            if turn.due > 0 and (turn.next_s <= time.monotonic() or turn.hurried > 0):
                _give(turn, crew)
        waiting = [turn.next_s for turn in turns.values() if turn.due > 0]
        time.sleep(max(LEAST_WAIT_S, min([look_s, end_s, *waiting]) - time.monotonic()))


def _turn(line: Line, before: _Turn | None, now_s: float) -> _Turn:
    return _Turn(line, line.due, line.hurried, before.next_s if before else now_s)


def _give(turn: _Turn, crew: "_Crew") -> None:
    """One session to one reader, if there is a slot for it."""
    line, now_s = turn.line, time.monotonic()
    if not crew.has_room(line.budget_id):
        turn.wait_until(now_s + FULL_LOOK_S)
        return
    seen = budget.outlook(budget_id=line.budget_id, lane=Lane.READS)
    if seen.free == 0:
        turn.wait_until(now_s + max(LEAST_WAIT_S, min(max(seen.next_s, seen.frozen_s), FROZEN_LOOK_S)))
        return
    picked = read_queue.pick(line)
    if picked is None:
        turn.due = turn.hurried = 0
        return
    turn.due -= 1
    turn.hurried -= picked.hurried
    gap = gap_s(line, seen.free)
    turn.next_s = max(turn.next_s, now_s - LATE_GAPS * gap) + gap
    crew.read(line, picked)


class _Crew:
    """Threads that read, each with its own database connection."""

    def __init__(self, now_fn: Callable[[], datetime], heard: Callable[[Session], None]) -> None:
        self._now_fn, self._heard = now_fn, heard
        self._jobs: SimpleQueue[tuple[Line, Picked] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._busy: Counter[int] = Counter()
        self._threads: list[threading.Thread] = []

    def has_room(self, budget_id: int) -> bool:
        with self._lock:
            return self._busy[budget_id] < A_BUDGET and self._busy.total() < READERS

    def read(self, line: Line, picked: Picked) -> None:
        with self._lock:
            self._busy[line.budget_id] += 1
            if len(self._threads) < self._busy.total():
                self._threads.append(threading.Thread(target=self._serve, name="reader", daemon=True))
                self._threads[-1].start()
        self._jobs.put((line, picked))

    def dismiss(self) -> None:
        """Wait for the answers that are under way."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                line, picked = job
                self._read(picked, line.longest_s)
                with self._lock:
                    self._busy[line.budget_id] -= 1
        finally:
            connections.close_all()

    def _read(self, picked: Picked, interval_s: float) -> None:
        close_old_connections()
        try:
            session = readings.read(picked.session_id, self._now_fn, claimed=True, interval_s=interval_s)
            if session is not None:
                self._heard(session)
        except Exception:  # the claim runs out by itself, and the others must be read meanwhile
            log.exception("session %s could not be read", picked.session_id)
