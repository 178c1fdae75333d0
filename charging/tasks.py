"""Celery's side of charging: each task looks at rows and calls one domain function. A lost message loses nothing."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import transaction

import eevion
from charging import (
    ends,
    exceptions,
    freshness,
    inbox,
    observing,
    plans,
    read_pace,
    readings,
    receipt_mail,
    rule_watch,
    sessions,
    starts,
    stops,
    unsent,
)
from charging.models import Session
from charging.models.session import StopState
from fleet import gateway, hooks
from fleet.models import Account
from lib import clock

log = logging.getLogger(__name__)
HINT_S = 10  # a hint that nobody took for so long is repeated by the sweep anyway
DIGESTS = 50  # messages in one tick
stopping = threading.Event()  # this worker is asked to end: what runs for long ends now


def hint(task: Any, *args: Any, **kwargs: Any) -> None:
    """Tell a worker to look now. A broker that is down costs nothing but time: the sweep finds the row."""
    try:
        task.apply_async(args, kwargs, expires=HINT_S)
    except Exception as error:
        log.warning("no worker was told of %s: %s", task.name, error)


def nudge(task: Any, *args: Any, **kwargs: Any) -> None:
    """For pages and the API: `hint` once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: hint(task, *args, **kwargs))


@worker_shutting_down.connect
def _stop(**_signal: Any) -> None:
    stopping.set()


@shared_task
def start(session_id: int) -> None:
    sessions.send_start(session_id, clock.now)


@shared_task
def stop(session_id: int) -> None:
    sessions.send_stop(session_id, clock.now)


@shared_task
def confirm(session_id: int) -> None:
    session = sessions.read(session_id, clock.now)
    if session is not None:
        _heard(session)


@shared_task
def digest(message_id: int) -> None:
    session = inbox.digest(message_id, clock.now())
    if session is not None:
        hint(confirm, session.pk)


@shared_task
def sweep() -> None:
    """Find what hints missed, and what its worker left behind."""
    _each(unsent.give_up, starts.settle_stale, stops.settle_stale, starts.release_blocks)
    _each(ends.look_at_lapsed_starts, ends.follow_given_up, ends.reap)
    _each(stops.find_ignored, rule_watch.look, plans.fall_due, plans.start_due)
    for session_id in starts.due():
        hint(start, session_id)
    for session_id in stops.due():
        hint(stop, session_id)
    for link_id in receipt_mail.due():
        hint(mail_receipt, link_id)


@shared_task
def realign_plans() -> None:
    plans.realign(clock.now())


@shared_task
def read_due() -> None:
    """Runs for a minute and hands over to the next; while it runs, another returns at once."""
    if read_pace.run(clock.now, stop=stopping, heard=_heard) and not stopping.is_set():
        hint(read_due)


@shared_task
def weigh() -> None:
    freshness.weigh_all(clock.now())
    freshness.widen()


@shared_task
def digest_due() -> None:
    for message in hooks.due(DIGESTS):
        session = inbox.digest(message.pk, clock.now())
        if session is not None:
            hint(confirm, session.pk)


@shared_task
def list_exceptions() -> None:
    for account in Account.objects.filter(stations__isnull=False).distinct():
        try:
            exceptions.list_all(account, clock.now())
        except (gateway.NoSlot, eevion.EevionError) as error:
            log.warning("exceptions of account %s could not be listed: %s", account.pk, error)
        except Exception:  # one account must never keep the others from their turn
            log.exception("exceptions of account %s could not be listed", account.pk)


@shared_task
def observe_commands() -> None:
    observing.look(clock.now())


@shared_task
def mail_receipt(link_id: int) -> None:
    receipt_mail.send(link_id, clock.now)


@shared_task
def prune() -> None:
    before = clock.now() - settings.RETENTION["charging.Reading"]
    while readings.prune(before):
        pass


def _heard(session: Session) -> None:
    """A stop that the reading showed not to have come through need not wait for the sweep."""
    if session.stop_state == StopState.WANTED:
        hint(stop, session.pk)


def _each(*steps: Callable[..., object]) -> None:
    """One step that fails must not keep the others from running."""
    for step in steps:
        try:
            step(clock.now())
        except Exception:
            log.exception("a step of the sweep failed")
