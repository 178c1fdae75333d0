"""Sends queued command items to the vendor: claimed, written down, committed, and only then called.

Who is next lives in fleet/claims.py, what a job came to in fleet/jobs.py.
"""

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from fleet import budget, claims, deadlines, gateway, items, senders
from fleet.budget import Lane
from fleet.claims import Parcel
from fleet.models import Account, CommandItem, ManageCall
from fleet.models.command import ItemState
from fleet.models.station import CommandKind
from lib import outage

RUN_S = 20.0  # after which a delivering task makes room for others
AHEAD_S = 1.0  # a parcel is claimed so long before its slot comes free
REST_S = 15.0  # after a call that could not leave, before this sender tries the account again
TELL_EVERY_S = 1.0  # how often a sender that is at it closes the shared slots to the lanes behind; see budget.wait_in
STOPPED = "the sender stopped before an answer came"

Clock = Callable[[], datetime]
Later = dict[int, tuple[int, float]]  # by account: its budget, and the seconds until a slot


class TooLate(eevion.NotSent):
    """The deadline came while the call waited for its slot: it was not made."""


@dataclass
class _Attempt:
    """When the request left, by business time; None: it did not."""

    sent_at: datetime | None = None


def deliver(
    *, clock: Clock, lane: Lane = Lane.COMMANDS, patience_s: float = RUN_S, stop: threading.Event | None = None
) -> int:
    """Send what is due in this lane, one manage call after another, for RUN_S at most. Returns the calls tried.

    Where no slot is free it sleeps to the next one, until `patience_s` (wall) have passed. `clock` gives business time.
    Running it twice at once is harmless; without a free seat (fleet/senders.py) it does nothing.
    """
    end, tried, waiter = time.monotonic() + RUN_S, 0, stop or threading.Event()
    patient_until, told_at = time.monotonic() + patience_s, -math.inf
    resting: dict[int, float] = {}
    with senders.seat(lane) as seated:
        while seated and time.monotonic() < end and not waiter.is_set():
            ready, later = _accounts(lane, resting, min(AHEAD_S, patience_s))
            parcel = claims.claim(now=clock(), lane=lane, accounts=ready) if ready else None
            if parcel is not None:
                tried += 1
                if time.monotonic() - told_at >= TELL_EVERY_S:
                    budget.wait_in(budget_id=parcel.account.budget_id, lane=lane, next_s=2 * TELL_EVERY_S)
                    told_at = time.monotonic()
                if not send(parcel, clock=clock, lane=lane, patience_s=min(claims.SLOT_PATIENCE_S, patience_s)):
                    resting[parcel.account.pk] = time.monotonic() + REST_S
                continue
            left_s = min(end, patient_until) - time.monotonic()
            wait_s = _wait_s(lane, later)
            if wait_s is None or left_s <= 0:
                break
            waiter.wait(min(wait_s, left_s))
    return tried


def lapse(*, now: datetime) -> int:
    """A sender that died in the middle: what had left may or may not have arrived, the rest is queued again.

    Returns how many items."""
    with transaction.atomic():
        lost = CommandItem.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=ItemState.SENDING, claimed_until__lte=Now()
        )
        found = list(lost.select_related("call"))
        calls = {item.call for item in found if item.call is not None}
        left = {item.call for item in found if item.call is not None and item.sent_at is not None}
        for item in found:
            if item.sent_at is None:
                items.queue_again(item, now=now, first=False)  # a slot may be lost with its sender: theirs, not others'
            else:
                items.move(item, ItemState.UNKNOWN, now=now, error=STOPPED)
        ManageCall.objects.filter(pk__in=[call.pk for call in left]).update(error=STOPPED)
        for call in calls - left:
            _forget(call)
    return len(found)


