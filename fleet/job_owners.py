"""Whose a job of the management history is: made by a call of ours, or by somebody else. Reads only."""

import json
from collections.abc import Mapping
from datetime import timedelta

import eevion
from fleet import job_results
from fleet.models import Account, CommandItem, ManageCall, Station
from fleet.models.command import ItemState

SKEW = timedelta(minutes=5)  # the vendor's clock may differ from ours by so much
JOBS_TO_JUDGE_BY = 10


def skew(account: Account) -> timedelta:
    """How far the vendor's clock may be from ours: twice what its last jobs showed and a minute, SKEW at most."""
    known = ManageCall.objects.filter(account=account, job__isnull=False).select_related("token").order_by("-pk")
    jobs = [(call, eevion.parse_job_webhook(json.dumps(call.job).encode())) for call in known[:JOBS_TO_JUDGE_BY]]
    gaps = [abs(job.created_at - call.token.created_at) for call, job in jobs if job.created_at is not None]
    return min(SKEW, 2 * max(gaps) + timedelta(minutes=1)) if len(gaps) == JOBS_TO_JUDGE_BY else SKEW


class NotYet(Exception):
    """The job may be that of a call whose answer is on its way: the next reading tells."""


def call_of(account: Account, job: eevion.Job) -> ManageCall | None:
    """The attempt that made this job: by its id, else the oldest one without an answer that asked for just this.
    None: it is not ours. Raises NotYet while one is being sent that asks for just this."""
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
    raise NotYet


def _is_alike(call: ManageCall, job: eevion.Job) -> bool:
    if _bare(call.values) != _bare(job_results.values_of(job)):
        return False
    names = set(Station.objects.filter(pk__in=call.station_ids).values_list("vendor_id", flat=True))
    is_later = job.created_at is None or job.created_at >= call.token.created_at - SKEW
    return is_later and names == set(job.station_ids)


def _bare(values: Mapping[str, str]) -> dict[str, str]:
    """The vendor may have trimmed a text; for that nothing is sent twice."""
    return {kind: " ".join(value.split()) for kind, value in values.items()}
