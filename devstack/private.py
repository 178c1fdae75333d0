"""Folders that nobody else may enter, and socket folders whose path is short enough for the kernel."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from devstack import scratch
from devstack.problem import Problem

# sun_path holds 108 bytes with its closing zero; the longest name we put into such a folder has 23.
LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.65535.lock") + 3


def folder(path: Path, *, uid: int) -> Path:
    """Make `path` 0700, or take the one that is there. Raises Problem when it is neither ours nor of `uid`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (uid, os.geteuid()):
            raise Problem(f"{path} belongs to another user: remove it, or run as the user who made it.") from None
    path.chmod(0o700)
    return path


def socket_folder(root: Path, *, uid: int) -> Path:
    """A private folder for unix sockets: `root/s`, or one below the temporary folder when that path is too long.

    The fresh one is remembered in `root/socket_dir`, so that a killed run leaves one folder and not many.
    """
    wanted = root / "s"
    if fits(wanted):
        return folder(wanted, uid=uid)
    note = root / "socket_dir"
    if note.exists():
        known = Path(note.read_text())
        if fits(known) and _is_ours(known, uid=uid):
            scratch.claim(known)
            return known
    base = tempfile.gettempdir()
    made = scratch.folder("s", base=base if fits(Path(base) / ("x" * 21)) else "/tmp")  # noqa: S108
    note.write_text(str(made))
    return made


def fits(path: Path) -> bool:
    """Whether a socket in this folder can be bound at all; beyond it bind() fails with "AF_UNIX path too long"."""
    return len(bytes(path)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH


def _is_ours(path: Path, *, uid: int) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and stat.S_IMODE(status.st_mode) == 0o700
