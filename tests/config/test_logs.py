"""What stands in a log: one event a line, with the id of its request, and no token, key or link that opens a door."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest
import structlog

from config import logs
from config.celery import app

TOKEN = "Zm9vYmFyYmF6-quux_0123456789abcdefghijklmno"
SECRETS = [
    f"/hooks/sessions/{TOKEN}",
    f"/hooks/jobs/{TOKEN}",
    f"http://chargehand.example/hooks/exceptions/{TOKEN}?a=1",
    f"/invitations/{TOKEN}/",
    f"/accounts/password/reset/key/1-{TOKEN}/",
    f"ch_live_{TOKEN}",
    f"Bearer ch_live_{TOKEN}",
]


@pytest.mark.parametrize("text", SECRETS)
def test_masked(text: str) -> None:
    assert TOKEN not in logs.masked(f"before {text} after")
    assert logs.masked(f"before {text} after").startswith("before ")
    assert logs.masked(f"before {text} after").endswith(" after")


def written(program: str, **env: str) -> list[dict[str, Any]]:
    """The lines of a process of its own: logging is the whole process's."""
    head = "import logging, structlog; from config import logs; logs.configure(level='INFO', as_json=True)\n"
    command = [sys.executable, "-c", head + program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | env)
    assert TOKEN not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_no_way_into_the_log_goes_past_the_mask() -> None:
    lines = written(
        f"url = '/hooks/sessions/{TOKEN}'\n"
        "logging.getLogger('django.request').warning('Not Found: %s', url)\n"
        "logging.getLogger('gunicorn.error').error('Error handling request %s', url)\n"
        "structlog.get_logger('access').info('request', path=url)\n"
        "try:\n    raise ValueError(url)\n"
        "except ValueError:\n    logging.getLogger('fleet').exception('failed')\n"
    )
    assert [(line["logger"], line["event"]) for line in lines] == [
        ("django.request", "Not Found: /hooks/sessions/***"),
        ("gunicorn.error", "Error handling request /hooks/sessions/***"),
        ("access", "request"),
        ("fleet", "failed"),
    ]
    assert lines[2]["path"] == "/hooks/sessions/***"
    assert "ValueError: /hooks/sessions/***" in lines[3]["exception"]


def test_a_bound_request_id_stands_in_every_line() -> None:
    lines = written(
        "structlog.contextvars.bind_contextvars(request_id='r1')\n"
        "logging.getLogger('a').warning('one')\n"
        "structlog.get_logger('b').info('two')\n"
    )
    assert [line["request_id"] for line in lines] == ["r1", "r1"]
    assert structlog.contextvars.get_contextvars().get("request_id") != "r1"


def test_a_task_names_itself_in_its_lines() -> None:
    @app.task(name="tests.speak")
    def speak() -> dict[str, Any]:
        return dict(structlog.contextvars.get_contextvars())

    try:
        assert speak.apply(task_id="0123456789abcdef-and-more").get() == {
            "request_id": "0123456789abcdef",
            "task": "tests.speak",
        }
    finally:
        app.tasks.unregister("tests.speak")
        structlog.contextvars.clear_contextvars()


def test_a_worker_without_its_database_says_so_in_one_line() -> None:
    """Every task of a minute, as a worker runs them; nobody listens where the database should be."""
    lines = written(
        "import django; django.setup()\n"
        "from charging import tasks\n"
        "from fleet import tasks as fleet_tasks\n"
        "for _ in range(3):\n"
        "    for task in (tasks.sweep, tasks.read_due, tasks.weigh, tasks.digest_due, fleet_tasks.deliver_due):\n"
        "        task.apply()\n",
        DATABASE_URL=f"postgres://nobody@127.0.0.1:{_closed_port()}/none",
        LOG_FORMAT="json",
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert [(line["level"], "exception" in line) for line in lines] == [("warning", False)]
    assert lines[0]["event"].startswith("the database is away, and work goes on when it is back: connection ")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
