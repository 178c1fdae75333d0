"""Celery: messages are hints to look, never the queue; the rows are (docs/architecture.md)."""

import os
from typing import Any

import structlog
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("chargehand")
app.config_from_object("config.beat")
app.autodiscover_tasks(["fleet", "charging", "reporting"])


@signals.task_prerun.connect
def name_the_work(task_id: str, task: Any, **_more: Any) -> None:
    """A task's lines carry its id and name, as those of a request carry the request's."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=task_id[:16], task=task.name)
