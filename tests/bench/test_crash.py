"""Workers that are killed in the middle of a start, a stop and a completion, three times each, as `./run bench crash`
does it twenty times; and that the benchmark's own books tell a lost end from a known one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench import crash

FINAL_AT = datetime(2026, 1, 1, tzinfo=UTC)
ENTRY = {"status": "completed", "energy": 1.5, "endReason": "Remote"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[crash.Scene]:
    stack = crash.stack_in(tmp_path)
    try:
        stack.start_servers()
        stack.migrate()
        scene = crash.Scene(stack, rounds=3)
        scene.start()
        yield scene
        scene.close()
    finally:
        stack.stop()


@pytest.mark.slow
def test_a_killed_worker_starts_nothing_twice_and_loses_no_end(scene: crash.Scene) -> None:
    found = scene.play()
    hits = {(one.kind, one.how) for one in scene.caught}
    assert hits == {(kind, how) for kind, hows in crash.HOWS.items() for how in hows}
    assert (found["kills"] >= 9, found["double_starts"], found["lost"]) == (True, 0, 0)
    # What is allowed, on a machine where a worker is up again within a few seconds; on a slower one so much more.
    assert found["recovery_max_s"] <= crash.ALLOWED_S + scene.boot_s


@pytest.mark.parametrize(
    ("kind", "ours", "entries", "is_told"),
    [
        ("stop", ("completed", FINAL_AT, Decimal("1.500")), [ENTRY], True),
        ("start", ("completed", FINAL_AT, Decimal("1.500")), [ENTRY | {"endReason": "EVDisconnected"}], True),
        ("stop", ("completed", FINAL_AT, Decimal("1.500")), [ENTRY | {"endReason": "EVDisconnected"}], False),
        ("start", ("completed", FINAL_AT, Decimal("1.499")), [ENTRY], False),
        ("completion", ("completed", None, Decimal("1.500")), [ENTRY], False),
        ("start", ("unknown", None, None), [ENTRY], False),
        ("start", ("unknown", None, None), [], True),
        ("start", ("pending", None, None), [], False),
        ("completion", ("charging", None, Decimal("1.500")), [ENTRY | {"status": "charging"}], False),
    ],
)
def test_an_end_is_known_when_the_books_agree(kind: str, ours: Any, entries: Any, is_told: bool) -> None:
    assert crash.is_told(kind, ours, entries) is is_told
