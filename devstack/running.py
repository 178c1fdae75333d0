"""Who uses this checkout's local data right now, so that two commands never share or adopt each other's servers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from devstack.problem import Problem


@dataclass
class Holder:
    """The command that holds the local data. `env` is what another command needs to talk to its servers."""

    pid: int
    command: str
    url: str = ""
    env: dict[str, str] = field(default_factory=dict)


class Hold:
    """An exclusive hold on the local data, released by `release` or by the end of the process, however it ends."""

    def __init__(self, var: Path) -> None:
        self.path = var / "running.json"
        self._file: IO[str] | None = None

    def take(self, command: str, url: str = "") -> Holder | None:
        """Take the hold and return None, or return who has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The fd must never be inherited: the lock would outlive us in a child. Python opens it so by itself.
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                return self._read(file)
        self._file = file
        self.tell(Holder(os.getpid(), command, url))
        return None

    def tell(self, holder: Holder) -> None:
        """Say what others may know of us."""
        if self._file is not None:
            text = json.dumps(asdict(holder))
            self._file.seek(0)
            self._file.truncate()
            self._file.write(text)
            self._file.flush()

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.close()
            self._file = None

    def take_or_refuse(self, command: str, url: str = "") -> None:
        """Take the hold. Raises Problem that says who has it and what to do."""
        holder = self.take(command, url)
        if holder is not None:
            raise Problem(refusal(holder))

    def take_or_join(self, command: str, timeout_s: float = 60) -> dict[str, str] | None:
        """Take the hold and return None, or return the environment of the `./run` that is already there."""
        end = time.monotonic() + timeout_s
        while (holder := self.take(command)) is not None:
            if holder.env:
                return holder.env
            if time.monotonic() > end:
                raise Problem(refusal(holder))
            time.sleep(0.1)
        return None

    @staticmethod
    def _read(file: IO[str]) -> Holder:
        with contextlib.suppress(ValueError, TypeError):
            return Holder(**json.loads(file.read()))
        return Holder(0, "another command")  # just starting or just ending


def refusal(holder: Holder) -> str:
    """Why a command cannot begin beside the holder, and what to do."""
    where = f" at {holder.url}" if holder.url else ""
    return (
        f"{holder.command} (process {holder.pid}) already uses this checkout's data{where}: "
        "use that one, or stop it with Ctrl-C first."
    )
