"""A disk that is nearly full gets its sentence before anything breaks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devstack.problem import Problem
from devstack.room import require_room


def test_enough_room_passes(tmp_path: Path) -> None:
    require_room(tmp_path, shutil.disk_usage(tmp_path).free // 2)


def test_too_little_room_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        require_room(tmp_path, 10**18)
    assert str(caught.value).startswith("The disk is full: ")
    assert str(caught.value).endswith(
        f" MB are free for {tmp_path} and 1000000000000 MB are needed; free some space and run the same command again."
    )
