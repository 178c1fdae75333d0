"""The commands of `./run` that do one thing and end: manage, test, bench, replay, reset."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import environment, identity, scratch
from devstack.problem import Problem
from devstack.running import Hold
from devstack.stack import ROOT, Stack

VAR = ROOT / "var"
# Programs below bench/ that are not benchmarks.
NOT_BENCHMARKS = {"replay"}


def manage(arguments: Sequence[str]) -> int:
    """A Django command on the running `./run`, or on servers started for as long as it takes."""
    if os.environ.get("DATABASE_URL") and os.environ.get("BROKER_URL"):
        return _python(["manage.py", *arguments], _local_environment())
    hold = Hold(VAR)
    joined = hold.take_or_join("./run manage")
    if joined is not None:
        ours = {"DJANGO_SETTINGS_MODULE": "config.settings"}
        return _python(["manage.py", *arguments], joined | dict(os.environ) | ours)
    stack = Stack(VAR, inherit=os.environ, throwaway=False, sandbox=None, port=environment.port("PORT", 8000))
    try:
        if stack.start_servers() and "migrate" not in arguments:
            stack.migrate()
        return _python(["manage.py", *arguments], stack.env)
    finally:
        stack.stop()
        hold.release()


def test(arguments: Sequence[str]) -> int:
    """The tests; devstack.pytest_pg gives them their own database and environment."""
    # One file or one test starts faster alone, and a debugger wants the terminal.
    alone = any(not word.startswith("-") or word.startswith(("-n", "--pdb", "--co")) for word in arguments)
    # Before the settings are read: they name the built files only where these are.
    _python(["-m", "lib.assets"], dict(os.environ))
    (VAR / "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing one
    return _python(["-m", "pytest", *([] if alone else ["-n3", "--dist=loadfile"]), *arguments], dict(os.environ))


def bench(arguments: Sequence[str]) -> int:
    """Benchmarks on a private database and broker; what they print on standard output is theirs alone.

    Without a word, a list of them; with options only, all of them.
    """
    known = benchmarks()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in known:
        raise Problem(f"There is no benchmark {arguments[0]}: choose one of {', '.join(known)}.")
    if not arguments:
        for name in known:
            print(f"{f'./run bench {name} [--quick]':32} {_purpose(name)}")
        return 0
    named = [word for word in arguments if word in known]
    options = [word for word in arguments if word not in known]
    return max([_bench(name, options) for name in named or known], default=0)


def benchmarks() -> list[str]:
    """The names of all benchmarks: the modules of bench/ that can be run."""
    found = {path.stem for path in (ROOT / "bench").glob("*.py")}
    found |= {path.parent.name for path in (ROOT / "bench").glob("*/__main__.py")}
    return sorted(name for name in found - NOT_BENCHMARKS if not name.startswith("_"))


def _purpose(name: str) -> str:
    """The first line of what the benchmark says of itself, without running it."""
    paths = (ROOT / "bench" / f"{name}.py", ROOT / "bench" / name / "__main__.py")
    source = next(path.read_text() for path in paths if path.exists())
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


def replay(arguments: Sequence[str]) -> int:
    """Real sessions through the whole product, on a private stack which bench.replay itself starts with its clock."""
    return _python(["-m", "bench.replay", *arguments], _without_servers(os.environ))


def reset(arguments: Sequence[str]) -> int:
    """Throw away the local database, broker, sandbox and built files. The local secrets stay."""
    if arguments:
        raise Problem("./run reset takes no arguments: it throws away all local data of this checkout.")
    if os.environ.get("DATABASE_URL"):
        raise Problem("DATABASE_URL names a server of yours and reset only throws local data away: unset it first.")
    hold = Hold(VAR)
    hold.take_or_refuse("./run reset")
    kept = {"secrets.env", hold.path.name}
    for path in VAR.iterdir():
        if path.name not in kept:
            _remove(path)
    hold.release()
    print("run: the local data is gone; ./run starts afresh")
    return 0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        note = path / "socket_dir"
        if note.exists():
            shutil.rmtree(note.read_text(), ignore_errors=True)
        shutil.rmtree(path)
    else:
        path.unlink()


def _bench(name: str, options: Sequence[str]) -> int:
    with scratch.kept("bench") as folder:
        # Not a throwaway cluster: what is measured must pay for its durability.
        stack = Stack(folder, throwaway=False, sandbox=None)
        try:
            stack.start_servers()
            stack.migrate()
            return _python(["-m", f"bench.{name}", *options], stack.env)
        finally:
            stack.stop()


def _python(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Our Python in the foreground. Ctrl-C is the child's to answer; we wait for its end."""
    # A handler, not SIG_IGN: across exec it becomes the default again, so that the child hears Ctrl-C.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        child = subprocess.Popen(
            [*identity.die_with_parent("TERM"), sys.executable, *arguments],
            env=dict(env), cwd=ROOT,
        )  # fmt: skip
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - code if code < 0 else code


def _local_environment() -> dict[str, str]:
    return environment.for_local(
        VAR, os.environ, host=os.environ.get("HOST", "127.0.0.1"), port=environment.port("PORT", 8000)
    )


def _without_servers(env: Mapping[str, str]) -> dict[str, str]:
    hidden = {"DATABASE_URL", "BROKER_URL", *environment.NOT_FOR_TESTS}
    return {name: value for name, value in env.items() if name not in hidden}
