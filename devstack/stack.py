"""The whole product as supervised processes: database, broker, sandbox, web, workers, beat.

`./run` starts one on the checkout's own data; browser tests, replay and benchmarks start private ones in a folder of
their own, on free ports, which leave nothing behind.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devstack import environment, identity, problem
from devstack.broker import Broker
from devstack.net import fetch, free_port
from devstack.pg import Cluster
from devstack.problem import Problem
from devstack.room import require_room
from devstack.supervisor import Program, Say, Supervisor

ROOT = Path(__file__).resolve().parent.parent
LONGEST_LOG_BYTES = 10_000_000
ROOM_TO_START_BYTES = 100_000_000  # a new database with the demo's history takes 80 MB
ROOM_TO_RUN_BYTES = 20_000_000  # PostgreSQL writes its log ahead in files of 16 MB, and ends when it cannot
TASK_PATIENCE_S = 60  # how long running tasks may go on when we stop
# People's calls and received messages never queue behind a fan-out of commands.
WORKERS = {"worker-now": ("now", 8), "worker-bulk": ("bulk", 8)}
# Celery warns root of other people's messages; here the broker's socket is private and the messages are JSON.
ROOT_IS_FINE = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
STOP_ORDER = (("history", "beat"), ("sandbox",), ("web",), tuple(WORKERS), ("valkey",), ("postgres",))
SERVERS = {"postgres": "pg", "valkey": "valkey"}  # and their folders
LIVE_ORDER = ("sandbox", "web", *WORKERS, "beat")


class Stack:
    """One set of processes below the folder `var`.

    start() does everything; ./run and benchmarks take the single steps instead. Set BUSINESS_CLOCK, DEMO and the like
    in `env`. DATABASE_URL or BROKER_URL in `env` name servers to use instead of private ones; those of the shell are
    ignored unless `inherit` is the environment to build upon.
    """

    def __init__(
        self,
        var: Path,
        *,
        env: Mapping[str, str] | None = None,
        inherit: Mapping[str, str] | None = None,
        sandbox: Sequence[str] | None = ("--world", "empty"),
        host: str = "127.0.0.1",
        port: int = 0,
        sandbox_port: int = 0,
        throwaway: bool = True,
        say: Say | None = None,
    ) -> None:
        self.var = var.resolve()
        self.var.mkdir(parents=True, exist_ok=True)
        self.host = host
        self.port = port or free_port(host)
        self.sandbox_port = sandbox_port or free_port("127.0.0.1", avoid=self.port)
        self.sandbox_arguments = sandbox
        self.throwaway = throwaway
        self.log = self.var / "stack.log"
        self.token = secrets.token_urlsafe(16)
        base = dict(os.environ if inherit is None else inherit)
        if inherit is None:
            for name in (*environment.NOT_FOR_TESTS, *environment.FOR_TESTS, "DATABASE_URL"):
                base.pop(name, None)
        base |= env or {}
        self.env = environment.for_local(self.var, base, host=host, port=self.port)
        self.env |= {"READY_TOKEN": self.token}
        if sandbox is not None:
            self.env["SANDBOX_URL"] = self.sandbox_url
        self.cluster: Cluster | None = None
        self.broker: Broker | None = None
        self.say = say
        self.supervisor = Supervisor(self._say)

    @property
    def url(self) -> str:
        """Where the product answers, without a slash at the end."""
        return environment.address(self.host, self.port)

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Everything, until the web answers that it is ready. Raises Problem, and leaves nothing running then."""
        try:
            self.start_servers()
            self.migrate()
            self.start_sandbox()
            self.start_product()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def start_servers(self) -> bool:
        """PostgreSQL and Valkey unless the environment names others; True when the database is new."""
        require_room(self.var, ROOM_TO_START_BYTES)
        fresh = False
        if not self.env.get("DATABASE_URL"):
            self.cluster = Cluster(self.var / "pg", throwaway=self.throwaway)
            fresh = self.cluster.prepare()
            self._serve("postgres", self.cluster, env=self.cluster.env(), tied="", patience_s=30)
            self.cluster.create_database("app")
            self.env["DATABASE_URL"] = self.cluster.url()
        if not self.env.get("BROKER_URL"):
            self.broker = Broker(self.var / "valkey")
            self.broker.prepare()
            self._serve("valkey", self.broker, env=self.env, tied="TERM", patience_s=10)
            self.env["BROKER_URL"] = self.broker.url()
        return fresh

    def migrate(self, *more: Sequence[str]) -> str:
        """Bring the database and the built static files up to date, then run `more`; returns what was printed."""
        printed = self.manage_all(["migrate", "--verbosity=0"], ["createcachetable", "--verbosity=0"], *more)
        if (ROOT / "lib" / "assets.py").exists():
            self.run("-m", "lib.assets")
        (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing one
        return printed

    def start_sandbox(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """The vendor's simulator with its control interface; `env` adds to what it sees of the product."""
        if self.sandbox_arguments is None:
            return
        command = [
            sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(self.sandbox_port),
            "--state", str(self.var / "sandbox.state"), *self.sandbox_arguments,
        ]  # fmt: skip
        # It plays a stranger: nothing of the product's secrets reaches it.
        hidden = {
            "SECRET_KEY",
            "ENCRYPTION_KEYS",
            "DATABASE_URL",
            "BROKER_URL",
            "READY_TOKEN",
            "DJANGO_SETTINGS_MODULE",
        }
        visible = {name: value for name, value in self.env.items() if name not in hidden}
        self.supervisor.start(Program("sandbox", command, visible | dict(env or {}), ROOT))
        if wait:
            self.wait_sandbox()

    def wait_sandbox(self) -> None:
        """Until it answers."""
        self._wait("sandbox", lambda: fetch(f"{self.sandbox_url}/_sandbox/healthz", timeout_s=2) is not None, 30)

    def start_product(self) -> None:
        """Web, workers and beat."""
        self.supervisor.start(Program("web", self._web(), self.env, ROOT, patience_s=35))
        for name, (queue, threads) in WORKERS.items():
            command = [
                *self._celery(), "worker", "-P", "threads", "-c", str(threads), "-Q", queue, "-n", f"{queue}@%h",
                "-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
            ]  # fmt: skip
            self.supervisor.start(Program(name, command, self.env | ROOT_IS_FINE, ROOT, patience_s=TASK_PATIENCE_S))
        schedule = self.var / "beat"
        beat = [*self._celery(), "beat", "-l", "WARNING", "-s", str(schedule), "--pidfile="]
        self.supervisor.start(Program("beat", beat, self.env, ROOT))

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Until our own web, not another server on its port, says that the database is there and migrated."""
        self._wait("web", self.is_ready, timeout_s)

    def is_ready(self) -> bool:
        """Whether our own web says it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.headers.get("X-Ready-Token") == self.token)
        except OSError:
            return False

    def require_health(self) -> None:
        """Raises Problem when going on would only make noise: no database any more, or hardly room to write."""
        if self.cluster is not None and not self.supervisor.is_alive("postgres"):
            raise Problem(f"PostgreSQL ends again and again: the end of {self.cluster.log} says why.")
        require_room(self.var, ROOM_TO_RUN_BYTES)

    def manage(self, *arguments: str) -> str:
        """A Django command to its end; returns what it printed. Raises Problem when it fails."""
        return self.run("manage.py", *arguments)

    def manage_all(self, *commands: Sequence[str]) -> str:
        """Several Django commands in one process, which loads Django once. Raises Problem when one fails."""
        words = ", ".join(command[0] for command in commands)
        return self.run("-m", "devstack.sequence", json.dumps(commands), called=f"manage.py {words}")

    def run(self, *arguments: str, called: str = "") -> str:
        """A Python program of ours to its end; returns what it printed. Raises Problem when it fails."""
        done = subprocess.run(
            [*identity.die_with_parent("KILL"), sys.executable, *arguments],
            env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            start_new_session=True,
        )  # fmt: skip
        if done.returncode:
            raise problem.from_program(called or " ".join(arguments[:2]), done.stdout + done.stderr)
        return done.stdout

    def stop(self) -> None:
        """Stop in order, letting running tasks finish; hurry() from a signal handler cuts it short."""
        for names in STOP_ORDER:
            self.supervisor.stop(*names)
        self.supervisor.close()
        for server in (self.broker, self.cluster):
            if server is not None:
                server.forget_sockets()

    def sandbox_call(self, path: str, body: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """The sandbox's control interface: GET, or POST when there is a body. Returns the parsed answer."""
        data = fetch(f"{self.sandbox_url}/_sandbox/{path}", body=body, timeout_s=60)
        return None if data is None else json.loads(data)

    def _web(self) -> list[str]:
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return [
            sys.executable, "-m", "gunicorn", "config.wsgi", "-b", bind, "-k", "gthread", "-w", "2", "--threads", "8",
            "--graceful-timeout", "30", "--log-level", "warning", "--no-control-socket", "--preload",
            "--limit-request-line", "8190",  # ticks of many pages travel in it
        ]  # fmt: skip  # no access log of gunicorn's: it would print the tokens of webhooks

    @staticmethod
    def _celery() -> list[str]:
        return [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]

    def _trim(self, name: str) -> None:
        log = self._log_of(name)
        if log is not None and log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
            log.unlink()

    def _serve(
        self, name: str, server: Cluster | Broker, *, env: Mapping[str, str], tied: str, patience_s: float
    ) -> None:
        self._trim(name)
        self.supervisor.start(
            Program(
                name, server.command(), env, Path("/"), stop_signal=server.stop_signal, kill_signal=server.kill_signal,
                patience_s=patience_s, tied=tied,
            )
        )  # fmt: skip
        self._wait(name, server.ready, 60, step_s=0.02)

    def _wait(self, name: str, is_there: Callable[[], bool], timeout_s: float, step_s: float = 0.1) -> None:
        end = time.monotonic() + timeout_s
        while not is_there():
            if not self.supervisor.is_alive(name):
                raise Problem(f"{name} does not start; its last lines{self._where(name)} say why.")
            if time.monotonic() > end:
                raise Problem(
                    f"{name} did not answer within {timeout_s:.0f} s; its lines{self._where(name)} may say why."
                )
            time.sleep(step_s)

    def _where(self, name: str) -> str:
        log = self._log_of(name)
        return f" in {log}" if log else ""

    def _log_of(self, name: str) -> Path | None:
        """Servers talk to their log; the rest to whoever listens, else to the stack's log."""
        if name in SERVERS:
            return self.var / SERVERS[name] / f"{name}.log"
        return self.log if self.say is None else None

    def _say(self, name: str, line: str) -> None:
        log = self._log_of(name)
        if log is None and self.say is not None:
            self.say(name, line)
        elif log is not None:
            with log.open("a") as file:
                file.write(f"{line}\n" if name in SERVERS else f"{name} | {line}\n")
