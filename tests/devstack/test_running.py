"""One command at a time on the local data."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.problem import Problem
from devstack.running import Hold, Holder


def test_a_second_run_is_refused_and_told_which_one_runs(tmp_path: Path) -> None:
    first = Hold(tmp_path)
    first.take_or_refuse("./run", "http://127.0.0.1:8000/")
    with pytest.raises(Problem) as caught:
        Hold(tmp_path).take_or_refuse("./run", "http://127.0.0.1:8001/")
    assert str(caught.value) == (
        f"./run (process {os.getpid()}) already uses this checkout's data at http://127.0.0.1:8000/: "
        "use that one, or stop it with Ctrl-C first."
    )
    first.release()
    Hold(tmp_path).take_or_refuse("./run")


def test_another_command_joins_a_run_that_has_its_servers(tmp_path: Path) -> None:
    first = Hold(tmp_path)
    first.take_or_refuse("./run")
    first.tell(Holder(os.getpid(), "./run", "", {"DATABASE_URL": "postgresql://here"}))
    assert Hold(tmp_path).take_or_join("./run manage") == {"DATABASE_URL": "postgresql://here"}


def test_what_is_told_is_private(tmp_path: Path) -> None:
    Hold(tmp_path).take_or_refuse("./run")
    assert stat.S_IMODE((tmp_path / "running.json").stat().st_mode) == 0o600


def test_a_hold_ends_with_its_process_even_while_its_children_live(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys; from pathlib import Path; from devstack.running import Hold\n"
        f"Hold(Path({str(tmp_path)!r})).take_or_refuse('./run')\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=0)\n"
        "print('held', flush=True); import os; os._exit(9)"
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.wait(timeout=20) == 9
    Hold(tmp_path).take_or_refuse("./run")
    process.communicate()
