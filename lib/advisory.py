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
def held(lock: Lock, key: int) -> Iterator[bool]:
    """False where another has it. The database connection holds it, so a process that dies leaves it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, key % 2**31])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, key % 2**31])
