"""One task that takes a while, to see whether it may finish."""

import os
import time
from pathlib import Path

from celery import Celery

app = Celery("house", broker=os.environ["BROKER_URL"])
app.conf.update(task_default_queue="now", broker_connection_retry_on_startup=True)


@app.task
def work(path: str, duration_s: float) -> None:
    Path(f"{path}.begun").touch()
    time.sleep(duration_s)
    Path(f"{path}.done").touch()
