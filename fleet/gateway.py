"""The one door to Eevion: every request takes a slot of the key's budget, is made here, and is written in the log.

Which slots there are and who may take them lives in fleet/budget.py; what an answer means is the caller's to say.
"""

import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils.translation import gettext as _

import eevion
from fleet import budget, notices
from fleet.budget import Frozen, Lane, NoSlot, budget_for
from fleet.models import Account, ApiCall
from lib import outage

__all__ = ["Frozen", "InTransaction", "KeyUnreadable", "Lane", "NoSlot", "budget_for", "call", "free_now"]

T = TypeVar("T")
log = logging.getLogger(__name__)

HESITATION_S = 1.0  # between taking a slot and sending; whoever is held up longer sends nothing
JITTER_S = 0.002
ANSWER_NOTED_EVERY_S = 10
OUTCOMES: tuple[tuple[type[eevion.EevionError], str], ...] = (
    (eevion.NotSent, "not_sent"),
    (eevion.Rejected, "rejected"),
    (eevion.RateLimited, "rate_limited"),
    (eevion.UnexpectedPayload, "unexpected"),
    (eevion.OutcomeUnknown, "unknown"),
)
DOCUMENTS = {
    "SessionStarted": "session",
    "SessionDocument": "session",
    "SessionStopped": "session",
    "JobQueued": "job",
    "JobPage": "job",
    "ReportPage": "report",
    "ExceptionPage": "exception",
}


class InTransaction(RuntimeError):
    """A mistake of the caller: a call inside a transaction holds its locks for seconds, or is undone after the fact."""


class KeyUnreadable(eevion.NotSent):
    """The account's key cannot be decrypted, so nothing can be sent for it; the words say what to do."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The stored API key cannot be decrypted: ENCRYPTION_KEYS no longer holds the key that encrypted it. "
                "Bring that key back, or write the API key again in the account's settings."
            )
        )


@dataclass(frozen=True)
class _Request:
    """Who asks for what, as the log of calls will say."""

    account: Account
    lane: Lane
    why: str
    endpoint: str


@dataclass(frozen=True)
class _Report:
    """What came of one request."""

    status: int | None
    outcome: str
    message: str
    duration_s: float


def call(
    *,
    account: Account,
    lane: Lane,
    why: str,
    request: Callable[[eevion.Client], T],
    endpoint: str,
    patience_s: float = 0.0,
) -> T:
    """Make one request. Waits up to `patience_s` (wall) for a slot, sleeping to the next one that comes free.

    Raises NoSlot or Frozen (nothing sent), InTransaction, KeyUnreadable, and the errors of eevion unchanged. `why` and
    `endpoint` stand in the log of calls, so neither may hold a secret.
    """
    if [block for block in connection.atomic_blocks if not block._from_testcase]:  # type: ignore[attr-defined]
        raise InTransaction(f"{endpoint}: no request to the vendor inside a transaction")
    if account.key_unreadable:
        raise KeyUnreadable
    client = eevion.Client(
        account.base_url, account.api_key, staging=account.staging, timeout_s=settings.EEVION_TIMEOUT_S
    )
    this = _Request(account, lane, why, endpoint)
    asked = time.monotonic()
    taken = _take(account.budget_id, lane, patience_s)
    began = time.monotonic()
    close = partial(_keep, _close, this, taken, began - asked)
    try:
        answer = request(client)
    except Exception as error:
        close(_report_of(error, time.monotonic() - began), error)
        raise
    close(_Report(getattr(answer, "http_status", None), "ok", "", time.monotonic() - began), None)
    drifts = getattr(answer, "drift", ())
    if drifts:
        name = DOCUMENTS.get(type(answer).__name__, "answer")
        _keep(notices.drift, account=account, document=name, drifts=drifts)
    return answer


def free_now(account: Account, lane: Lane) -> int:
    """How many requests this lane could make at this moment."""
    return budget.free_now(budget_id=account.budget_id, lane=lane)


def _take(budget_id: int, lane: Lane, patience_s: float) -> budget.Taken:
    """A slot, or Frozen, or NoSlot when patience ends."""
    end = time.monotonic() + patience_s
    while True:
        tried = time.monotonic()
        taken = budget.take(budget_id=budget_id, lane=lane, timeout_s=settings.EEVION_TIMEOUT_S + HESITATION_S)
        if taken is not None and time.monotonic() - tried < HESITATION_S:
            return taken
        if taken is not None:
            # The machine stood still for a while: the lease no longer covers a whole call from here.
            budget.unused(taken)
            continue
        seen = budget.outlook(budget_id=budget_id, lane=lane)
        if seen.frozen_s > 0:
            raise Frozen("the vendor said that this key has spent its requests", wait_s=seen.frozen_s)
        budget.wait_in(budget_id=budget_id, lane=lane, next_s=seen.next_s)
        left_s = end - time.monotonic()
        if left_s <= 0:
            raise NoSlot(wait_s=seen.next_s)
        time.sleep(max(0.0, min(seen.next_s, left_s)) + random.uniform(0, JITTER_S))  # noqa: S311


def _report_of(error: Exception, duration_s: float) -> _Report:
    for kind, outcome in OUTCOMES:
        if isinstance(error, kind):
            return _Report(error.status, outcome, error.message, duration_s)
    return _Report(None, "unknown", type(error).__name__, duration_s)


def _close(this: _Request, taken: budget.Taken, waited_s: float, report: _Report, error: Exception | None) -> None:
    """Stamp the slot and write the log. A request without an answer keeps its slot until the lease runs out."""
    if isinstance(error, eevion.NotSent):
        budget.unused(taken)
    elif error is None or report.status is not None:
        budget.answered(taken)
    if isinstance(error, eevion.RateLimited):
        budget.freeze(budget_id=this.account.budget_id, seconds=error.retry_after_s, why=report.message)
    _note_answer(this.account, report, taken.taken_at)
    ApiCall.objects.create(
        account=this.account,
        lane=this.lane.value,
        why=this.why[:200],
        endpoint=this.endpoint[:60],
        started_at=taken.taken_at,
        waited_ms=math.ceil(waited_s * 1000),
        duration_ms=math.ceil(report.duration_s * 1000),
        status=report.status,
        outcome=report.outcome,
        message=report.message[:500],
    )


def _note_answer(account: Account, report: _Report, at: datetime) -> None:
    """Whether the key is still taken, and that the vendor is there; not at every call, for the row is shared."""
    mine = Account.objects.filter(pk=account.pk)
    if report.status == 401:  # 403 is about what was asked, not about the key
        mine.update(key_refused_at=at, last_answer_at=at)
    elif report.outcome == "ok":
        last = account.last_answer_at
        if account.key_refused_at or last is None or (at - last).total_seconds() > ANSWER_NOTED_EVERY_S:
            mine.filter(Q(key_refused_at=None) | Q(key_refused_at__lt=at)).update(
                key_refused_at=None, last_answer_at=at
            )
            account.key_refused_at, account.last_answer_at = None, at


def _keep(write: Callable[..., None], *what: Any, **more: Any) -> None:
    """Bookkeeping must not lose an answer: a database that stays away is told about, no more."""
    try:
        outage.outlast(partial(write, *what, **more))
    except (OperationalError, InterfaceError):
        log.exception("the call was made, but could not be written down")
