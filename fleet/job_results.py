"""What a finished job says of each station and command, and what that does to items and settings.

Whose job it was lives in fleet/jobs.py (ours) and fleet/portal_jobs.py (not ours).
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

import eevion
from fleet import items, stations
from fleet.models import CommandItem, Station, StationSetting, Tariff
from fleet.models.command import ItemState
from fleet.models.station import CommandKind
from fleet.observations import OBSERVABLE

# Our own codes beside the vendor's (fleet/items.py has the others).
NO_REASON = "no_reason"
NO_WORD = "no_word"
# From these an item may still be settled by a job: a late success after a failure or a timeout is a normal move.
SETTLEABLE = (ItemState.ACCEPTED, ItemState.TIMED_OUT, ItemState.FAILED)
AHEAD = timedelta(minutes=5)  # the vendor's clock may be ahead of ours by so much; a later end cannot be
SAID = {eevion.JobStatus.SUCCEEDED: True, eevion.JobStatus.FAILED: False}


@dataclass(frozen=True)
class Outcome:
    """What one station did with one command; ok None: the job ended without a word about it."""

    vendor_id: str
    kind: str
    value: str
    ok: bool | None
    error: str = ""
    error_code: str = ""


def plain(job: eevion.Job) -> dict[str, Any]:
    """The document as JSON that the database takes: its Decimals become numbers."""
    document: dict[str, Any] = json.loads(eevion.dump(job.raw))
    return document


def is_news(job: eevion.Job, kept: dict[str, Any] | None) -> bool:
    """Whether this word of a job replaces the one that is kept: the last word is not replaced by an earlier one."""
    if kept is None or job.is_finished:
        return True
    return not eevion.parse_job_webhook(json.dumps(kept).encode()).is_finished


def values_of(job: eevion.Job) -> dict[str, str]:
    """The commands of a job, in the contract's words."""
    said = {
        CommandKind.TARIFF.value: job.tariff_id,
        CommandKind.PRIORITY_STATUS.value: job.priority_status,
        CommandKind.MESSAGE.value: job.set_message,
    }
    return {kind: value for kind, value in said.items() if value is not None}


def outcomes(job: eevion.Job, *, vendor_ids: Collection[str], values: Mapping[str, str]) -> list[Outcome]:
    """What a finished job says of these stations and commands, its results first, else its own status."""
    results = {(result.station_id, result.command): result for result in job.results}
    whole = SAID.get(job.status) if job.status else None
    found = []
    for vendor_id in vendor_ids:
        for kind, value in values.items():
            result = results.get((vendor_id, kind))
            if result is None:
                found.append(Outcome(vendor_id, kind, value, whole))
                continue
            ok = SAID.get(result.status) if result.status else None
            error = ": ".join(filter(None, (result.error_code, result.error_message)))
            found.append(Outcome(vendor_id, kind, value, ok, error, result.error_code or ""))
    return found


def take(
    job: eevion.Job,
    *,
    by: str,
    asked: Mapping[str, Station],
    values: Mapping[str, str],
    rows: Mapping[tuple[int, str], CommandItem],
    now: datetime,
) -> None:
    """Settle items by a finished job and note what the stations have now. The same job again changes nothing.

    `by` is "us" or "portal", `asked` maps the vendor's ids to stations, `rows` the items by station and kind, locked.
    The caller holds the transaction.
    """
    said_at = job.finished_at if job.finished_at is not None and job.finished_at <= now + AHEAD else None
    # In the order of the rows, so that two jobs about the same stations do not wait for each other.
    names = sorted(asked, key=lambda name: asked[name].pk)
    chosen = StationSetting.objects.filter(station__in=asked.values(), kind__in=values)
    list(chosen.select_for_update().order_by("pk").values_list("pk"))  # the order of whoever wants or cancels many
    for outcome in outcomes(job, vendor_ids=names, values=values):
        station = asked[outcome.vendor_id]
        if outcome.ok:
            _finish(station, outcome, said_at or min(job.created_at or now, now), by, now)
        item = rows.get((station.pk, outcome.kind))
        if item is not None and item.state in SETTLEABLE:
            _settle(item, outcome, said_at or now, now)


def _settle(item: CommandItem, outcome: Outcome, ended_at: datetime, now: datetime) -> None:
    ended: dict[str, Any] = {"finished_at": ended_at, "look_due": item.kind in OBSERVABLE}
    if outcome.ok:
        late = item.state != ItemState.ACCEPTED
        state = ItemState.FINISHED_LATE if late else ItemState.FINISHED
        items.move(item, state, now=now, **ended)
    elif outcome.ok is False and item.state != ItemState.FAILED:
        error = outcome.error or _("the vendor gave no reason")
        code = outcome.error_code or NO_REASON
        items.move(item, ItemState.FAILED, now=now, error=error, error_code=code, **ended)
    elif outcome.ok is None and item.state == ItemState.ACCEPTED:
        # Neither done nor failed: it was accepted, and the word that should have come did not.
        error = _("the job ended without a word about this station")
        items.move(item, ItemState.TIMED_OUT, now=now, error=error, error_code=NO_WORD)


def _finish(station: Station, outcome: Outcome, when: datetime, by: str, now: datetime) -> None:
    """The station has the value now, unless a later job has said otherwise; that it did the job is a sign of life."""
    stations.report(station_id=station.pk, seen_at=min(when, now))
    StationSetting.objects.bulk_create([StationSetting(station=station, kind=outcome.kind)], ignore_conflicts=True)
    earlier = StationSetting.objects.filter(Q(finished_at=None) | Q(finished_at__lte=when), station=station)
    changed = earlier.filter(kind=outcome.kind).update(
        finished_value=outcome.value, finished_at=when, finished_by=by, seen_otherwise=False
    )
    if changed and outcome.kind == CommandKind.TARIFF:
        tariff = Tariff.objects.filter(account_id=station.account_id, fee_id=outcome.value).first()
        if tariff is not None:
            Station.objects.filter(pk=station.pk).update(tariff=tariff)
