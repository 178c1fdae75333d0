"""The places of those who send commands: how many at once, in which lane, and that a dead one leaves none taken.

What a sender does lives in fleet/deliveries.py.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.db import connections

from fleet.budget import Lane
from lib import advisory
from lib.advisory import Lock


@dataclass(frozen=True)
class Crew:
    """`threads` of one task; more than `seats` at once, in all processes, have nothing to do."""

    lock: Lock
    seats: int
    threads: int


# Enough calls in flight that the slots of a window are used as soon as they come free; people have seats of their own.
CREWS = {
    Lane.COMMANDS: Crew(Lock.COMMAND_SENDERS, seats=18, threads=6),
    Lane.PEOPLE: Crew(Lock.PEOPLES_SENDERS, seats=6, threads=3),
}


def seat(lane: Lane) -> AbstractContextManager[bool]:
    """A place in the crew; False: all are taken."""
    crew = CREWS[lane]
    return advisory.held(crew.lock, seats=crew.seats)


def side_by_side(work: Callable[[], int], count: int) -> int:
    """Do the same work in so many threads, this one among them; each has a database connection of its own."""
    done: list[int] = []

    def helper() -> None:
        try:
            done.append(work())
        finally:
            connections.close_all()

    helpers = [threading.Thread(target=helper, daemon=True) for _ in range(count - 1)]
    for thread in helpers:
        thread.start()
    try:
        mine = work()
    finally:
        for thread in helpers:
            thread.join()
    return mine + sum(done)
