"""Hints to look: send due commands, read the management history, throw old rows away. The work is done elsewhere."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db.models.functions import Now

import eevion
from fleet import (
    claims,
    commands,
    deadlines,
    deliveries,
    gateway,
    guards,
    rollouts,
    schedule_runs,
    schedules,
    senders,
    timeouts,
)
from fleet.budget import Lane
from fleet.models import Account, ApiCall, CommandDraft, RawMessage
from lib import clock

log = logging.getLogger(__name__)


HINT_S = 10  # a hint that nobody took for so long is repeated by the sweep anyway
HANDS = 2  # more tasks that one may call for help where much is due
stopping = threading.Event()  # this worker is asked to end: what runs for long ends now


@worker_shutting_down.connect
def _stop(**_signal: Any) -> None:
    stopping.set()


@shared_task
def deliver_due(more: int = HANDS) -> None:
    """What nobody waits for at a screen. Ends after deliveries.RUN_S, with a hint that the next one goes on."""
    _deliver(Lane.COMMANDS, deliver_due, more)


@shared_task
def deliver_now(more: int = HANDS) -> None:
    """The few calls that a person waits for, by the slots and seats that people have to themselves."""
    _deliver(Lane.PEOPLE, deliver_now, more)


@shared_task
def advance_commands() -> None:
    """What time and outcomes bring about: deadlines, waves and the brake, stations in session, keys that are mended."""
    deliveries.lapse(now=clock.now())
    _each(deadlines.expire, guards.postpone, lambda _now: guards.show_refused_keys(), rollouts.advance)


@shared_task
def fire_schedules() -> None:
    if schedule_runs.fire(clock.now()):
        _hint(deliver_due)


@shared_task
def realign_schedules() -> None:
    schedules.realign(clock.now())


@shared_task
def read_history() -> None:
    for account in Account.objects.select_related("budget").order_by("pk"):
        try:
            commands.read_history(account, clock.now(), speed=clock.speed())
        except (gateway.NoSlot, eevion.EevionError) as error:
            log.warning("the management history of account %s was not read: %s", account.pk, error)
        except Exception:  # one account must never keep the others from their turn
            log.exception("the management history of account %s was not read", account.pk)
    timeouts.look(now=clock.now())


@shared_task
def prune() -> None:
    """What retention no longer keeps: settings.RETENTION."""
    calls, messages = settings.RETENTION["fleet.ApiCall"], settings.RETENTION["fleet.RawMessage"]
    ApiCall.objects.filter(started_at__lt=Now() - calls).delete()
    RawMessage.objects.filter(received_at__lt=clock.now() - messages).delete()
    CommandDraft.objects.filter(created_at__lt=clock.now() - settings.RETENTION["fleet.CommandDraft"]).delete()


def _deliver(lane: Lane, task: Any, more: int) -> None:
    deliveries.lapse(now=clock.now())
    began, crew = time.monotonic(), senders.CREWS[lane]
    waiting = claims.due(lane, crew.threads + 1)
    if waiting > crew.threads and more:
        _hint(task, more - 1)
    work = partial(commands.deliver, clock=clock.now, lane=lane, stop=stopping)
    senders.side_by_side(work, max(1, min(waiting, crew.threads)))
    if time.monotonic() - began >= deliveries.RUN_S and not stopping.is_set():
        _hint(task)  # no gap until the sweep: a slot that comes free in it would be late


def _hint(task: Any, *args: Any) -> None:
    """A broker that is down costs nothing but time: the sweep finds the rows."""
    try:
        task.apply_async(args, expires=HINT_S)
    except Exception as error:
        log.warning("no worker was told of %s: %s", task.name, error)


def _each(*steps: Callable[..., object]) -> None:
    """One step that fails must not keep the others from running."""
    for step in steps:
        try:
            step(clock.now())
        except Exception:
            log.exception("a step of the commands' sweep failed")
