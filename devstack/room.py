"""How much can still be written where the data lies; a database that runs into the end of a disk takes all with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from devstack.problem import Problem


def require_room(folder: Path, wanted_bytes: int) -> None:
    """Raises Problem when less than that is free for this user."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < wanted_bytes:
        raise Problem(
            f"The disk is full: {free_bytes // 1_000_000} MB are free for {folder} and {wanted_bytes // 1_000_000} MB "
            "are needed; free some space and run the same command again."
        )
