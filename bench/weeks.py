"""Four weeks of real sessions with faults through the whole product: every row explained, the energy equal.

The replay (docs/replay.md) of the Boulder sessions from 3 June 2019, which takes 25 minutes; `--quick` plays one day of
them. The file is looked for in the folder that CHARGEHAND_DATA names. Reads the environment that `./run bench` makes.
The last line on standard output is one JSON object.
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from bench.replay import __main__ as replay
from bench.replay import rows
from devstack import scratch
from devstack.stack import Stack

FILE = Path("boulder_sessions_2018_2021.csv.gz")
WHOLE = ["--from", "2019-06-03", "--days", "28", "--speed", "2000"]
QUICK = ["--from", "2019-06-29", "--days", "1", "--speed", "6000"]  # its last car leaves after 13 hours
QUICK_READ_EVERY_S = "3"  # a lost webhook is found by reading


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench weeks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one day instead of four weeks")
    quick = parser.parse_args().quick
    path = replay.find(FILE)
    if not path.exists():
        print(json.dumps({"rows": 0, "skipped": f"CHARGEHAND_DATA names no folder that holds {FILE}"}))
        return 0
    options = replay.parse([str(path), *(QUICK if quick else WHOLE), "--faults"])
    played = rows.read(path, options.first, options.days)
    env = {name: os.environ[name] for name in ("DATABASE_URL", "BROKER_URL")}
    with scratch.kept("weeks") as folder:
        stack = Stack(folder, env=env | ({"READ_EVERY_S": QUICK_READ_EVERY_S} if quick else {}))
        try:
            stack.start_servers()
            with contextlib.redirect_stdout(sys.stderr):
                found = replay.play(stack, played, options, boot_wall_s=0)
        finally:
            stack.stop()
    print(json.dumps(found))
    return 0 if found["explained"] else 1


if __name__ == "__main__":
    sys.exit(main())
