"""What became of the vendor's jobs, ours and the portal's: by their webhook, or by the management history.

Sending lives in fleet/deliveries.py.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from fleet import gateway, items, notices, stations
from fleet.models import Account, ApiCall, CommandItem, ManageCall, RawMessage, Station, StationSetting, Tariff
from fleet.models.command import ItemState
from fleet.models.station import CommandKind

HISTORY_EVERY = timedelta(minutes=15)  # when nothing of ours is open: for what people do in the portal
HISTORY_FIRST = timedelta(days=1)
SKEW = timedelta(minutes=5)  # the vendor's clock may differ from ours by so much
PAGES = 50
PATIENCE_S = 20.0
ENDPOINT = "history"


class WrongJob(Exception):
    """The message came by the URL of one job and speaks of another."""


@dataclass(frozen=True)
class Outcome:
    """What one station did with one command; ok None: the job ended without a word about it."""

    vendor_id: str
    kind: str
    value: str
    ok: bool | None
    error: str


def values_of(job: eevion.Job) -> dict[str, str]:
    """The commands of a job, in the contract's words."""
    said = {
        CommandKind.TARIFF.value: job.tariff_id,
        CommandKind.PRIORITY_STATUS.value: job.priority_status,
        CommandKind.MESSAGE.value: job.set_message,
    }
    return {kind: value for kind, value in said.items() if value is not None}


def outcomes(job: eevion.Job, *, vendor_ids: list[str], values: dict[str, str]) -> list[Outcome]:
    """What a finished job says of these stations and commands, its results first, else its own status."""
    results = {(result.station_id, result.command): result for result in job.results}
    whole = {eevion.JobStatus.SUCCEEDED: True, eevion.JobStatus.FAILED: False}.get(job.status) if job.status else None
    found = []
    for vendor_id in vendor_ids:
        for kind, value in values.items():
            result = results.get((vendor_id, kind))
            if result is None:
                found.append(Outcome(vendor_id, kind, value, whole, ""))
                continue
            said = {eevion.JobStatus.SUCCEEDED: True, eevion.JobStatus.FAILED: False}
            ok = said.get(result.status) if result.status else None
            error = ": ".join(filter(None, (result.error_code, result.error_message)))
            found.append(Outcome(vendor_id, kind, value, ok, error))
    return found


def settle(*, job: eevion.Job, call: ManageCall | None, now: datetime, account: Account | None = None) -> None:
    """Take in what a job says; a second call with the same job changes nothing.

    `call` is the attempt that made it; None: the portal's, for which `account` must be given. Raises WrongJob.
    """
    with transaction.atomic():
        if call is None:
            if account is None:
                raise ValueError("a job without a call of ours needs its account")
            _settle_foreign(account, job, now)
            return
        locked = ManageCall.objects.select_for_update().get(pk=call.pk)
        if locked.job_id and locked.job_id != job.job_id[:120]:
            raise WrongJob(f"job {job.job_id} was told to the webhook of job {locked.job_id}")
        document = _plain(job)
        if locked.settled_at is not None and locked.job == document:
            return
        locked.job_id = job.job_id[:120]
        locked.job = document
        _accept(locked, now)
        if job.is_finished:
            _settle_own(locked, job, now)
            locked.settled_at = locked.settled_at or now
        locked.save(update_fields=["job_id", "job", "settled_at"])


def digest_job(*, message: RawMessage, now: datetime) -> None:
    """Take in a job webhook, in the caller's transaction. Raises eevion.UnexpectedPayload and WrongJob."""
    job = eevion.parse_job_webhook(bytes(message.body))
    account = message.token.account
    notices.drift(account=account, document="job", drifts=job.drift)
    settle(account=account, job=job, call=message.token.manage_call, now=now)


def read_history(account: Account, now: datetime, *, speed: float = 1.0) -> int:
    """Ask for all jobs since the oldest open call, where there is one or the last look is long ago. Returns jobs seen.

    `speed` is business seconds per wall second. Raises the gateway's and eevion's errors: only a
    complete reading proves that a job is absent.
    """
    open_calls = list(_open(account).select_related("token"))
    since = _since(account, open_calls, now, speed)
    if since is None:
        return 0
    # Whose answer may still be on its way is not looked for yet: the read must begin after attempt and timeout.
    unknown = CommandItem.objects.filter(call=OuterRef("pk"), state=ItemState.UNKNOWN)
    young = unknown.filter(due_at__gt=Now())
    ripe = list(_open(account).filter(Exists(unknown), ~Exists(young)))
    jobs = _read(account, since)
    for job in sorted(jobs, key=lambda job: (job.created_at is None, job.created_at, job.job_id)):
        settle(account=account, job=job, call=_call_of(account, job), now=now)
    for call in ripe:
        _repeat_absent(call, now)
    return len(jobs)


def _open(account: Account) -> "QuerySet[ManageCall]":
    """Attempts of which a word of the vendor may still be expected."""
    states = (ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED)
    items_open = CommandItem.objects.filter(call=OuterRef("pk"), state__in=states)
    return ManageCall.objects.filter(Exists(items_open), account=account, settled_at=None).order_by("pk")


def _since(account: Account, open_calls: list[ManageCall], now: datetime, speed: float) -> datetime | None:
    """From when on to ask, by the vendor's clock; None: no need to ask."""
    newest = ApiCall.objects.filter(account=account, endpoint=ENDPOINT, outcome="ok").order_by("-started_at")
    ago = newest.annotate(ago=Now() - F("started_at")).values_list("ago", flat=True).first()
    if open_calls:
        return min(call.token.created_at for call in open_calls) - SKEW
    if ago is None:
        return now - HISTORY_FIRST
    return now - ago * speed - SKEW if ago >= HISTORY_EVERY else None


