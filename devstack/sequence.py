"""`python -m devstack.sequence COMMANDS` runs several commands of manage.py in one process, one after the other.

Loading Django costs more than most commands do. Knows nothing of Django: it calls manage.py as the shell would.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Sequence


def run(commands: Sequence[Sequence[str]]) -> None:
    """Each command in turn; the first that fails ends the process with its exit code."""
    for command in commands:
        sys.argv = ["manage.py", *command]
        runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    sys.path.insert(0, "")
    run(json.loads(sys.argv[1]))
