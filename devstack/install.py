"""Makes the virtual environment hold exactly what the lock files say; a stamp makes the second time free.

Runs under the machine's interpreter: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from devstack import problem
from devstack.problem import Problem

Level = Literal["run", "dev"]
LOCKS: dict[Level, str] = {"run": "requirements.txt", "dev": "requirements-dev.txt"}  # dev holds run
PIP_FLOOR = (22, 3)  # the first pip that installs into another environment (--python)
# Variables that would make our Python, or pip, look elsewhere.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")
NO_INDEX = ("connection broken", "NewConnectionError", "Temporary failure in name resolution", "ConnectTimeout",
            "No matching distribution", "Could not find a version")  # fmt: skip


@dataclass(frozen=True)
class Stamp:
    """What a finished installation was made from."""

    python: str
    lock: str
    level: Level


def ensure(root: Path, level: Level) -> Path:
    """Install whatever `level` lacks and return the environment's python. Raises Problem with what to do."""
    venv = root / os.environ.get("VENV_DIR", ".venv")
    base = base_python()
    wanted = Stamp(python=f"{base} {sys.version}", lock=fingerprint(root), level=level)
    if is_satisfied(read_stamp(venv), wanted) and python_of(venv).exists():
        return python_of(venv)
    with _lock(venv):
        have = read_stamp(venv)  # somebody else may just have finished the same work
        if not (is_satisfied(have, wanted) and python_of(venv).exists()):
            _install(root, venv, base, have, wanted)
    return python_of(venv)


def base_python() -> str:
    """The machine's interpreter, even when an activated environment hides it."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def python_of(venv: Path) -> Path:
    """The environment's interpreter."""
    return venv / "bin" / "python"


def fingerprint(root: Path) -> str:
    """One hash of both lock files."""
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in LOCKS.values())).hexdigest()


def read_stamp(venv: Path) -> Stamp | None:
    """What the environment was made from; None when it was never finished."""
    try:
        return Stamp(**json.loads((venv / ".installed").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_satisfied(have: Stamp | None, wanted: Stamp) -> bool:
    """Whether an environment stamped `have` serves `wanted`: what tests need includes what running needs."""
    if have is None or (have.python, have.lock) != (wanted.python, wanted.lock):
        return False
    return have.level in (wanted.level, "dev")


def must_rebuild(have: Stamp | None, wanted: Stamp) -> bool:
    """Whether nothing of it can be kept: never finished, or made by another interpreter."""
    return have is None or have.python != wanted.python


def locked_names(text: str) -> set[str]:
    """The normalised names of all distributions in a lock file."""
    return {normal(name) for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==", text, re.MULTILINE)}


def normal(name: str) -> str:
    """A distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _install(root: Path, venv: Path, base: str, have: Stamp | None, wanted: Stamp) -> None:
    began = time.monotonic()
    _check_pip(base)
    # Tests keep what they have when only `./run` was asked for after a change of the lock.
    level = "dev" if have is not None and have.level == "dev" else wanted.level
    print(f"run: installing into {venv} (about a minute the first time)", flush=True)
    # Without pip inside: Debian's python3 has no ensurepip unless python3-venv is installed.
    fresh = must_rebuild(have, wanted)
    (venv / ".installed").unlink(missing_ok=True)
    if fresh:
        _make_venv(base, venv)
    lock = root / LOCKS[level]
    names = locked_names(lock.read_text())
    _pip_install(base, venv, lock, len(names))
    if not fresh:
        _remove_strangers(base, venv, names)
    (venv / ".installed").write_text(json.dumps(asdict(Stamp(wanted.python, wanted.lock, level))))
    print(f"run: installed {len(names)} packages in {time.monotonic() - began:.0f} s", flush=True)


def _check_pip(base: str) -> None:
    found = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise Problem(f"pip is missing for {base}: install it (on Debian: apt install python3-pip).")
    version = tuple(int(part) for part in re.findall(r"\d+", found.stdout)[:2])
    if version < PIP_FLOOR:
        raise Problem(f"pip 22.3 or newer is needed and {base} has {found.stdout.split()[1]}: upgrade pip.")


def _make_venv(base: str, venv: Path) -> None:
    made = subprocess.run(
        [base, "-m", "venv", "--without-pip", "--clear", str(venv)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        text = made.stdout + made.stderr
        raise problem.from_output(text, f"{base} could not make {venv}: {text.strip().splitlines()[-1]}")


def _pip_install(base: str, venv: Path, lock: Path, count: int) -> None:
    """The machine's pip installs into the environment; a system "externally managed" (PEP 668) is not touched."""
    output: list[str] = []
    with _pip(base, venv, "install", "--progress-bar=off", "--retries=1", "--no-deps", "--require-hashes",
              "--only-binary=:all:", "-r", str(lock)) as pip:  # fmt: skip
        assert pip.stdout is not None  # noqa: S101 - asked for with PIPE
        for line in pip.stdout:
            output.append(line)
            _report(line, sum("Collecting " in seen for seen in output), count)
    if pip.returncode:
        raise why("".join(output))


def _pip(base: str, venv: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return subprocess.Popen(
        [base, "-m", "pip", "--python", str(python_of(venv)), "--disable-pip-version-check", "--no-input", *arguments],
        env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _report(line: str, collected: int, count: int) -> None:
    step = 1 if sys.stdout.isatty() else max(1, count // 4)
    end = "\r" if sys.stdout.isatty() else "\n"
    if "Collecting " in line and collected % step == 0:
        print(f"run: fetched {collected} of {count} packages", end=end, flush=True)
    elif line.startswith("Installing collected"):
        print(f"run: unpacking {count} packages          ", flush=True)


def why(output: str) -> Problem:
    """The sentence for a failed installation, from what pip printed."""
    if "DO NOT MATCH THE HASHES" in output:
        return Problem(
            "A package differs from its hash in the lock file: clear pip's cache (pip cache purge), try again."
        )
    if any(word in output for word in NO_INDEX):
        return Problem("The package index cannot be reached or lacks a package: check the network, or PIP_INDEX_URL.")
    tail = "\n".join(output.strip().splitlines()[-5:])
    return problem.from_output(
        output, f"The installation failed; pip said:\n{tail}\nRun the same command to try again."
    )


def _remove_strangers(base: str, venv: Path, names: set[str]) -> None:
    """What left the lock leaves the environment, or code could go on importing it here and fail elsewhere."""
    site = next((venv / "lib").glob("python3.*/site-packages"))
    strangers = {normal(found.metadata["Name"]) for found in metadata.distributions(path=[str(site)])} - names
    if not strangers:
        return
    with _pip(base, venv, "uninstall", "-y", *sorted(strangers)) as pip:
        output = pip.stdout.read() if pip.stdout else ""
    if pip.returncode:
        raise why(output)


@contextlib.contextmanager
def _lock(venv: Path) -> Iterator[None]:
    """Two commands of one checkout may start at the same moment; one installs, the other waits for it."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_name(f"{venv.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("run: another command is installing; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
