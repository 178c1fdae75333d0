"""What became of the vendor's jobs: a job's word, by webhook or history, is taken in here.

Sending lives in fleet/deliveries.py, reading the history in fleet/job_history.py, jobs of others in
fleet/portal_jobs.py, and what a finished job changes in fleet/job_results.py.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

import eevion
from fleet import items, job_results, notices, portal_jobs
from fleet.models import Account, CommandItem, ManageCall, RawMessage, Station
from fleet.models.command import ItemState

WAITING = (ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED, ItemState.TIMED_OUT)


class WrongJob(Exception):
    """The message came by the URL of one job and speaks of another."""


def settle(*, job: eevion.Job, call: ManageCall | None, now: datetime, account: Account | None = None) -> None:
    """Take in what a job says; a second call with the same job changes nothing, and an older word after the last one
    neither.

    `call` is the attempt that made it; None: somebody else's job, for which `account` must be given. Raises WrongJob.
    """
    document = job_results.plain(job)
    with transaction.atomic():
        if call is None:
            if account is None:
                raise ValueError("a job without a call of ours needs its account")
            portal_jobs.take(account=account, job=job, document=document, now=now)
            return
        locked = ManageCall.objects.select_for_update().get(pk=call.pk)
        if locked.job_id and locked.job_id != job.job_id[:120]:
            raise WrongJob(f"job {job.job_id} was told to the webhook of job {locked.job_id}")
        if locked.settled_at is not None and locked.job == document:
            return
        _take(locked, job, document, now)


def digest_job(*, message: RawMessage, now: datetime) -> None:
    """Take in a job webhook, in the caller's transaction. Raises eevion.UnexpectedPayload and WrongJob."""
    job = eevion.parse_job_webhook(bytes(message.body))
    account = message.token.account
    notices.drift(account=account, document="job", drifts=job.drift)
    settle(account=account, job=job, call=message.token.manage_call, now=now)


def _take(call: ManageCall, job: eevion.Job, document: dict[str, Any], now: datetime) -> None:
    """`call` is locked. It is settled when the vendor has said how each of its items ended."""
    portal_jobs.forget(account_id=call.account_id, job_id=job.job_id)
    call.job_id = job.job_id[:120]
    if job_results.is_news(job, call.job):
        call.job = document
    for item in _items(call, ItemState.SENDING, ItemState.UNKNOWN):
        items.move(item, ItemState.ACCEPTED, now=now)  # the vendor knows the job: nothing is in doubt any more
    if job.is_finished:
        rows = {(item.station_id, item.kind): item for item in _items(call, *job_results.SETTLEABLE)}
        asked = {station.vendor_id: station for station in Station.objects.filter(pk__in=call.station_ids)}
        job_results.take(job, by="us", asked=asked, values=call.values, rows=rows, now=now)
        if not CommandItem.objects.filter(call=call, state__in=WAITING).exists():
            call.settled_at = call.settled_at or now
    call.save(update_fields=["job_id", "job", "settled_at"])


def _items(call: ManageCall, *states: ItemState) -> list[CommandItem]:
    return list(CommandItem.objects.select_for_update().filter(call=call, state__in=states).order_by("pk"))
