"""Secrets made once; the shell's settings kept where they should be and hidden where they should not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from devstack import environment
from devstack.problem import Problem


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = environment.local_secrets(tmp_path / "var")
    assert environment.local_secrets(tmp_path / "var") == first
    assert sorted(first) == ["ENCRYPTION_KEYS", "SECRET_KEY"]
    assert stat.S_IMODE((tmp_path / "var" / "secrets.env").stat().st_mode) == 0o600


def test_what_the_shell_sets_wins_locally(tmp_path: Path) -> None:
    env = environment.for_local(tmp_path, {"PUBLIC_URL": "https://tunnel.example"}, host="127.0.0.1", port=8001)
    assert (env["PUBLIC_URL"], env["LOCAL"], env["DEBUG"]) == ("https://tunnel.example", "1", "0")


def test_the_public_address_is_our_own_by_default(tmp_path: Path) -> None:
    assert environment.for_local(tmp_path, {}, host="::1", port=8001)["PUBLIC_URL"] == "http://[::1]:8001"


def test_every_address_is_reached_on_loopback(tmp_path: Path) -> None:
    env = environment.for_local(tmp_path, {}, host="0.0.0.0", port=8001)  # noqa: S104
    assert (env["PUBLIC_URL"], env["ALLOWED_HOSTS"]) == ("http://127.0.0.1:8001", "localhost,127.0.0.1,[::1]")
    assert environment.address("::", 8001) == "http://[::1]:8001"


def test_the_web_answers_to_itself_to_the_tunnel_and_to_what_is_allowed(tmp_path: Path) -> None:
    given = {"ALLOWED_HOSTS": "box.lan, localhost", "PUBLIC_URL": "https://tunnel.example/"}
    env = environment.for_local(tmp_path, given, host="fd00::7", port=8001)
    assert env["ALLOWED_HOSTS"] == "box.lan,localhost,127.0.0.1,[::1],tunnel.example,[fd00::7]"


def test_tests_do_not_see_the_shells_settings() -> None:
    env = environment.for_tests({"DEMO": "1", "SECRET_KEY": "mine", "PATH": "/bin"})
    assert ("DEMO" in env, env["SECRET_KEY"] == "mine", env["PATH"]) == (False, False, "/bin")


def test_an_environment_file_may_have_comments_and_quotes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("# a comment\n\nONE=1\nTWO='a = b'\n")
    assert environment.read(tmp_path / "file") == {"ONE": "1", "TWO": "a = b"}


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1"])
def test_a_port_that_is_none_gets_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(Problem) as caught:
        environment.port("PORT", 8000)
    assert str(caught.value) == f"PORT must be a number from 1 to 65535, not {text!r}."
