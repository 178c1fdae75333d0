"""Hints to look: send due commands, read the management history, throw old rows away. The work is done elsewhere."""

import logging

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

import eevion
from fleet import commands, gateway, schedule_runs, schedules, timeouts
from fleet.models import Account, ApiCall, RawMessage
from lib import clock

log = logging.getLogger(__name__)


@shared_task
def deliver_due() -> None:
    commands.deliver(now=clock.now())


@shared_task
def fire_schedules() -> None:
    if schedule_runs.fire(clock.now()):
        deliver_due.delay()


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
