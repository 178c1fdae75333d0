"""Takes the next due wishes from the queue, packs them into one manage call, and writes the attempt down.

What must not be sent now is put aside here: stations in session or out of service, older wishes. Nothing is called.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from fleet import cancelling, guards, hooks, items
from fleet.budget import Lane
from fleet.models import Account, CommandItem, ManageCall, Station
from fleet.models.command import ItemState
from fleet.models.message import HookKind

SLOT_PATIENCE_S = 3.0  # how long a claimed parcel waits for its slot
HESITATION_S = 3.0  # beyond patience and the call's deadline, for the writing down of what came of it
TRIES = 50  # parcels of which nothing may go, in a row, before others get their turn


@dataclass(frozen=True)
class Parcel:
    """One manage call to be: stations with equal wishes, and the items it answers."""

    call: ManageCall
    account: Account
    station_ids: list[str]  # the vendor's
    values: dict[str, str]
    webhook_url: str | None
    expires_at: datetime | None  # business time of the earliest deadline in it
    size: int = 1  # items


def claim(*, now: datetime, lane: Lane = Lane.COMMANDS, accounts: Collection[int] | None = None) -> Parcel | None:
    """Take the next due wish, with its equals of the same account, and write the attempt down. None: nothing may go.

    `accounts` are those that may send; None: all whose key is not refused.
    """
    for _try in range(TRIES):
        with transaction.atomic():
            first = _due(now, lane, accounts).order_by("due_at", "pk").first()
            if first is None:
                return None
            parcel = _pack(first, now, lane)
        if parcel is not None:
            return parcel
    return None


def lease_s() -> float:
    """Wall time after which a sender that said nothing is taken for dead; read anew, for the deadline is a setting."""
    return SLOT_PATIENCE_S + float(settings.EEVION_TIMEOUT_S) + HESITATION_S


def _due(now: datetime, lane: Lane, accounts: Collection[int] | None) -> "QuerySet[CommandItem]":
    """Wishes whose turn it is, their stations locked, so that two senders never speak to one station at once.

    A wish waits while the same command is being sent to its station, and while a newer one waits that may yet be taken
    back; one whose turn has come as well is sent in its place.
    """
    same = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"))
    newer = same.filter(pk__gt=OuterRef("pk"), state=ItemState.QUEUED, due_at__isnull=False)
    can_send = Q(station__account__key_refused_at=None) if accounts is None else Q(station__account__in=accounts)
    return (
        CommandItem.objects.select_for_update(skip_locked=True, of=("station",), no_key=True)
        .filter(
            Q(command__expires_at=None) | Q(command__expires_at__gt=now),
            ~Exists(newer),
            ~Exists(same.filter(state=ItemState.SENDING)),
            can_send,
            state=ItemState.QUEUED,
            due_at__lte=Now(),
            command__paused_at=None,
            command__is_interactive=lane is Lane.PEOPLE,
        )
        .select_related("station__account")
    )


def _pack(first: CommandItem, now: datetime, lane: Lane) -> Parcel | None:
    """The call for this wish; None when by a second look under the lock nothing of it may go now."""
    account, is_alone = first.station.account, first.error_code == items.ALONE
    stations = {first.station_id: first.station} | ({} if is_alone else _alike(first, now, lane))
    queued: dict[int, list[CommandItem]] = {pk: [] for pk in stations}
    for row in _queued(list(stations)):
        queued[row.station_id].append(row)
    heads = {pk: _heads(rows, now) for pk, rows in queued.items()}
    fit = guards.fit(heads=heads, stations=stations, now=now)
    if is_alone:
        fit = {first.station_id: [item for item in fit[first.station_id] if item.pk == first.pk]}
    else:
        fit = {pk: [item for item in rows if item.error_code != items.ALONE] for pk, rows in fit.items()}
    values = _values(fit[first.station_id])
    taken = {pk: rows for pk, rows in fit.items() if values and _values(rows) == values}
    if not taken:
        return None
    parcel = _write(account, taken, values, now)
    for pk, rows in taken.items():
        _replace_older(rows, queued[pk], now)
    return replace(parcel, station_ids=[stations[pk].vendor_id for pk in taken])


def _alike(first: CommandItem, now: datetime, lane: Lane) -> dict[int, Station]:
    """More stations with the same wish, locked, where the account's calls carry several."""
    more = first.station.account.stations_per_call - 1
    if more < 1:
        return {}
    found = _due(now, lane, [first.station.account_id]).filter(kind=first.kind, wanted_value=first.wanted_value)
    found = found.exclude(station=first.station_id).exclude(error_code=items.ALONE)
    return {item.station_id: item.station for item in found.order_by("due_at", "pk")[:more]}


