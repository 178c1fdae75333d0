"""The small commands: which benchmarks there are, what reset spares."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import tools
from devstack.problem import Problem
from devstack.running import Hold


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(tools, "VAR", tmp_path / "var")
    (tmp_path / "var" / "pg" / "data").mkdir(parents=True)
    (tmp_path / "var" / "secrets.env").write_text("SECRET_KEY=kept\n")
    return tmp_path / "var"


def test_reset_throws_the_data_away_and_keeps_the_secrets(var: Path) -> None:
    assert tools.reset([]) == 0
    assert sorted(path.name for path in var.iterdir()) == ["running.json", "secrets.env"]
    assert (var / "secrets.env").read_text() == "SECRET_KEY=kept\n"


def test_reset_does_nothing_when_it_is_not_understood(var: Path) -> None:
    with pytest.raises(Problem) as caught:
        tools.reset(["--help"])
    assert str(caught.value) == "./run reset takes no arguments: it throws away all local data of this checkout."
    assert (var / "pg" / "data").is_dir()


def test_reset_spares_the_data_of_a_running_stack(var: Path) -> None:
    other = Hold(var)
    other.take_or_refuse("./run")
    with pytest.raises(Problem):
        tools.reset([])
    assert (var / "pg" / "data").is_dir()


def test_reset_never_touches_a_server_of_the_users(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@127.0.0.1:9/else")
    with pytest.raises(Problem) as caught:
        tools.reset([])
    assert str(caught.value) == (
        "DATABASE_URL names a server of yours and reset only throws local data away: unset it first."
    )
    assert (var / "pg" / "data").is_dir()


def test_benchmarks_are_the_modules_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    (tmp_path / "bench" / "board").mkdir(parents=True)
    for name in ("__init__.py", "_shared.py", "quota.py", "replay.py", "board/__init__.py", "board/__main__.py"):
        (tmp_path / "bench" / name).touch()
    assert tools.benchmarks() == ["board", "quota"]


def test_without_a_word_the_benchmarks_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "quota.py").write_text('"""How much is used.\n\nMore.\n"""\nraise SystemExit("never run")\n')
    assert tools.bench([]) == 0
    assert capsys.readouterr().out == "./run bench quota [--quick]      How much is used.\n"


def test_an_unknown_benchmark_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "quota.py").touch()
    with pytest.raises(Problem) as caught:
        tools.bench(["qouta"])
    assert str(caught.value) == "There is no benchmark qouta: choose one of quota."
