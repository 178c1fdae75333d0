"""Takes the next due wishes from the queue, packs them into one manage call, and writes the attempt down.

What must not be sent now is put aside here: stations in session or out of service, older wishes. Nothing is called.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Func, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Now

from fleet import cancelling, guards, hooks, items
from fleet.budget import Lane
from fleet.models import Account, Command, CommandItem, ManageCall, Station
from fleet.models.command import ItemState
from fleet.models.message import HookKind

SLOT_PATIENCE_S = 1.5  # how long a claimed parcel waits for its slot; more than deliveries.AHEAD_S
HESITATION_S = 2.0  # beyond patience and the call's deadline, for the writing down of what came of it
PAGES = (24, 200, 2000, 20_000)  # rows looked at in turn, until one may go
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
    if accounts is None:
        accounts = set(Account.objects.filter(key_refused_at=None).values_list("pk", flat=True))
    tried: set[int] = set()
    for _try in range(TRIES):
        with transaction.atomic():
            found = _next(now, lane, accounts, tried)
            if found is None:
                return None
            parcel = _pack(*found, now)
        if parcel is not None:
            return parcel
        tried.add(found[0].pk)
    return None


def wait_lease() -> timedelta:
    """Wall time after which a sender that waits for its slot is taken for dead: nothing has left."""
    return timedelta(seconds=SLOT_PATIENCE_S + HESITATION_S)


def call_lease() -> timedelta:
    """The same once the request leaves; read anew, for the deadline is a setting."""
    return timedelta(seconds=float(settings.EEVION_TIMEOUT_S) + HESITATION_S)


def _next(
    now: datetime, lane: Lane, accounts: Collection[int], tried: set[int]
) -> tuple[CommandItem, dict[int, Station]] | None:
    """The first wish whose turn it is, with its station and others for the same call, locked: two senders never speak
    to one station at once. Only tables of their own are asked, by their keys: of thousands of rows written a moment ago
    the planner knows nothing, and joins them for seconds."""
    for page in _pages(lane):
        fit = [row for row in _fit(page, now) if row.pk not in tried]
        station = _lock([row.station_id for row in fit], accounts).first()
        if station is not None:
            first = next(row for row in fit if row.station_id == station.pk)
            return first, {station.pk: station} | _alike(first, fit, station)
    return None


def _waiting(lane: Lane) -> "QuerySet[CommandItem]":
    return CommandItem.objects.filter(is_interactive=lane is Lane.PEOPLE, state=ItemState.QUEUED, due_at__lte=Now())


def _pages(lane: Lane) -> Iterator[list[CommandItem]]:
    """What is due, from the front of the queue, in growing parts."""
    last: CommandItem | None = None
    for size in PAGES:
        rows = _waiting(lane).order_by("due_at", "pk")
        if last is not None:
            rows = rows.filter(
                Q(due_at__gt=last.due_at) | Q(due_at=last.due_at, pk__gt=last.pk), due_at__gte=last.due_at
            )
        page = list(rows.only("station_id", "command_id", "kind", "wanted_value", "error_code", "due_at")[:size])
        if page:
            yield page
        if len(page) < size:
            return
        last = page[-1]


def _fit(page: list[CommandItem], now: datetime) -> list[CommandItem]:
    """Those of the page that may be sent as far as commands and other wishes go.

    A wish waits while the same command is being sent to its station, and while a newer one waits that may yet be taken
    back; one whose turn has come as well is sent in its place.
    """
    commands = Command.objects.filter(pk__in={row.command_id for row in page})
    commands = commands.filter(Q(expires_at=None) | Q(expires_at__gt=now), paused_at=None)
    mine = set(commands.values_list("pk", flat=True))
    rows = [row for row in page if row.command_id in mine]
    others = CommandItem.objects.filter(
        Q(claimed_until__isnull=False) | Q(due_at__isnull=False), station__in={row.station_id for row in rows}
    )
    newest: dict[tuple[int, str], int] = {}
    sending = set()
    for pk, station_id, kind, state in others.order_by("pk").values_list("pk", "station_id", "kind", "state"):
        newest[station_id, kind] = pk
        if state == ItemState.SENDING:
            sending.add((station_id, kind))
    keys = [(row, (row.station_id, row.kind)) for row in rows]
    return [row for row, key in keys if key not in sending and newest.get(key) == row.pk]


def _lock(station_ids: list[int], accounts: Collection[int]) -> "QuerySet[Station]":
    """These stations in this order, without those in other hands."""
    place = Func(Value(station_ids), F("pk"), function="array_position", output_field=IntegerField())
    rows = Station.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("account")
    return rows.filter(pk__in=station_ids, account__in=accounts).order_by(place)


def _alike(first: CommandItem, fit: list[CommandItem], station: Station) -> dict[int, Station]:
    """More stations with the same wish, locked, where the account's calls carry several."""
    more = station.account.stations_per_call - 1
    if more < 1 or first.error_code == items.ALONE:
        return {}
    wish = (first.kind, first.wanted_value)
    ids = [row.station_id for row in fit if (row.kind, row.wanted_value) == wish and row.error_code != items.ALONE]
    ids = [pk for pk in ids if pk != station.pk]
    return {row.pk: row for row in _lock(ids, [station.account_id])[:more]}


