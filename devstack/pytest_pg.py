"""Gives every test run its own throwaway PostgreSQL and a complete environment, whatever the shell has set.

Loaded with `-p`, because pytest-django reads the settings before any conftest.py. TEST_DATABASE_URL names a server
to use instead.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from devstack.pg import Cluster

ENVIRONMENT = {
    "BROKER_URL": "memory://",
    "SECRET_KEY": "for-tests-only-and-long-enough-to-pass-the-length-check-0123456789",
    "ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZy1rZXk=",
    "DEBUG": "0",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "LOG_LEVEL": "WARNING",
}
UNSET = ("BUSINESS_CLOCK", "DEMO", "EMAIL_URL", "LOCAL", "LOG_FORMAT", "READY_TOKEN", "SENTRY_DSN")


def start() -> None:
    """Once, in the controlling process; the workers of xdist inherit the environment."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or _throwaway()


def _throwaway() -> str:
    root = Path(tempfile.mkdtemp(prefix="chargehand-test-"))
    cluster = Cluster(root, throwaway=True)

    def clean() -> None:
        cluster.stop()
        shutil.rmtree(root, ignore_errors=True)

    atexit.register(clean)
    cluster.start()
    cluster.create_database("app")
    return cluster.url()


start()
