"""The demo's first steps: an organisation from the sandbox's world, a fresh key for its drivers, a past.

What was done once is noted beside the database, so that it goes when the database goes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devstack.net import fetch
from devstack.problem import Problem
from devstack.stack import ROOT, Stack
from devstack.supervisor import Program, Say

HISTORY_DAYS = 90


def start(stack: Stack, say: Say) -> str:
    """Migrate, make the demo organisation once, start the sandbox with a fresh key; returns the line with the logins.

    The sandbox may still be starting then: wait_sandbox() is for the caller, who has more to start meanwhile.
    """
    note = read_note(stack.var)
    if note:
        _require_same_port(stack, note)
        key = last_line(stack.migrate(["demo_key"]))
    else:
        stack.start_sandbox(wait=False)
        stack.migrate()
        say("run", "making the demo organisation")
        stack.wait_sandbox()
        logins, key = _create(stack)
        note = {"sandbox_port": stack.sandbox_port, "logins": logins, "history": False}
        write_note(stack.var, note)
        stack.supervisor.stop("sandbox")
    stack.start_sandbox({"CHARGEHAND_API_URL": stack.url, "CHARGEHAND_API_KEY": key}, wait=False)
    return str(note["logins"])


def _require_same_port(stack: Stack, note: dict[str, Any]) -> None:
    if note["sandbox_port"] != stack.sandbox_port:
        raise Problem(
            f"The demo's account expects the sandbox on port {note['sandbox_port']}: leave SANDBOX_PORT at that, "
            "or throw the demo away with ./run reset."
        )


def import_history(stack: Stack, say: Say, *, meanwhile: Callable[[], None]) -> None:
    """Start the import of the past unless it was finished before; it goes on beside everything else."""
    note = read_note(stack.var)
    if note.get("history"):
        return
    say("run", f"importing {HISTORY_DAYS} days of history; the pages fill as it goes")
    try:
        path = _download(stack, f"history.csv?days={HISTORY_DAYS}", "history.csv")
    except Problem as caught:
        say("run", f"{caught} The history is tried again at the next start.")
        return
    command = [sys.executable, "manage.py", "import_sessions", str(path)]
    stack.supervisor.start(Program("history", command, stack.env, ROOT, once=True))
    if stack.supervisor.join("history", meanwhile=meanwhile) == 0:
        write_note(stack.var, note | {"history": True})
        say("run", "the history is imported")
    else:
        say("run", "the history was not imported; its lines say why. It is tried again at the next start.")


def sandbox_port(var: Path) -> int | None:
    """The port on which the demo's account knows the sandbox; an account's address never changes."""
    return read_note(var).get("sandbox_port")


def read_note(var: Path) -> dict[str, Any]:
    """What was done once; empty when there is no demo yet."""
    try:
        return dict(json.loads(_note(var).read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def write_note(var: Path, note: dict[str, Any]) -> None:
    """Remember, whole or not at all."""
    part = _note(var).with_suffix(".part")
    part.write_text(json.dumps(note))
    part.rename(_note(var))


def last_line(text: str) -> str:
    """The last line that is not empty; commands may print progress before it."""
    return last_lines(text, 1)[0]


def last_lines(text: str, count: int) -> list[str]:
    """The last lines that are not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < count:
        raise Problem("A command of the demo printed too little: this is a defect, please report it.")
    return lines[-count:]


def _note(var: Path) -> Path:
    return var / "pg" / "demo.json"


def _create(stack: Stack) -> list[str]:
    """The line with the logins, and the key."""
    stations, tariffs = (_download(stack, name, name) for name in ("stations.csv", "tariffs.csv"))
    create = ["create_demo", "--stations", str(stations), "--tariffs", str(tariffs)]
    return last_lines(stack.manage_all(create, ["demo_key"]), 2)


def _download(stack: Stack, path: str, name: str) -> Path:
    data = fetch(f"{stack.sandbox_url}/_sandbox/{path}", timeout_s=120)
    if data is None:
        raise Problem(f"The sandbox did not give {name}; its lines say why.")
    folder = stack.var / "demo"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name
