"""Gives every test run its own throwaway PostgreSQL and a complete environment, whatever the shell has set.

Loaded with `-p`, because pytest-django reads the settings before any conftest.py. TEST_DATABASE_URL names a server
to use instead.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable

from devstack import environment, scratch
from devstack.pg import Cluster

_leftovers: list[Callable[[], None]] = []


def start() -> None:
    """In every process: a transaction that one worker of xdist holds open would keep back the snapshots of another."""
    for name in environment.NOT_FOR_TESTS:
        os.environ.pop(name, None)
    os.environ.update(environment.FOR_TESTS)
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or _throwaway()


def pytest_unconfigure() -> None:
    """A worker of xdist may end without its atexit handlers."""
    for clean in _leftovers:
        clean()


def _throwaway() -> str:
    root = scratch.folder("test")
    cluster = Cluster(root, throwaway=True)

    def clean() -> None:
        cluster.stop()
        scratch.remove(root)

    _leftovers.append(clean)
    atexit.register(clean)
    cluster.start()
    cluster.create_database("app")
    return cluster.url()


start()
