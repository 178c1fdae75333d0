"""Temporary folders: a living owner's is never touched, a killed owner's goes, a stranger's stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from devstack import scratch

OWNER = """
import sys
from devstack import scratch
print(scratch.folder("test", base=sys.argv[1]), flush=True)
sys.stdin.read()
"""


def start_owner(base: Path) -> tuple[subprocess.Popen[str], Path]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def end(owner: subprocess.Popen[str], number: signal.Signals) -> None:
    owner.send_signal(number)
    owner.communicate(timeout=10)


def test_only_the_folder_of_a_dead_owner_is_swept(tmp_path: Path) -> None:
    alive, kept = start_owner(tmp_path)
    killed, gone = start_owner(tmp_path)
    stranger = tmp_path / "chargehand-stranger"
    stranger.mkdir()
    (tmp_path / "chargehand-link").symlink_to(kept)
    (gone / "data").mkdir()
    (gone / "data" / "file").write_text("left behind")
    end(killed, signal.SIGKILL)

    mine = scratch.folder("test", base=str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([kept, mine, stranger, tmp_path / "chargehand-link"])
    assert mine.stat().st_mode & 0o777 == 0o700

    scratch.sweep(tmp_path)
    assert mine.is_dir()
    end(alive, signal.SIGKILL)
    scratch.remove(mine)
    scratch.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "chargehand-link", stranger]
