"""Sends queued command items to the vendor: claimed, written down, committed, and only then called.

What a job came to lives in fleet/jobs.py.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from fleet import gateway, hooks, items
from fleet.models import Account, CommandItem, ManageCall
from fleet.models.command import ItemState
from fleet.models.message import HookKind
from fleet.models.station import CommandKind
from lib import outage

PATIENCE_S = 20.0  # how long a sender waits for a request slot
LEASE_S = PATIENCE_S + settings.EEVION_TIMEOUT_S + 2
RUN_S = 20.0  # after which a delivering task makes room for others
SENDERS = 3  # at once; the slots are the limit, not the senders
NOT_SENT_AGAIN_S = 15.0
SEATS = 7_419_001  # the advisory locks of the senders


@dataclass(frozen=True)
class Parcel:
    """One manage call to be: stations with equal wishes, and the items it answers."""

    call: ManageCall
    account: Account
    station_ids: list[str]  # the vendor's
    values: dict[str, str]
    webhook_url: str | None


def deliver(*, now: datetime, patience_s: float = PATIENCE_S) -> int:
    """Send what is due, one manage call after another, for RUN_S at most. Returns the number of calls tried.

    Running it twice at once is harmless; more than SENDERS at once return without doing anything.
    """
    lapse(now=now)
    end = time.monotonic() + RUN_S
    tried = 0
    with _seat() as seated:
        while seated and time.monotonic() < end and (parcel := claim(now=now)) is not None:
            send(parcel, now=now, patience_s=patience_s)
            tried += 1
    return tried


def lapse(*, now: datetime) -> int:
    """A sender that died in the middle: its items may or may not have arrived. Returns how many."""
    with transaction.atomic():
        lost = CommandItem.objects.select_for_update(skip_locked=True).filter(
            state=ItemState.SENDING, claimed_until__lte=Now()
        )
        found = list(lost)
        for item in found:
            items.move(item, ItemState.UNKNOWN, now=now, error="the sender stopped before an answer came")
    return len(found)


def claim(*, now: datetime) -> Parcel | None:
    """Take the next due wish, with its equals of the same account, and write the attempt down. None: nothing is due."""
    with transaction.atomic():
        first = _due().order_by("due_at", "pk").first()
        if first is None:
            return None
        account = first.station.account
        wishes = _wishes(account, first)
        values = {item.kind: item.wanted_value for item in wishes[first.station_id]}
        equal = [mine for mine in wishes.values() if {item.kind: item.wanted_value for item in mine} == values][
            : account.stations_per_call
        ]
        token, url = hooks.mint(account=account, kind=HookKind.JOB, now=now)
        call = ManageCall.objects.create(
            account=account,
            token=token,
            station_ids=[mine[0].station_id for mine in equal],
            values=values,
            attempted_at=Now(),
        )
        for item in (item for mine in equal for item in mine):
            items.move(item, ItemState.SENDING, now=now, call=call, claimed_until=Now() + timedelta(seconds=LEASE_S))
    names = [mine[0].station.vendor_id for mine in equal]
    return Parcel(call, account, names, values, url)


def send(parcel: Parcel, *, now: datetime, patience_s: float = PATIENCE_S) -> None:
    """Make the call and write down what came of it. `now` is the business time of the claim."""
    try:
        answer = gateway.call(
            account=parcel.account,
            lane=gateway.Lane.COMMANDS,
            why=f"manage call {parcel.call.pk}: {', '.join(parcel.values)} for {', '.join(parcel.station_ids)}",
            endpoint="manage",
            request=lambda client: _manage(client, parcel),
            patience_s=patience_s,
        )
    except gateway.NoSlot as error:
        outcome = partial(_put_back, wait_s=error.wait_s, error="")
    except eevion.RateLimited as error:
        outcome = partial(_put_back, wait_s=error.retry_after_s, error=error.message)
    except eevion.NotSent as error:
        outcome = partial(_put_back, wait_s=NOT_SENT_AGAIN_S, error=error.message)
    except eevion.Rejected as error:
        outcome = partial(_close, state=ItemState.REJECTED, error=f"{error.message} {_advice(error)}".rstrip())
    except eevion.OutcomeUnknown as error:
        outcome = partial(_close, state=ItemState.UNKNOWN, error=error.message)
    else:
        outcome = partial(_close, state=ItemState.ACCEPTED, job_id=answer.job_id[:120])
    outage.outlast(partial(outcome, parcel, now))


def _advice(error: eevion.Rejected) -> str:
    """What a person can do about a refusal; empty where the vendor's words must do."""
    if error.is_auth:
        return _("Check the API key in the account's settings.")
    return _("Check the station id.") if error.is_unknown else ""


