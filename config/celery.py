"""Celery: messages are hints to look, never the queue; the rows are (docs/architecture.md)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("chargehand")
app.config_from_object("config.beat")
app.autodiscover_tasks(["fleet", "charging", "reporting"])
