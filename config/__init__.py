"""The roof. Importing it makes our Celery app the default one, so that web processes know the broker too."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