def _due() -> "QuerySet[CommandItem]":
    """Due items, locked; a station that is being sent the same command waits, so that the newer one comes last."""
    sending = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"), state=ItemState.SENDING)
    return (
        CommandItem.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(~Exists(sending), state=ItemState.QUEUED, due_at__lte=Now())
        .select_related("station__account")
    )


def _wishes(account: Account, first: CommandItem) -> dict[int, list[CommandItem]]:
    """What is due for each station, the first one's at the front; several stations only where a call carries them."""
    found = {first.station_id: list(_due().filter(station_id=first.station_id).order_by("pk"))}
    if account.stations_per_call > 1:
        alike = _due().filter(station__account=account, kind=first.kind, wanted_value=first.wanted_value)
        names = [item.station_id for item in alike.order_by("due_at", "pk")[: account.stations_per_call]]
        for item in _due().filter(station_id__in=names).exclude(station_id=first.station_id).order_by("pk"):
            found.setdefault(item.station_id, []).append(item)
    return found


def _manage(client: eevion.Client, parcel: Parcel) -> eevion.JobQueued:
    return client.manage_stations(
        station_ids=parcel.station_ids,
        tariff_id=parcel.values.get(CommandKind.TARIFF),
        priority_status=parcel.values.get(CommandKind.PRIORITY_STATUS),
        set_message=parcel.values.get(CommandKind.MESSAGE),
        webhook_url=parcel.webhook_url,
    )


def _put_back(parcel: Parcel, now: datetime, *, wait_s: float, error: str) -> None:
    """It did not happen: the items wait again, and the attempt leaves no trace but the log of calls."""
    with transaction.atomic():
        for item in _sending(parcel):
            items.queue_again(item, now=now, wait_s=wait_s, error=error)
        token = parcel.call.token
        ManageCall.objects.filter(pk=parcel.call.pk).delete()
        token.delete()


def _close(parcel: Parcel, now: datetime, state: ItemState, *, job_id: str = "", error: str = "") -> None:
    """Only what is still being sent moves: the webhook may have been faster than the answer."""
    with transaction.atomic():
        call = ManageCall.objects.select_for_update().get(pk=parcel.call.pk)
        for item in _sending(parcel):
            items.move(item, state, now=now, wait_s=settings.EEVION_TIMEOUT_S, error=error)
        call.answered_at = None if state == ItemState.UNKNOWN else Now()
        call.job_id = job_id or call.job_id
        call.error = error[:500]
        if state == ItemState.REJECTED:
            call.settled_at = now
        call.save()


def _sending(parcel: Parcel) -> list[CommandItem]:
    found = CommandItem.objects.select_for_update().filter(call_id=parcel.call.pk, state=ItemState.SENDING)
    return list(found.order_by("pk"))


@contextmanager
def _seat() -> Iterator[bool]:
    """One of SENDERS places, held by a lock of this database connection, so that a dead sender leaves none taken."""
    with connection.cursor() as cursor:
        for number in range(SENDERS):
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [SEATS, number])
            if cursor.fetchone()[0]:
                break
        else:
            yield False
            return
    try:
        yield True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [SEATS, number])
