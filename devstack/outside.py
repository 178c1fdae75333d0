"""Servers that are not ours: whether those which DATABASE_URL and BROKER_URL name answer at all.

Asked before anything starts, so that a wrong address is one sentence and not a page of each process's complaints.
"""

from __future__ import annotations

from collections.abc import Mapping

from devstack.problem import Problem

PATIENCE_S = 5
OLDEST_POSTGRESQL = 14  # Django 5.2's


def require_servers(env: Mapping[str, str]) -> None:
    """Raises Problem that says which one does not answer, and why."""
    if env.get("DATABASE_URL"):
        require_database(env["DATABASE_URL"])
    if env.get("BROKER_URL"):
        require_broker(env["BROKER_URL"])


def require_database(url: str) -> None:
    """Connects once."""
    import psycopg

    if not url.startswith(("postgres://", "postgresql://")):
        raise Problem("DATABASE_URL must start with postgresql://: no other database is supported.")
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE_S) as link:
            version = link.info.server_version // 10_000
    except psycopg.Error as error:
        raise Problem(
            f"The database of DATABASE_URL does not let us in ({_first_line(error)}): start it, correct it, "
            "or unset it to use ours."
        ) from None
    if version < OLDEST_POSTGRESQL:
        raise Problem(f"The server of DATABASE_URL is PostgreSQL {version}: {OLDEST_POSTGRESQL} or newer is needed.")


def require_broker(url: str) -> None:
    """Connects once. The product works without a broker for a while, but nobody should start that way."""
    from kombu import Connection

    try:
        with Connection(url, connect_timeout=PATIENCE_S) as link:
            link.ensure_connection(max_retries=1, timeout=PATIENCE_S)
    except Exception as error:  # each transport of kombu's has its own
        raise Problem(
            f"The broker of BROKER_URL does not let us in ({_first_line(error)}): start it, correct it, "
            "or unset it to use ours."
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
