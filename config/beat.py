"""Celery's settings and the static table of what runs when. Running any of these twice at once is harmless."""

import os
from datetime import timedelta

broker_url = os.environ.get("BROKER_URL", "")
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker waits for its broker however long that takes
broker_transport_options = {"socket_connect_timeout": 0.5, "socket_timeout": 5.0, "max_retries": 1, "interval_max": 0.2}
task_publish_retry = False
task_ignore_result = True
task_acks_late = False  # a lost message is found by a sweep; a redelivered one would only look twice
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = False
timezone = "UTC"
task_default_queue = "now"
task_routes = {
    "charging.tasks.start": {"queue": "now"},
    "charging.tasks.stop": {"queue": "now"},
    "charging.tasks.digest": {"queue": "now"},
    "charging.tasks.confirm": {"queue": "now"},
    "charging.tasks.read_due": {"queue": "bulk"},
    "charging.tasks.list_exceptions": {"queue": "bulk"},
    "charging.tasks.mail_receipt": {"queue": "bulk"},
    "charging.tasks.*": {"queue": "now"},
    "fleet.tasks.fire_schedules": {"queue": "now"},
    "fleet.tasks.deliver_now": {"queue": "now"},
    "fleet.tasks.advance_commands": {"queue": "now"},
    "fleet.tasks.*": {"queue": "bulk"},
    "reporting.tasks.*": {"queue": "bulk"},
}


def every(task: str, seconds: float) -> dict[str, object]:
    # A beat message that nobody took within its period is stale: the next one says the same.
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": max(seconds, 2)}}


beat_schedule = {
    "sweep sessions": every("charging.tasks.sweep", 2),
    "read sessions": every("charging.tasks.read_due", 2),
    "weigh sessions": every("charging.tasks.weigh", 20),
    "realign planned starts": every("charging.tasks.realign_plans", 600),
    "digest messages": every("charging.tasks.digest_due", 2),
    "list exceptions": every("charging.tasks.list_exceptions", 60),
    "deliver commands": every("fleet.tasks.deliver_due", 2),
    "deliver people's commands": every("fleet.tasks.deliver_now", 2),
    "advance commands": every("fleet.tasks.advance_commands", 2),
    "fire command schedules": every("fleet.tasks.fire_schedules", 3),
    "realign command schedules": every("fleet.tasks.realign_schedules", 600),
    "read management history": every("fleet.tasks.read_history", 60),
    "observe commands": every("charging.tasks.observe_commands", 60),
    "fill rollups": every("reporting.tasks.fill", 10),
    "fetch the vendor's totals": every("reporting.tasks.fetch_vendor_totals", 900),
    "prune calls and messages": every("fleet.tasks.prune", 3600),
    "prune readings": every("charging.tasks.prune", 3600),
}
