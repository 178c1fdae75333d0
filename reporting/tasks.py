"""What beat starts for the reports; thin."""

import logging

from celery import shared_task

import eevion
from fleet import gateway
from fleet.models import Account
from lib import clock
from reporting import rollups, vendor_totals

log = logging.getLogger(__name__)


@shared_task
def fill() -> None:
    rollups.fill(clock.now())


@shared_task
def fetch_vendor_totals() -> None:
    for account in Account.objects.select_related("budget").order_by("id"):
        try:
            vendor_totals.fetch(account, clock.now())
        except (gateway.NoSlot, eevion.EevionError) as error:
            log.warning("totals of account %s not fetched: %s; tried again next time", account.pk, error)
        except Exception:  # one account must never keep the others from their turn
            log.exception("totals of account %s not fetched; tried again next time", account.pk)
