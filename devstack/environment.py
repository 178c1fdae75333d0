"""The environment handed to the product's processes: secrets made once and kept beside the data, local defaults."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from devstack.problem import Problem

# A complete environment for tools and tests that never serve anybody.
FOR_TESTS = {
    "BROKER_URL": "memory://",
    "SECRET_KEY": "for-tests-only-and-long-enough-to-pass-the-length-check-0123456789",
    "ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZy1rZXk=",
    "DEBUG": "0",
    "LOCAL": "1",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PUBLIC_URL": "http://testserver",
    "LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
NOT_FOR_TESTS = ("BUSINESS_CLOCK", "DEMO", "EMAIL_URL", "LOG_FORMAT", "READY_TOKEN", "STATIC_ROOT")


def for_tests(inherited: Mapping[str, str]) -> dict[str, str]:
    """Whatever the shell has set, tests see the same settings. DATABASE_URL is for the caller to add."""
    kept = {name: value for name, value in inherited.items() if name not in NOT_FOR_TESTS}
    return kept | FOR_TESTS


def for_local(var: Path, inherited: Mapping[str, str], *, host: str, port: int) -> dict[str, str]:
    """The product on this machine. What the caller's environment sets wins, except the settings module."""
    defaults = {
        "DEBUG": "0",
        "LOCAL": "1",
        "PUBLIC_URL": address(host, port),
        "LOG_FORMAT": "console",
        **local_secrets(var),
    }
    env = defaults | dict(inherited) | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}
    return env | {"ALLOWED_HOSTS": ",".join(allowed_hosts(env, host))}


def address(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`; no slash at the end."""
    reached = EVERY_ADDRESS.get(host, host)
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"


def allowed_hosts(env: Mapping[str, str], host: str) -> list[str]:
    """What the caller allows, and always ourselves, who ask whether the web is ready, and the vendor's way to us."""
    names = [name.strip() for name in env.get("ALLOWED_HOSTS", "").split(",")]
    names += [*LOOPBACK, urlsplit(env["PUBLIC_URL"]).hostname or "", "" if host in EVERY_ADDRESS else host]
    bracketed = (f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names)
    return list(dict.fromkeys(name for name in bracketed if name))


def local_secrets(var: Path) -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS of this checkout, made the first time and readable by its owner only."""
    path = var / "secrets.env"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        part = path.with_name("secrets.env.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"SECRET_KEY={secrets.token_urlsafe(48)}\nENCRYPTION_KEYS={key}\n")
        part.rename(path)
    return read(path)


def read(path: Path) -> dict[str, str]:
    """NAME=value lines; blank lines and lines that begin with # are skipped."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def port(name: str, default: int) -> int:
    """A port number from the environment. Raises Problem when it is none."""
    text = os.environ.get(name, "") or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Problem(f"{name} must be a number from 1 to 65535, not {text!r}.")
    return int(text)
