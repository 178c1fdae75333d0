"""What Celery asks of a Django project before it works."""

SECRET_KEY = "for-tests-only"
