"""A reader of any payload or call must see what is documented and what is assumed; and the package stands alone."""

import ast
import dataclasses
import inspect
import re
import sys
from pathlib import Path

import eevion
from eevion import Client

MARK = re.compile(r"(?<![A-Za-z])(D\*|D|A)(?![A-Za-z])|\(-\)")
# Not documents of the vendor: our own notice of a difference.
OURS = {"Drift"}


def test_every_payload_and_call_carries_its_marks() -> None:
    shapes = [getattr(eevion, name) for name in eevion.__all__ if dataclasses.is_dataclass(getattr(eevion, name))]
    calls = [method for name, method in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]
    unmarked = [item.__name__ for item in (*shapes, *calls) if not MARK.search(item.__doc__ or "")]
    assert set(unmarked) - OURS == set()
    assert len(shapes) > 8
    assert len(calls) == 7


def test_the_package_imports_only_the_standard_library_and_requests() -> None:
    names: set[str] = set()
    for file in Path(eevion.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    assert names - sys.stdlib_module_names == {"eevion", "requests"}