def _queued(station_ids: list[int]) -> list[CommandItem]:
    """All that waits for these stations, locked in the order in which everybody locks items."""
    sending = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"), state=ItemState.SENDING)
    rows = CommandItem.objects.select_for_update(of=("self",)).filter(station__in=station_ids, state=ItemState.QUEUED)
    rows = rows.select_related("command").annotate(is_due=Q(due_at__lte=Now()), is_busy=Exists(sending))
    return list(rows.order_by("pk"))


def _heads(rows: list[CommandItem], now: datetime) -> list[CommandItem]:
    """The newest wish of each command, where its turn has come."""
    newest = {row.kind: row for row in rows if row.due_at is not None}
    return [row for row in newest.values() if _is_ready(row, now)]


def _is_ready(row: CommandItem, now: datetime) -> bool:
    expires_at = row.command.expires_at
    is_waiting = row.is_busy or not row.is_due or row.command.paused_at is not None  # type: ignore[attr-defined]
    return not is_waiting and (expires_at is None or expires_at > now)


def _values(rows: list[CommandItem]) -> dict[str, str]:
    return {item.kind: item.wanted_value for item in rows}


def _write(account: Account, taken: dict[int, list[CommandItem]], values: dict[str, str], now: datetime) -> Parcel:
    token, url = hooks.mint(account=account, kind=HookKind.JOB, now=now)
    call = ManageCall.objects.create(
        account=account, token=token, station_ids=list(taken), values=values, attempted_at=Now()
    )
    rows = [item for mine in taken.values() for item in mine]
    for item in rows:
        items.move(item, ItemState.SENDING, now=now, call=call, claimed_until=Now() + timedelta(seconds=lease_s()))
    deadlines = [item.command.expires_at for item in rows if item.command.expires_at is not None]
    return Parcel(call, account, [], values, url, min(deadlines, default=None), len(rows))


def _replace_older(taken: list[CommandItem], queued: list[CommandItem], now: datetime) -> None:
    """Two wishes for the same station and command become the last one; a cancel of it leads back beyond the first."""
    for item in taken:
        older = [row for row in queued if row.kind == item.kind and row.pk < item.pk]
        if older:
            items.move_all(older, ItemState.CANCELLED, now=now, error=items.NEWER, code=items.REPLACED)
            cancelling.inherit(item, reversed(older))


def accounts_due(lane: Lane, accounts: list[int]) -> set[int]:
    """Which of these accounts have something whose turn has come."""
    if not accounts:
        return set()
    due = CommandItem.objects.filter(
        state=ItemState.QUEUED,
        due_at__lte=Now(),
        command__paused_at=None,
        command__is_interactive=lane is Lane.PEOPLE,
        station__account__in=accounts,
    )
    return set(due.order_by().values_list("station__account_id", flat=True).distinct())


def due(lane: Lane, limit: int) -> int:
    """How many items wait to be claimed at this moment, `limit` at most."""
    rows = CommandItem.objects.filter(state=ItemState.QUEUED, due_at__lte=Now())
    return rows.filter(command__paused_at=None, command__is_interactive=lane is Lane.PEOPLE)[:limit].count()
