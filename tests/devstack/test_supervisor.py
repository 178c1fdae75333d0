"""Children that die, that will not die, and that nobody is left to watch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.supervisor import Program, Restarts, Supervisor

Lines = list[tuple[str, str]]


@pytest.fixture
def lines() -> Lines:
    return []


@pytest.fixture
def supervisor(lines: Lines) -> Iterator[Supervisor]:
    made = Supervisor(lambda who, line: lines.append((who, line)), Restarts(limit=3, window_s=60, first_pause_s=0.05))
    yield made
    made.hurry()
    made.close()


def program(text: str, **options: object) -> Program:
    return Program("child", [sys.executable, "-u", "-c", text], os.environ, Path.cwd(), **options)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_dead_are_restarted_with_back_off_and_given_up_at_the_limit(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(program("print('hello'); raise SystemExit(7)"))
    wait_for(lambda: not supervisor.is_alive("child"))
    assert lines == [
        ("child", "hello"),
        ("run", "child ended (exit code 7); starting it again in 0.05 s"),
        ("child", "hello"),
        ("run", "child ended (exit code 7); starting it again in 0.1 s"),
        ("child", "hello"),
        (
            "run",
            "child ended 3 times within 60 s and is given up; its last lines say why. "
            "The rest goes on; stop with Ctrl-C and start again when it is mended.",
        ),
    ]


def test_a_killed_child_comes_back_as_a_new_process(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(program("import time; print('up'); time.sleep(60)"))
    wait_for(lambda: ("child", "up") in lines)
    first = supervisor.pid("child")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: lines.count(("child", "up")) == 2)
    assert supervisor.pid("child") not in (None, first)
    assert ("run", "child ended (signal SIGKILL); starting it again in 0.05 s") in lines


def test_a_stopped_child_stays_stopped(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(program("import time; print('up'); time.sleep(60)"))
    wait_for(lambda: ("child", "up") in lines)
    supervisor.stop("child")
    assert (supervisor.pid("child"), supervisor.is_alive("child"), lines) == (None, False, [("child", "up")])


def test_running_work_may_finish(supervisor: Supervisor, lines: Lines) -> None:
    text = "import signal, time; signal.signal(15, lambda *_: (time.sleep(.3), print('done'), exit())); print('up')"
    supervisor.start(program(f"{text}\nwhile True: time.sleep(60)"))
    wait_for(lambda: ("child", "up") in lines)
    supervisor.stop("child")
    assert lines == [("child", "up"), ("child", "done")]


def test_patience_ends_and_says_so(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(
        program(
            "import signal, time; signal.signal(15, lambda *_: None); print('up')\nwhile True: time.sleep(1)",
            patience_s=0.2,
        )
    )
    wait_for(lambda: ("child", "up") in lines)
    supervisor.stop("child")
    assert (supervisor.pid("child"), lines[1:]) == (None, [("run", "child did not stop in 0 s: killed")])


def test_a_hurry_ends_even_the_stubborn_at_once(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(
        program(
            "import signal, time; signal.signal(15, lambda *_: None); print('up')\nwhile True: time.sleep(1)",
            patience_s=60,
        )
    )
    wait_for(lambda: ("child", "up") in lines)
    began = time.monotonic()
    supervisor.hurry()
    supervisor.stop("child")
    assert supervisor.pid("child") is None
    assert time.monotonic() - began < 5


def test_a_child_that_ends_by_design_is_not_restarted(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(program("print('last words without a newline', end=''); raise SystemExit(3)", once=True))
    assert supervisor.join("child", meanwhile=lambda: None) == 3
    assert lines == [("child", "last words without a newline")]


def test_a_full_disk_is_explained_once(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(program("print('ERROR: No space left on device\\n' * 2)", once=True))
    supervisor.join("child", meanwhile=lambda: None)
    assert [line for who, line in lines if who == "run"] == [
        "The disk is full: free some space and run the same command again."
    ]


def test_what_cannot_be_executed_is_an_error_of_the_caller(supervisor: Supervisor) -> None:
    with pytest.raises(OSError, match="No such file"):
        supervisor.start(Program("child", ["/does/not/exist"], {}, Path.cwd(), tied=""))


def test_killing_the_manager_leaves_nothing_behind(tmp_path: Path) -> None:
    text = (
        "import os, sys, time; from pathlib import Path; from devstack.supervisor import Program, Supervisor\n"
        "s = Supervisor(lambda who, line: print(line, flush=True))\n"
        "code = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        "s.start(Program('child', [sys.executable, '-c', code], os.environ, Path.cwd())); time.sleep(60)"
    )
    manager = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert manager.stdout is not None
    child = int(manager.stdout.readline())
    manager.kill()
    manager.communicate(timeout=10)
    wait_for(lambda: not is_running(child))
