"""What is installed when, and what a person reads when it cannot be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import install
from devstack.install import Stamp
from devstack.problem import DISK_FULL, Problem

WANTED = Stamp(python="3.11", lock="a", level="run")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose lock files name nothing, so that installing needs no index."""
    monkeypatch.delenv("VENV_DIR", raising=False)
    for name in install.LOCKS.values():
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("have", "satisfied", "rebuild"),
    [
        (None, False, True),
        (Stamp("3.11", "a", "run"), True, False),
        (Stamp("3.11", "a", "dev"), True, False),
        (Stamp("3.11", "b", "run"), False, False),
        (Stamp("3.12", "a", "run"), False, True),
    ],
)
def test_a_stamp_says_what_is_left_to_do(have: Stamp | None, satisfied: bool, rebuild: bool) -> None:
    assert (install.is_satisfied(have, WANTED), install.must_rebuild(have, WANTED)) == (satisfied, rebuild)


def test_running_does_not_satisfy_testing() -> None:
    assert not install.is_satisfied(Stamp("3.11", "a", "run"), Stamp("3.11", "a", "dev"))


def test_the_second_time_is_free(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = install.ensure(project, "run")
    capsys.readouterr()
    assert (install.ensure(project, "run"), capsys.readouterr().out) == (python, "")
    assert subprocess.run([python, "-c", "print(1)"], capture_output=True, text=True, check=True).stdout == "1\n"


def test_what_left_the_lock_leaves_the_environment(project: Path) -> None:
    install.ensure(project, "run")
    site = next((project / ".venv" / "lib").glob("python3.*/site-packages"))
    stranger = site / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (stranger / "RECORD").write_text(
        "stranger.py,,\nstranger-1.0.dist-info/METADATA,,\nstranger-1.0.dist-info/RECORD,,\n"
    )
    (site / "stranger.py").write_text("")
    (project / "requirements.txt").write_text("# changed\n")
    install.ensure(project, "run")
    assert list(site.glob("stranger*")) == []


def test_another_interpreter_gets_a_new_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install.ensure(project, "run")
    relic = project / ".venv" / "relic"
    relic.touch()
    monkeypatch.setattr(sys, "version", "3.99.0 (newer)")
    install.ensure(project, "run")
    assert not relic.exists()


def test_venv_dir_is_honoured(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENV_DIR", str(project / "elsewhere"))
    assert install.ensure(project, "run") == project / "elsewhere" / "bin" / "python"


def test_no_pip_is_one_sentence(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python-without-pip"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "_base_executable", str(bare))
    with pytest.raises(Problem) as caught:
        install.ensure(project, "run")
    assert str(caught.value) == f"pip is missing for {bare}: install it (on Debian: apt install python3-pip)."


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", DISK_FULL),
        (
            "Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution found for x",
            "The package index cannot be reached or lacks a package: check the network, or PIP_INDEX_URL.",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "A package differs from its hash in the lock file: clear pip's cache (pip cache purge), try again.",
        ),
    ],
)
def test_pips_failures_become_sentences(output: str, sentence: str) -> None:
    assert str(install.why(output)) == sentence


def test_two_installations_at_once_become_one(project: Path) -> None:
    shutil.copytree(Path(install.__file__).parent, project / "devstack")
    program = "from devstack import install; from pathlib import Path; install.ensure(Path.cwd(), 'run')"
    both = [
        subprocess.Popen([sys.executable, "-c", program], cwd=project, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [child.communicate(timeout=60)[0] for child in both]
    assert [child.returncode for child in both] == [0, 0]
    assert sum("run: installed" in text for text in printed) == 1
