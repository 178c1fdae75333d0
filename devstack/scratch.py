"""Folders below the temporary folder which are gone again when their owner is, however the owner ends.

An owner holds a lock on a file inside for as long as it lives. A kill -9 leaves the folder behind without a holder of
its lock, and the next command that makes such a folder removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from devstack import identity

PREFIX = "chargehand-"
LOCK = ".owner"
_held: dict[Path, IO[str]] = {}


def folder(kind: str, *, base: str | None = None) -> Path:
    """A fresh 0700 folder of ours; call `remove` at the end. Sweeps what killed owners left."""
    where = Path(base or tempfile.gettempdir())
    sweep(where)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=where))
    claim(made)
    return made


@contextlib.contextmanager
def kept(kind: str) -> Iterator[Path]:
    """A fresh folder for as long as the block takes."""
    made = folder(kind)
    try:
        yield made
    finally:
        remove(made)


def claim(path: Path) -> None:
    """Hold the folder for the life of this process."""
    part = path / f"{LOCK}.part"
    file = part.open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    part.rename(path / LOCK)  # nobody sees it without our lock on it
    _held[path] = file


def remove(path: Path) -> None:
    """The folder and our hold on it."""
    shutil.rmtree(path, ignore_errors=True)
    if path in _held:
        _held.pop(path).close()


def sweep(where: Path) -> None:
    """Remove the folders of this user whose owner is dead; any other is left alone."""
    users = {os.geteuid()} if os.geteuid() else {0, identity.other_user().pw_uid}
    for path in where.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            ours = stat.S_ISDIR(status.st_mode) and status.st_uid in users and path not in _held
            if ours and _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    # No file, no owner that could be asked: perhaps somebody else's.
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
