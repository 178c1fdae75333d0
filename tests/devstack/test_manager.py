"""`./run` as a person meets it, with a product just large enough to be started."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import devstack
from devstack import environment
from devstack.net import free_port

HOUSE = Path(__file__).parent / "house"
pytestmark = pytest.mark.slow


class Run:
    """A started `./run` and what it printed so far."""

    def __init__(self, root: Path, **env: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in environment.FOR_TESTS}
        inherited.pop("DATABASE_URL", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devstack", "start"], cwd=root, env=inherited | env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.text += line

    def until(self, words: str, timeout_s: float = 40) -> None:
        wait_for(lambda: words in self.text or self.process.poll() is not None, timeout_s, lambda: self.text)
        assert words in self.text, self.text

    def end(self, timeout_s: float = 40) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code


def wait_for(condition: Callable[[], bool], timeout_s: float, said: Callable[[], str] = str) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, said()
        time.sleep(0.02)


def children_of(root: Path) -> list[str]:
    """Command lines of all processes that work in this house."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(root) in (folder / "environ").read_text() or str(root) in (folder / "cmdline").read_text():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture
def house(tmp_path: Path) -> Path:
    root = tmp_path / "house"
    shutil.copytree(HOUSE, root)
    shutil.copytree(Path(devstack.__file__).parent, root / "devstack")
    return root


@pytest.fixture
def start(house: Path) -> Iterator[Callable[[], Run]]:
    runs: list[Run] = []
    ports = {"PORT": str(free_port("127.0.0.1")), "SANDBOX_PORT": str(free_port("127.0.0.1")), "HOUSE": str(house)}

    def begin() -> Run:
        runs.append(Run(house, **ports))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()


def test_the_life_of_a_run(house: Path, start: Callable[[], Run]) -> None:
    run = start()
    run.until("the history is imported")
    ready = [line for line in run.text.splitlines() if "ready after" in line]
    assert len(ready) == 1
    assert re.fullmatch(
        r" *run \| ready after \d+\.\d s: (http://127.0.0.1:\d+/) \| owner@example.com, password demo \| "
        r"forecourt http://127.0.0.1:\d+/ \| Ctrl-C stops",
        ready[0],
    )
    url = ready[0].split()[6]

    second = start()
    assert second.end() == 1
    assert second.text == (
        f"run: ./run (process {run.process.pid}) already uses this checkout's data at {url}: "
        "use that one, or stop it with Ctrl-C first.\n"
    )

    joined = subprocess.run(
        [sys.executable, "-m", "devstack", "manage", "shell"], cwd=house, capture_output=True, text=True, check=True,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
    )  # fmt: skip
    assert joined.stdout == "did shell on postgresql://ap\n"

    web = served_by(url)
    os.kill(web, signal.SIGKILL)
    run.until("web ended (signal SIGKILL); starting it again in 0.5 s")
    wait_for(lambda: served_by(url) not in (0, web), 30, lambda: run.text)

    begin_task(house, run)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0
    assert (house / "task.done").exists()
    assert [line for line in run.text.splitlines() if line.startswith("        run |")][-2:] == [
        "        run | stopping; running tasks may finish, a second Ctrl-C ends everything at once",
        "        run | stopped",
    ]
    assert "Traceback" not in run.text
    assert children_of(house) == []

    again = start()
    again.until("ready after")
    again.process.send_signal(signal.SIGTERM)
    assert again.end() == 0
    calls = [line.split()[0] for line in (house / "calls.txt").read_text().splitlines()]
    assert calls == [
        *("migrate", "createcachetable", "create_demo", "demo_key", "import_sessions", "shell"),
        *("migrate", "createcachetable", "demo_key"),
    ]
    keys = (house / "keys.txt").read_text().split()
    assert [key[:4] for key in keys] == ["none", "key-", "key-"]
    assert keys[1] != keys[2]


def test_a_second_interrupt_ends_at_once_and_a_kill_leaves_nothing(house: Path, start: Callable[[], Run]) -> None:
    run = start()
    run.until("ready after")
    begin_task(house, run, duration_s=50)
    run.process.send_signal(signal.SIGINT)
    run.until("stopping; running tasks may finish")
    began = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0
    assert time.monotonic() - began < 5
    assert (house / "task.done").exists() is False
    wait_for(lambda: children_of(house) == [], 5, lambda: str(children_of(house)))

    again = start()
    again.until("ready after")
    again.process.kill()
    again.process.wait()
    wait_for(lambda: children_of(house) == [], 10, lambda: str(children_of(house)))


def served_by(url: str) -> int:
    """The process that serves the web; 0 while nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return int(answer.read())
    except OSError:
        return 0


def begin_task(house: Path, run: Run, duration_s: float = 1.5) -> None:
    """Give a worker something to do and wait until it has begun."""
    broker = json.loads((house / "var" / "running.json").read_text())["env"]["BROKER_URL"]
    program = f"from config.celery import work; work.delay({str(house / 'task')!r}, {duration_s})"
    subprocess.run([sys.executable, "-c", program], cwd=house, env={**os.environ, "BROKER_URL": broker}, check=True)
    wait_for(lambda: (house / "task.begun").exists(), 20, lambda: run.text)
