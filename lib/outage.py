"""A database that goes away for a moment: a restart, a failover. Outlasting it, and telling of it once.

What to write is the caller's to say.
"""

import logging
import threading
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")
log = logging.getLogger(__name__)
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one repeats
QUIET_S = 60.0  # wall: so long without an error, and the next one is another outage
GONE = ("57P01", "57P02", "57P03")  # PostgreSQL: shut down by an administrator, after a crash, or not up yet
CONNECTION = "08"  # the class of all troubles with a connection


def outlast(write: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Do what must not be lost, again and again while the database is away, for `within_s` (wall) at most.

    The connection that broke may have committed before it did, so a second time must be harmless. Raises what the last
    try raised; inside a transaction the first, for what came before it is gone too.
    """
    end = time.monotonic() + within_s
    for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() + pause_s > end:
                raise
            log.warning("the database is away, trying again in %s s: %s", pause_s, error)
            connection.close()
            time.sleep(pause_s)
    raise AssertionError("unreachable")


def is_away(error: BaseException | None) -> bool:
    """Whether it says that the database cannot be reached. A deadlock, a full disk or a timeout of a lock is none of
    that: those are answers."""
    if isinstance(error, InterfaceError):
        return "connection" in str(error)
    if not isinstance(error, OperationalError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state in GONE or state.startswith(CONNECTION)


class OncePerOutage(logging.Filter):
    """For a handler: of all that a process says while its database is away, one line without a traceback.

    Every thread and every task meets the same error, again every few seconds; the first one says all there is to say.
    """

    def __init__(self, moment_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._moment_s = moment_s
        self._lock = threading.Lock()
        self._last_s: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        error = _told(record)
        if error is None:
            return True
        if not self._is_first():
            return False
        why = str(error).partition("\n")[0]
        record.msg, record.args = "the database is away, and work goes on when it is back: %s", (why,)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True

    def _is_first(self) -> bool:
        with self._lock:
            moment_s, last_s = self._moment_s(), self._last_s
            self._last_s = moment_s
        return last_s is None or moment_s - last_s > QUIET_S


def _told(record: logging.LogRecord) -> BaseException | None:
    """The error of a database that is away, as the record's traceback or as one of its words."""
    raised = record.exc_info[1] if record.exc_info else None
    said = record.args if isinstance(record.args, tuple) else ()
    errors = (one for one in (raised, *said) if isinstance(one, BaseException))
    return next((one for one in errors if is_away(one)), None)