def send(
    parcel: Parcel, *, clock: Clock, lane: Lane = Lane.COMMANDS, patience_s: float = claims.SLOT_PATIENCE_S
) -> bool:
    """Make the call and write down what came of it. False: it could not even leave, so the account should rest."""
    attempt = _Attempt()
    try:
        answer = gateway.call(
            account=parcel.account,
            lane=lane,
            why=f"manage call {parcel.call.pk}: {', '.join(parcel.values)} for {', '.join(parcel.station_ids)}",
            endpoint="manage",
            request=partial(_manage, parcel=parcel, clock=clock, attempt=attempt),
            patience_s=patience_s,
        )
    except (gateway.NoSlot, eevion.EevionError) as error:
        outcome, rests = _outcome(parcel, error), isinstance(error, eevion.NotSent) and not isinstance(error, TooLate)
    else:
        outcome, rests = partial(_close, state=ItemState.ACCEPTED, answer=answer), False
    outage.outlast(partial(outcome, parcel, clock(), attempt))
    return not rests


def _accounts(lane: Lane, resting: dict[int, float], ahead_s: float) -> tuple[list[int], Later]:
    """Accounts that have a slot now or within a moment, and the others."""
    seen, moment = budget.outlooks(lane), time.monotonic()
    ready: list[int] = []
    later: Later = {}
    for pk, budget_id in Account.objects.filter(key_refused_at=None).values_list("pk", "budget_id"):
        outlook = seen.get(budget_id)
        if outlook is None or resting.get(pk, 0.0) > moment:
            continue
        wait_s = max(outlook.next_s, outlook.frozen_s)
        if outlook.frozen_s > 0 or wait_s > ahead_s:
            later[pk] = (budget_id, wait_s)
        else:
            ready.append(pk)
    return ready, later


def _wait_s(lane: Lane, later: Later) -> float | None:
    """Seconds until it is time to claim for an account that has something due; None: none of them has.

    Says in passing that commands wait there, so that reads leave the shared slots alone.
    """
    waiting = [later[pk] for pk in claims.accounts_due(lane, list(later))]
    for budget_id, next_s in waiting:
        budget.wait_in(budget_id=budget_id, lane=lane, next_s=next_s)
    return max(0.0, min(next_s for _budget_id, next_s in waiting) - AHEAD_S) if waiting else None


def _manage(client: eevion.Client, *, parcel: Parcel, clock: Clock, attempt: _Attempt) -> eevion.JobQueued:
    """The slot has been waited for, and the next thing is the request."""
    attempt.sent_at = _leave(parcel, clock())
    return client.manage_stations(
        station_ids=parcel.station_ids,
        tariff_id=parcel.values.get(CommandKind.TARIFF),
        priority_status=parcel.values.get(CommandKind.PRIORITY_STATUS),
        set_message=parcel.values.get(CommandKind.MESSAGE),
        webhook_url=parcel.webhook_url,
    )


def _leave(parcel: Parcel, moment: datetime) -> datetime:
    """The last look at the deadline; and the mark that tells, should the sender die now, what may have arrived.

    Raises TooLate, and NotSent where the mark cannot be made: somebody else may have taken this sender for dead.
    """
    if parcel.expires_at is not None and parcel.expires_at <= moment:
        raise TooLate("the deadline came before a request was free")
    mine = CommandItem.objects.filter(call_id=parcel.call.pk, state=ItemState.SENDING)
    try:
        marked = mine.update(sent_at=moment, claimed_until=Now() + claims.call_lease())
    except (OperationalError, InterfaceError) as error:
        raise eevion.NotSent("the database was away when the request was to leave") from error
    if marked < parcel.size:
        raise eevion.NotSent("held up for so long that others send it")
    return moment


