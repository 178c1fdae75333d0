"""Processes that benchmarks fork and kill -9 with a request in flight.

A fork is ready at once, where a fresh interpreter would lose half a window.
"""

import multiprocessing
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections

fork = multiprocessing.get_context("fork")
SENDING, ANSWERED = b"+", b"."


@dataclass
class Worker:
    """On `news` it says SENDING before it sends and ANSWERED once it has the answer. `again` starts another like it."""

    process: Any
    news: int
    again: Callable[[], "Worker"]


def start(target: Callable[..., None], *arguments: Any) -> Worker:
    """Run target(*arguments, news) for ever in a fork; `news` is where it writes."""
    connections.close_all()
    mine, its = os.pipe()
    process = fork.Process(target=target, args=(*arguments, its), daemon=True)
    process.start()
    os.close(its)
    return Worker(process, mine, lambda: start(target, *arguments))


def kill_in_flight(workers: Sequence[Worker], patience_s: float) -> tuple[Worker, bool] | None:
    """Kill -9 the first one seen sending. Returns it, and whether its request was in flight when it died."""
    end = time.monotonic() + patience_s
    pipes = {worker.news: worker for worker in workers}
    for pipe in select.select(list(pipes), [], [], 0)[0]:
        os.read(pipe, 65536)  # old news
    while (left_s := end - time.monotonic()) > 0:
        for pipe in select.select(list(pipes), [], [], left_s)[0]:
            said = os.read(pipe, 65536)
            if not said.endswith(SENDING):
                continue
            victim = pipes[pipe]
            os.kill(victim.process.pid, signal.SIGKILL)
            victim.process.join()
            while more := os.read(pipe, 65536):
                said += more
            os.close(pipe)
            return victim, said.endswith(SENDING)
    return None


def end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.process.kill()
        worker.process.join()