def _pack(first: CommandItem, stations: dict[int, Station], now: datetime) -> Parcel | None:
    """The call for this wish; None when by a second look under the locks nothing of it may go now."""
    queued: dict[int, list[CommandItem]] = {pk: [] for pk in stations}
    for row in _queued(list(stations)):
        queued[row.station_id].append(row)
    sending = _sending(list(stations))
    heads = {pk: [row for row in _heads(rows, now) if (pk, row.kind) not in sending] for pk, rows in queued.items()}
    fit = guards.fit(heads=heads, stations=stations, now=now)
    if first.error_code == items.ALONE:
        fit = {first.station_id: [item for item in fit[first.station_id] if item.pk == first.pk]}
    else:
        fit = {pk: [item for item in rows if item.error_code != items.ALONE] for pk, rows in fit.items()}
    values = _values(fit[first.station_id])
    taken = {pk: rows for pk, rows in fit.items() if values and _values(rows) == values}
    if not taken:
        return None
    parcel = _write(stations[first.station_id].account, taken, values, now)
    for pk, rows in taken.items():
        _replace_older(rows, queued[pk], now)
    return replace(parcel, station_ids=[stations[pk].vendor_id for pk in taken])


def _queued(station_ids: list[int]) -> list[CommandItem]:
    """All that waits for these stations, locked in the order in which everybody locks items."""
    rows = CommandItem.objects.select_for_update(of=("self",)).filter(station__in=station_ids, state=ItemState.QUEUED)
    return list(rows.select_related("command").annotate(is_due=Q(due_at__lte=Now())).order_by("pk"))


def _sending(station_ids: list[int]) -> set[tuple[int, str]]:
    rows = CommandItem.objects.filter(station__in=station_ids, claimed_until__isnull=False)
    return set(rows.values_list("station_id", "kind"))


def _heads(rows: list[CommandItem], now: datetime) -> list[CommandItem]:
    """The newest wish of each command, where its turn has come."""
    newest = {row.kind: row for row in rows if row.due_at is not None}
    return [row for row in newest.values() if _is_ready(row, now)]


def _is_ready(row: CommandItem, now: datetime) -> bool:
    expires_at = row.command.expires_at
    is_waiting = not row.is_due or row.command.paused_at is not None  # type: ignore[attr-defined]
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
        items.move(item, ItemState.SENDING, now=now, call=call, claimed_until=Now() + wait_lease())
    deadlines = [item.command.expires_at for item in rows if item.command.expires_at is not None]
    return Parcel(call, account, [], values, url, min(deadlines, default=None), len(rows))


def _replace_older(taken: list[CommandItem], queued: list[CommandItem], now: datetime) -> None:
    """Two wishes for the same station and command become the last one; a cancel of it leads back beyond the first."""
    for item in taken:
        older = [row for row in queued if row.kind == item.kind and row.pk < item.pk]
        if older:
            items.move_all(older, ItemState.CANCELLED, now=now, error=items.NEWER, code=items.REPLACED)
            cancelling.inherit(item, reversed(older))


def accounts_due(lane: Lane, accounts: Collection[int]) -> set[int]:
    """Which of these accounts have something whose turn has come."""
    found: set[int] = set()
    for page in _pages(lane):
        if len(found) == len(accounts):
            break
        commands = Command.objects.filter(pk__in={row.command_id for row in page}, paused_at=None)
        mine = set(commands.values_list("pk", flat=True))
        ids = {row.station_id for row in page if row.command_id in mine}
        rows = Station.objects.filter(pk__in=ids, account__in=set(accounts) - found)
        found |= set(rows.values_list("account_id", flat=True))
    return found


def due(lane: Lane, limit: int) -> int:
    """How many items wait to be claimed at this moment, `limit` at most."""
    return _waiting(lane).filter(command__paused_at=None)[:limit].count()
