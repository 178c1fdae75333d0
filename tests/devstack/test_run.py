"""The script in the root: readable by old Pythons, and plain about what it lacks."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_an_old_python_can_read_the_script() -> None:
    ast.parse((ROOT / "run").read_text(), feature_version=(3, 6))


def test_an_old_python_without_a_newer_one_gets_a_sentence(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 8, 10); sys.version = '3.8.10 (old)'; sys.argv = ['run'];"
        f"runpy.run_path({str(ROOT / 'run')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "run: Python 3.11 or newer is needed and this is 3.8.10: install python3.11 (Debian 12 and later bring it).\n",
    )


def test_an_unknown_command_gets_a_sentence() -> None:
    done = subprocess.run([sys.executable, ROOT / "run", "tset"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "run: there is no command tset: `./run --help` lists them.\n")


def test_help_needs_nothing_installed(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "VENV_DIR": str(tmp_path / "venv")}
    done = subprocess.run(
        [sys.executable, ROOT / "run", "--help"], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, (tmp_path / "venv").exists()) == (0, False)
    assert done.stdout.startswith("One command for a fresh machine.")
