"""Reads the vendor's management history: one call for all open jobs, the net under every lost job webhook.

It also settles calls without an answer, and brings the jobs of others. What a job's word changes: fleet/jobs.py.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

import eevion
from fleet import gateway, items, job_owners, job_results, jobs, portal_jobs
from fleet.models import Account, ApiCall, Command, CommandItem, ManageCall
from fleet.models.command import ItemState
from lib import advisory
from lib.advisory import Lock

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=15)  # wall; when nothing is open: for what people do in the portal
FIRST = timedelta(days=1)
FOLLOWED = timedelta(days=1)  # business time; for so long a word is still hoped for after a timeout
PAGES = 1000  # however few jobs the vendor puts on a page: a reading that is cut short is never complete
PATIENCE_S = 20.0
SEAT = Lock.HISTORY_READER  # with an account's id
ENDPOINT = "history"
WHY = "management history"
COMPLETE = "management history, read to its end"  # stands at the first page of such a reading


def read_history(account: Account, now: datetime, *, speed: float = 1.0) -> int:
    """Ask for all jobs since the last complete reading and the oldest open call, where something is open or that
    reading is long ago. Returns jobs seen; 0 as well while another one reads this account.

    `speed` is business seconds per wall second. Raises the gateway's and eevion's errors: only a complete reading
    proves that a job is absent.
    """
    # The one reader of an account: two would take each other's slots.
    with advisory.held(SEAT, account.pk) as seated:
        return _read(account, now, speed) if seated else 0


def _read(account: Account, now: datetime, speed: float) -> int:
    """What a page says is taken in as it comes, so that a reading that breaks off was not for nothing."""
    open_calls = list(_open(account, now).select_related("token"))
    since = _since(account, open_calls, now, speed)
    if since is None:
        return 0
    ripe = _ripe(account)
    newest = ApiCall.objects.filter(account=account, why=WHY).aggregate(pk=Max("pk"))["pk"] or 0
    seen, is_whole = 0, True
    for page in _pages(account, since):
        seen += len(page)
        taken = [_take(account, job, now) for job in sorted(_news(account, page), key=_born)]
        is_whole = is_whole and all(taken)
    for call in ripe:
        _repeat_absent(call, now)
    if is_whole:
        first = ApiCall.objects.filter(account=account, why=WHY, pk__gt=newest).order_by("pk")
        ApiCall.objects.filter(pk__in=first.values("pk")[:1]).update(why=COMPLETE)
    return seen


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
        jobs.settle(account=account, job=job, call=job_owners.call_of(account, job), now=now)
    except job_owners.NotYet:
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
    return min(begins) - job_owners.skew(account)


def _pages(account: Account, since: datetime) -> Iterator[Sequence[eevion.Job]]:
    """A cursor that comes again, or no end in sight, is an unusable answer.

    While commands wait, this lane has one slot of its own: the next page is then waited for as long as a window lasts.
    """
    cursor: str | None = None
    seen: set[str] = set()
    patience_s = PATIENCE_S
    for _page in range(PAGES):
        page = gateway.call(
            account=account,
            lane=gateway.Lane.HISTORY,
            why=WHY,
            endpoint=ENDPOINT,
            request=lambda client, cursor=cursor: client.list_jobs(since=since, cursor=cursor),  # type: ignore[misc]
            patience_s=patience_s,
        )
        yield page.jobs
        cursor, patience_s = page.next_cursor, account.budget.window_s + PATIENCE_S
        if cursor is None:
            return
        if cursor in seen:
            break
        seen.add(cursor)
    raise eevion.UnexpectedPayload("The management history has no end.")


def _repeat_absent(call: ManageCall, now: datetime) -> None:
    """The call never arrived: the items are sent again."""
    with transaction.atomic():
        locked = ManageCall.objects.select_for_update().get(pk=call.pk)
        if locked.job_id or locked.settled_at is not None:
            return
        unknown = CommandItem.objects.select_for_update().filter(call=locked, state=ItemState.UNKNOWN)
        for item in unknown.order_by("pk"):
            # A request was spent on it already: those that had none yet do not wait for its second one.
            items.queue_again(item, now=now, first=False, error="not in the vendor's history: sent again")
        locked.settled_at = now
        locked.error = "not in the vendor's history"
        locked.save(update_fields=["settled_at", "error"])
