"""Stands in for the product's command line in the tests of the launcher: notes each call, prints what is expected."""

import os
import sys
from pathlib import Path

with Path("calls.txt").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\n")
ANSWERS = {"create_demo": "owner@example.com, password demo", "demo_key": f"key-{os.getpid()}"}
print(ANSWERS.get(sys.argv[1], f"did {sys.argv[1]} on {os.environ['DATABASE_URL'][:15]}"))
