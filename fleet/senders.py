"""The places of those who send commands: how many at once, in which lane, and that a dead one leaves none taken.

What a sender does lives in fleet/deliveries.py.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, connections

from fleet.budget import Lane
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


@contextmanager
def seat(lane: Lane) -> Iterator[bool]:
    """A place in the crew, held by a lock of this database connection; False: all are taken."""
    crew = CREWS[lane]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n FROM generate_series(1, %s) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1", [crew.seats, crew.lock]
        )
        found = cursor.fetchone()
    try:
        yield found is not None
    finally:
        if found is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [crew.lock, found[0]])


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