def _outcome(parcel: Parcel, error: Exception) -> Callable[[Parcel, datetime, _Attempt], None]:
    """What to write down, by what the error allows to be done next."""
    if isinstance(error, (gateway.NoSlot, TooLate)):
        return partial(_put_back, wait_s=0.0, error="")
    if isinstance(error, eevion.RateLimited):
        return partial(_put_back, wait_s=error.retry_after_s, error=error.message)
    if isinstance(error, eevion.Rejected):
        said = f"{error.message} {_advice(error)}".rstrip()
        if error.status == 401:
            return partial(_put_back, wait_s=0.0, error=said, code=items.KEY_REFUSED)
        if parcel.size > 1 and error.status != 403:
            return partial(_close, state=ItemState.QUEUED, failure=error, error=said)
        return partial(_close, state=ItemState.REJECTED, failure=error, error=said)
    if isinstance(error, eevion.OutcomeUnknown):
        return partial(_close, state=ItemState.UNKNOWN, failure=error, error=error.message)
    return partial(_put_back, wait_s=REST_S, error=str(error))


def _advice(error: eevion.Rejected) -> str:
    """What a person can do about a refusal; empty where the vendor's words must do."""
    if error.is_auth:
        return _("Check the API key in the account's settings.")
    return _("Check the station id.") if error.is_unknown else ""


def _put_back(parcel: Parcel, now: datetime, _attempt: _Attempt, *, wait_s: float, error: str, code: str = "") -> None:
    """It did not happen: the items wait again, and the attempt leaves no trace but the log of calls."""
    with transaction.atomic():
        for item in _sending(parcel):
            items.queue_again(item, now=now, wait_s=wait_s, error=error, error_code=code)
            if item.state == ItemState.QUEUED and item.command.expires_at and item.command.expires_at <= now:
                deadlines.close([item], now)
        _forget(parcel.call)


def _forget(call: ManageCall) -> None:
    """An attempt of which nothing left."""
    token = call.token
    ManageCall.objects.filter(pk=call.pk).delete()
    token.delete()


def _close(
    parcel: Parcel,
    now: datetime,
    attempt: _Attempt,
    state: ItemState,
    *,
    answer: eevion.JobQueued | None = None,
    failure: eevion.EevionError | None = None,
    error: str = "",
) -> None:
    """Only what is still being sent moves: the webhook may have been faster than the answer.

    Items that were refused together (`state` queued) go again one by one, for the fault is one of them.
    """
    with transaction.atomic():
        call = ManageCall.objects.select_for_update().get(pk=parcel.call.pk)
        mine = _sending(parcel)
        for item in mine:
            if state == ItemState.QUEUED:
                items.queue_again(item, now=now, error=error, error_code=items.ALONE)
                continue
            items.move(
                item, state, now=now, wait_s=settings.EEVION_TIMEOUT_S, error=error, error_code=_code(failure, state),
                sent_at=attempt.sent_at or now,
            )  # fmt: skip
        call.answered_at = None if state == ItemState.UNKNOWN else Now()
        call.error = error[:500]
        if answer is not None:
            call.job_id, call.http_status = answer.job_id[:120], answer.http_status
            call.answer = _document(eevion.dump(answer.raw))
        if failure is not None:
            call.http_status, call.answer = failure.status, _document(failure.body)
        # Without items of its own the sender was taken for dead: they are in doubt until the history shows no job.
        if mine and state in (ItemState.REJECTED, ItemState.QUEUED):
            call.settled_at = now
        call.save()


def _code(failure: eevion.EevionError | None, state: ItemState) -> str:
    """The vendor's word for what is wrong, else the status of its answer."""
    if failure is None or state != ItemState.REJECTED:
        return ""
    return failure.code or f"http_{failure.status}"


def _document(body: str) -> Any:
    """The answer as JSON that the database takes; what is none is kept as text."""
    plain = body.replace("\x00", "").replace("\\u0000", "")
    try:
        return json.loads(plain)
    except ValueError:
        return {"text": plain} if plain else None


def _sending(parcel: Parcel) -> list[CommandItem]:
    found = CommandItem.objects.select_for_update(of=("self",)).filter(call_id=parcel.call.pk, state=ItemState.SENDING)
    return list(found.select_related("command").order_by("pk"))
