"""Reads the vendor's management history: one call for all open jobs, the net under every lost job webhook.

It also settles calls without an answer, and brings the jobs of others. What a job's word changes: fleet/jobs.py.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

import eevion
from fleet import gateway, items, job_results, jobs, portal_jobs
from fleet.models import Account, ApiCall, Command, CommandItem, ManageCall, Station
from fleet.models.command import ItemState

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=15)  # wall; when nothing is open: for what people do in the portal
FIRST = timedelta(days=1)
FOLLOWED = timedelta(days=1)  # business time; for so long a word is still hoped for after a timeout
SKEW = timedelta(minutes=5)  # the vendor's clock may differ from ours by so much
PAGES = 50
PATIENCE_S = 20.0
ENDPOINT = "history"
WHY = "management history"
COMPLETE = "management history, read to its end"  # stands at the first page of such a reading


class _NotYet(Exception):
    """The job may be that of a call whose answer is on its way: the next reading tells."""


def read_history(account: Account, now: datetime, *, speed: float = 1.0) -> int:
    """Ask for all jobs since the last complete reading and the oldest open call, where something is open or that
    reading is long ago. Returns jobs seen.

    `speed` is business seconds per wall second. Raises the gateway's and eevion's errors: only a complete reading
    proves that a job is absent.
    """
    open_calls = list(_open(account, now).select_related("token"))
    since = _since(account, open_calls, now, speed)
    if since is None:
        return 0
    ripe = _ripe(account)
    newest = ApiCall.objects.filter(account=account, why=WHY).aggregate(pk=Max("pk"))["pk"] or 0
    seen = _read(account, since)
    taken = [_take(account, job, now) for job in sorted(_news(account, seen), key=_born)]
    for call in ripe:
        _repeat_absent(call, now)
    if all(taken):
        first = ApiCall.objects.filter(account=account, why=WHY, pk__gt=newest).order_by("pk")
        ApiCall.objects.filter(pk__in=first.values("pk")[:1]).update(why=COMPLETE)
    return len(seen)


def _news(account: Account, seen: Sequence[eevion.Job]) -> list[eevion.Job]:
    """Without those that say what is written down already: a reading during a large command repeats hundreds."""
    ids = [job.job_id[:120] for job in seen]
    kept: dict[str, Any] = {}
    for rows in (ManageCall.objects, Command.objects):
        kept.update(rows.filter(account=account, job_id__in=ids).values_list("job_id", "job"))
    return [job for job in seen if kept.get(job.job_id[:120]) != job_results.plain(job)]


def _born(job: eevion.Job) -> tuple[bool, str, str]:
    return job.created_at is None, job.created_at.isoformat() if job.created_at else "", job.job_id


def _take(account: Account, job: eevion.Job, now: datetime) -> bool:
    """False: it must be looked at again. One job that cannot be stored never keeps the others from being taken."""
    try:
        jobs.settle(account=account, job=job, call=_call_of(account, job), now=now)
    except _NotYet:
        return False
    except (jobs.WrongJob, DataError, IntegrityError, ValueError):
        log.exception("job %s of account %s could not be taken in", job.job_id, account.pk)
    return True


def _open(account: Account, now: datetime) -> "QuerySet[ManageCall]":
    """Attempts of which a word of the vendor may still be expected."""
    waiting = Q(state__in=(ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED))
    late = Q(state=ItemState.TIMED_OUT, timed_out_at__gt=now - FOLLOWED)
    open_items = CommandItem.objects.filter(waiting | late, call=OuterRef("pk"))
    return ManageCall.objects.filter(Exists(open_items), account=account, settled_at=None).order_by("pk")


def _ripe(account: Account) -> list[ManageCall]:
    """Calls whose answer can no longer be on its way: a reading that begins now proves whether they arrived."""
    unknown = CommandItem.objects.filter(call=OuterRef("pk"), state=ItemState.UNKNOWN)
    young = unknown.filter(due_at__gt=Now())
    calls = ManageCall.objects.filter(Exists(unknown), ~Exists(young), account=account, settled_at=None)
    return list(calls.order_by("pk"))


def _since(account: Account, open_calls: list[ManageCall], now: datetime, speed: float) -> datetime | None:
    """From when on to ask, by the vendor's clock; None: no need to ask."""
    complete = ApiCall.objects.filter(account=account, why=COMPLETE).order_by("-started_at")
    ago = complete.annotate(ago=Now() - F("started_at")).values_list("ago", flat=True).first()
    begins = [call.token.created_at for call in open_calls]
    begins += portal_jobs.followed(account, now).values_list("requested_at", flat=True)
    if not begins and ago is not None and ago < EVERY:
        return None
    begins.append(now - FIRST if ago is None else now - ago * speed)
    return min(begins) - SKEW


def _read(account: Account, since: datetime) -> list[eevion.Job]:
    """All pages. A cursor that comes again, or no end in sight, is an unusable answer."""
    found: list[eevion.Job] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _page in range(PAGES):
        page = gateway.call(
            account=account,
            lane=gateway.Lane.HISTORY,
            why=WHY,
            endpoint=ENDPOINT,
            request=lambda client, cursor=cursor: client.list_jobs(since=since, cursor=cursor),  # type: ignore[misc]
            patience_s=PATIENCE_S,
        )
        found += page.jobs
        cursor = page.next_cursor
        if cursor is None:
            return found
        if cursor in seen:
            break
        seen.add(cursor)
    raise eevion.UnexpectedPayload("The management history has no end.")


def _call_of(account: Account, job: eevion.Job) -> ManageCall | None:
    """The attempt that made this job: by its id, else the oldest one without an answer that asked for just this.
    None: it is not ours. Raises _NotYet while one is being sent that asks for just this."""
    mine = ManageCall.objects.filter(account=account)
    alike = []
    if job.source != eevion.JobSource.PORTAL:
        # Looked at before the ids are: an answer that is written down in between is then seen there.
        unanswered = mine.filter(items__state__in=(ItemState.UNKNOWN, ItemState.SENDING), job_id="", settled_at=None)
        alike = [call for call in unanswered.select_related("token").distinct().order_by("pk") if _is_alike(call, job)]
    known = mine.filter(job_id=job.job_id[:120]).first()
    if known is not None or not alike:
        return known
    for call in alike:
        if CommandItem.objects.filter(call=call, state=ItemState.UNKNOWN).exists():
            return call
    raise _NotYet


def _is_alike(call: ManageCall, job: eevion.Job) -> bool:
    if _bare(call.values) != _bare(job_results.values_of(job)):
        return False
    names = set(Station.objects.filter(pk__in=call.station_ids).values_list("vendor_id", flat=True))
    is_later = job.created_at is None or job.created_at >= call.token.created_at - SKEW
    return is_later and names == set(job.station_ids)


def _bare(values: Mapping[str, str]) -> dict[str, str]:
    """The vendor may have trimmed a text; for that nothing is sent twice."""
    return {kind: " ".join(value.split()) for kind, value in values.items()}


def _repeat_absent(call: ManageCall, now: datetime) -> None:
    """The vendor does not know the job, so the call never arrived: the items are sent again."""
    with transaction.atomic():
        locked = ManageCall.objects.select_for_update().get(pk=call.pk)
        if locked.job_id or locked.settled_at is not None:
            return
        unknown = CommandItem.objects.select_for_update().filter(call=locked, state=ItemState.UNKNOWN)
        for item in unknown.order_by("pk"):
            items.queue_again(item, now=now, error="not in the vendor's history: sent again")
        locked.settled_at = now
        locked.error = "not in the vendor's history"
        locked.save(update_fields=["settled_at", "error"])
