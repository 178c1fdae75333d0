"""`./run check`: everything that can be said about the code without running the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devstack import environment
from devstack.problem import Problem
from devstack.stack import ROOT

# Nobody listens there: these commands look at the code, not at data.
NO_DATABASE = "postgresql://check@127.0.0.1:9/none"


@dataclass(frozen=True)
class Check:
    """One command that is says by its exit code whether all is well."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """What a check said."""

    check: Check
    ok: bool
    output: str
    duration_s: float


def run(arguments: Sequence[str]) -> int:
    """All checks, two at a time; prints what failed and returns 1 if any did."""
    if arguments:
        raise Problem("./run check takes no arguments.")
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = [_report(result) for result in pool.map(_run, every())]
    failed = [result.check.name for result in results if not result.ok]
    print(f"run: failed: {', '.join(failed)}" if failed else "run: every check passed")
    return 1 if failed else 0


def every() -> list[Check]:
    """The slowest first, so that the rest runs beside it."""
    python, tools = sys.executable, environment.for_tests(os.environ) | {"DATABASE_URL": NO_DATABASE}
    manage = [python, "manage.py"]
    return [
        Check("types", [python, "-m", "mypy", *packages()], tools),
        Check("lint", [python, "-m", "ruff", "check", "."], tools),
        Check("format", [python, "-m", "ruff", "format", "--check", "."], tools),
        Check(
            "templates", [str(Path(python).parent / "djade"), "--check", "--target-version", "5.2", *templates()], tools
        ),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"], tools),
        Check("production settings", [*manage, "check", "--deploy", "--fail-level", "WARNING"], production()),
        Check("house", [python, "-m", "pytest", "-q", "tests/test_house.py"], tools),
    ]


def packages() -> list[str]:
    """Our own packages, without the tests."""
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")


def templates() -> list[str]:
    """Every template."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))


def production() -> dict[str, str]:
    """Nothing but the example and what a process needs: a setting missing from the example is found here."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | environment.read(ROOT / "docs" / "production.env.example")


def _run(check: Check) -> Result:
    began = time.monotonic()
    done = subprocess.run(
        check.command, env=dict(check.env), cwd=Path(ROOT), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return Result(check, done.returncode == 0, done.stdout, time.monotonic() - began)


def _report(result: Result) -> Result:
    print(f"run: {result.check.name}: {'ok' if result.ok else 'FAILED'} ({result.duration_s:.1f} s)", flush=True)
    if not result.ok:
        print(result.output, flush=True)
    return result
