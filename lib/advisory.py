"""The advisory locks that the product takes in PostgreSQL. Their numbers stand here, so that no two are equal."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    COMMAND_SENDERS = 7_419_001  # with the number of a seat
    RECEIPT_MAIL = 7_419_002  # with a link's id
    READER = 7_419_003
    PEOPLES_SENDERS = 7_419_004  # with the number of a seat
    HISTORY_READER = 7_419_005  # with an account's id


@contextmanager
def held(lock: Lock, key: int = 0, *, seats: int = 1) -> Iterator[bool]:
    """One of so many seats beginning with `key`; False where others have them all.

    The database connection holds it, so a process that dies leaves it.
    """
    first = key % 2**31
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n FROM generate_series(%s, %s) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1",
            [first, first + seats - 1, lock],
        )
        found = cursor.fetchone()
    try:
        yield found is not None
    finally:
        if found is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, found[0]])
