"""The commands of `./run`, inside the project's own Python. `bootstrap` has installed what they need."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from devstack import problem
from devstack.problem import Problem


def start(arguments: Sequence[str]) -> int:
    from devstack import manager

    return manager.run(arguments)


def manage(arguments: Sequence[str]) -> int:
    from devstack import tools

    return tools.manage(arguments)


def test(arguments: Sequence[str]) -> int:
    from devstack import tools

    return tools.test(arguments)


def check(arguments: Sequence[str]) -> int:
    from devstack import checks

    return checks.run(arguments)


def bench(arguments: Sequence[str]) -> int:
    from devstack import tools

    return tools.bench(arguments)


def replay(arguments: Sequence[str]) -> int:
    from devstack import tools

    return tools.replay(arguments)


def reset(arguments: Sequence[str]) -> int:
    from devstack import tools

    return tools.reset(arguments)


# Each imports what it needs when it is called: `manage` should not wait for what only `check` wants.
COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "start": start,
    "manage": manage,
    "test": test,
    "check": check,
    "bench": bench,
    "replay": replay,
    "reset": reset,
}


def main(argv: Sequence[str]) -> int:
    """Run one command; what a person can put right becomes one sentence."""
    try:
        return COMMANDS[argv[0]](argv[1:])
    except Problem as caught:
        print(f"run: {caught}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        known = problem.from_os_error(error)
        if known is None:
            raise
        print(f"run: {known}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        os._exit(code or 1)  # the disk or the pipe behind our output is full or gone; everything is stopped already
    sys.exit(code)