def _read(account: Account, since: datetime) -> list[eevion.Job]:
    """All pages. A cursor that comes again, or no end in sight, is an unusable answer."""
    jobs: list[eevion.Job] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _page in range(PAGES):
        page = gateway.call(
            account=account,
            lane=gateway.Lane.HISTORY,
            why="management history",
            endpoint=ENDPOINT,
            request=lambda client, cursor=cursor: client.list_jobs(since=since, cursor=cursor),  # type: ignore[misc]
            patience_s=PATIENCE_S,
        )
        jobs += page.jobs
        cursor = page.next_cursor
        if cursor is None:
            return jobs
        if cursor in seen:
            break
        seen.add(cursor)
    raise eevion.UnexpectedPayload("The management history has no end.")


def _call_of(account: Account, job: eevion.Job) -> ManageCall | None:
    """The attempt that made this job: by its id, else the oldest one without an answer that asked for just this."""
    mine = ManageCall.objects.filter(account=account)
    known = mine.filter(job_id=job.job_id[:120]).first()
    if known is not None or job.source == eevion.JobSource.PORTAL:
        return known
    unanswered = mine.filter(Q(items__state=ItemState.UNKNOWN), job_id="", settled_at=None, values=values_of(job))
    for call in unanswered.select_related("token").distinct().order_by("pk"):
        names = set(Station.objects.filter(pk__in=call.station_ids).values_list("vendor_id", flat=True))
        is_later = job.created_at is None or job.created_at >= call.token.created_at - SKEW
        if is_later and names == set(job.station_ids):
            return call
    return None


def _repeat_absent(call: ManageCall, now: datetime) -> None:
    """The vendor does not know the job, so the call never arrived: the items are sent again."""
    with transaction.atomic():
        locked = ManageCall.objects.select_for_update().get(pk=call.pk)
        if locked.job_id or locked.settled_at is not None:
            return
        for item in _items(locked, ItemState.UNKNOWN):
            items.queue_again(item, now=now, error="not in the vendor's history: sent again")
        locked.settled_at = now
        locked.error = "not in the vendor's history"
        locked.save(update_fields=["settled_at", "error"])


def _accept(call: ManageCall, now: datetime) -> None:
    """The vendor knows the job: nothing of it is in doubt any more."""
    for item in _items(call, ItemState.SENDING, ItemState.UNKNOWN):
        items.move(item, ItemState.ACCEPTED, now=now)


def _settle_own(call: ManageCall, job: eevion.Job, now: datetime) -> None:
    asked = {station.vendor_id: station for station in Station.objects.filter(pk__in=call.station_ids)}
    open_states = (ItemState.ACCEPTED, ItemState.TIMED_OUT, ItemState.FAILED)
    mine = {(item.station_id, item.kind): item for item in _items(call, *open_states)}
    when = job.finished_at or job.created_at or now
    for outcome in outcomes(job, vendor_ids=list(asked), values=call.values):
        station = asked[outcome.vendor_id]
        item = mine.get((station.pk, outcome.kind))
        if outcome.ok:
            _finish(station, outcome, when, "us", now)
        if item is None:
            continue
        if outcome.ok:
            late = item.state in (ItemState.FAILED, ItemState.TIMED_OUT)
            items.move(item, ItemState.FINISHED_LATE if late else ItemState.FINISHED, now=now)
        elif outcome.ok is False and item.state != ItemState.FAILED:
            items.move(item, ItemState.FAILED, now=now, error=outcome.error or _("the vendor gave no reason"))
        elif outcome.ok is None:
            CommandItem.objects.filter(pk=item.pk).update(error=_("the job ended without a word about this station"))


def _settle_foreign(account: Account, job: eevion.Job, now: datetime) -> None:
    """A job of the portal, or of another user of the key. Without a time it cannot be put in order, so it is left."""
    when = job.finished_at or job.created_at
    known = {
        station.vendor_id: station for station in Station.objects.filter(account=account, vendor_id__in=job.station_ids)
    }
    for vendor_id in job.station_ids:
        if vendor_id not in known:
            notices.unknown_station(account=account, vendor_id=vendor_id, seen_in="history", now=now)
    if when is None or not job.is_finished:
        return
    for outcome in outcomes(job, vendor_ids=list(known), values=values_of(job)):
        if outcome.ok:
            _finish(known[outcome.vendor_id], outcome, when, "portal", now)


def _finish(station: Station, outcome: Outcome, when: datetime, by: str, now: datetime) -> None:
    """The station has the value now, unless a later job has said otherwise; that it did the job is a sign of life."""
    stations.report(station_id=station.pk, seen_at=min(when, now))
    StationSetting.objects.bulk_create([StationSetting(station=station, kind=outcome.kind)], ignore_conflicts=True)
    earlier = StationSetting.objects.filter(Q(finished_at=None) | Q(finished_at__lte=when), station=station)
    changed = earlier.filter(kind=outcome.kind).update(finished_value=outcome.value, finished_at=when, finished_by=by)
    if changed and outcome.kind == CommandKind.TARIFF:
        tariff = Tariff.objects.filter(account_id=station.account_id, fee_id=outcome.value).first()
        if tariff is not None:
            Station.objects.filter(pk=station.pk).update(tariff=tariff)


def _items(call: ManageCall, *states: ItemState) -> list[CommandItem]:
    return list(CommandItem.objects.select_for_update().filter(call=call, state__in=states).order_by("pk"))


def _plain(job: eevion.Job) -> dict[str, object]:
    """The document as JSON that the database takes: its Decimals become numbers."""
    plain: dict[str, object] = json.loads(eevion.dump(job.raw))
    return plain
