"""The step from the machine's Python to the project's own: install what the command needs, then become that Python.

Runs under the machine's interpreter, so nothing here may import a dependency.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from devstack import install, problem
from devstack.problem import Problem

# What each command needs installed; without a word the whole stack starts.
LEVELS: dict[str, install.Level] = {
    "start": "run",
    "manage": "run",
    "replay": "run",
    "test": "dev",
    "check": "dev",
    "bench": "dev",
}


def hand_over(root: str, argv: list[str]) -> NoReturn:
    """Install, then replace this process by `python -m devstack ARGUMENTS` of the virtual environment."""
    command = argv[0] if argv else "start"
    if command not in LEVELS and command != "reset":
        sys.exit(f"run: there is no command {command}: `./run --help` lists them.")
    try:
        python = install.ensure(Path(root), LEVELS[command]) if command != "reset" else Path(sys.executable)
    except Problem as caught:
        sys.exit(f"run: {caught}")
    except OSError as error:
        known = problem.from_os_error(error)
        if known is None:
            raise
        sys.exit(f"run: {known}")
    except KeyboardInterrupt:
        sys.exit("run: interrupted; the same command goes on where this one stopped.")
    os.chdir(root)
    environment = {name: value for name, value in os.environ.items() if name not in install.FOREIGN}
    os.execve(python, [str(python), "-m", "devstack", command, *argv[1:]], environment)  # noqa: S606
