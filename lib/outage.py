"""Outlasting a database that goes away for a moment: a restart, a failover. What to write is the caller's to say."""

import logging
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")
log = logging.getLogger(__name__)
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one repeats


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
