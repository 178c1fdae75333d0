"""Ports and servers of the stack. The whole of it runs in the browser tests."""

from __future__ import annotations

import os
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from devstack.net import free_port, require_port
from devstack.problem import Problem
from devstack.stack import Stack


def test_a_taken_port_gets_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Problem) as caught:
            require_port("127.0.0.1", port, "PORT")
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use): stop the program that has it, "
        f"or choose another, as in PORT={port + 1} ./run."
    )


def test_a_free_port_passes() -> None:
    require_port("127.0.0.1", free_port("127.0.0.1"), "PORT")


class Stranger(BaseHTTPRequestHandler):
    """Somebody else's server, which answers everything with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


def test_another_server_on_our_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        stack = Stack(tmp_path, port=other.server_port, sandbox=None)
        try:
            assert not stack.is_ready()
        finally:
            stack.stop()
            other.shutdown()


def test_private_servers_ignore_the_shells_and_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@127.0.0.1:9/else")
    stack = Stack(tmp_path / "deep" / ("x" * 90), sandbox=None)
    try:
        assert stack.start_servers()
        with psycopg.connect(stack.env["DATABASE_URL"]) as link:
            row = link.execute(
                "select current_user, inet_server_addr(), current_setting('listen_addresses')"
            ).fetchone()
        assert row == ("app", None, "")
        pids = [stack.supervisor.pid(name) for name in ("postgres", "valkey")]
        assert stack.cluster is not None
        assert stack.broker is not None
        sockets = [stack.cluster.sockets, stack.broker.socket.parent]
    finally:
        stack.stop()
    assert [pid for pid in pids if pid is None or Path(f"/proc/{pid}").exists()] == []
    assert [path for path in sockets if path.exists()] == []
    assert os.environ["DATABASE_URL"] == "postgresql://somebody@127.0.0.1:9/else"
