"""What the outside shows of a finished command: the contract reports no station's state, so a session must tell.

Charging brings the evidence as plain values (charging/observing.py); what it proves is decided here.
docs/algorithms/commands.md has the rules. A message cannot be observed.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from fleet import items
from fleet.connector_state import AVAILABLE
from fleet.models import CommandItem, StationSetting, Tariff
from fleet.models.command import DONE_ITEMS, ITEM_MOVES, ItemState
from fleet.models.station import CommandKind

OBSERVABLE = (CommandKind.TARIFF, CommandKind.PRIORITY_STATUS)
CENT = Decimal("0.01")
OTHERWISE = "seen_otherwise"  # the code of items that the outside contradicts
IN_FLIGHT = (ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED, ItemState.TIMED_OUT)


@dataclass(frozen=True)
class Tariffs:
    """What a finished tariff command put in the place of what."""

    new: Tariff
    old: Tariff


# --- decided: pure ----------------------------------------------------------------------------------------------------
def of_start(value: str, *, accepted: bool) -> bool:
    """Whether a start's answer is what the availability `value` lets expect."""
    return accepted == (value == AVAILABLE)


def of_cost(cost: Decimal, *, by_new: Decimal, by_old: Decimal) -> bool | None:
    """Whether the vendor's cost speaks for the new tariff. None: it fits both or neither, to the cent."""
    fits_new, fits_old = abs(cost - by_new) <= CENT, abs(cost - by_old) <= CENT
    return None if fits_new == fits_old else fits_new


def verdict(state: str, *, supports: bool, is_overtaken: bool) -> ItemState | None:
    """Where the evidence leads an item; None: it says nothing new. One proof is enough: after it, the opposite may be
    another's doing. While a newer command is under way, the opposite may be that one's effect."""
    to = ItemState.OBSERVED if supports else ItemState.CONTRADICTED
    if to not in ITEM_MOVES[state] or (is_overtaken and not supports):
        return None
    return to


# --- asked and written ------------------------------------------------------------------------------------------------
def started(
    *, station_id: int, accepted: bool, at: datetime, seen_at: datetime, evidence: str, now: datetime
) -> CommandItem | None:
    """A start that was asked for at `at` was accepted, or refused for no other cause that the vendor named.

    `seen_at` and `evidence` (a sentence) are kept. Returns the item that it proves or disproves. Both times are
    business time; a job that finished after `at` is not judged.
    """
    newest = _newest(station_id, CommandKind.PRIORITY_STATUS, at)
    if newest is None:
        return None
    supports = of_start(newest.wanted_value, accepted=accepted)
    return _record(newest, supports=supports, at=at, seen_at=seen_at, evidence=evidence, now=now)


def tariffs(*, station_id: int, at: datetime) -> Tariffs | None:
    """Between which two tariffs a session that started at `at` can tell; None: between none, or one is not known
    with its prices (nothing but zeros are no prices)."""
    newest = _newest(station_id, CommandKind.TARIFF, at)
    if newest is None or newest.value_before in (None, newest.wanted_value):
        return None
    fee_ids = (newest.wanted_value, newest.value_before)
    known = {
        row.fee_id: row
        for row in Tariff.objects.filter(account__stations=station_id, fee_id__in=fee_ids)
        if row.price_per_kwh or row.price_per_minute or row.price_per_start
    }
    pair = [known[fee_id] for fee_id in fee_ids if fee_id in known]
    return Tariffs(*pair) if len(pair) == len(fee_ids) else None


def priced(
    *,
    station_id: int,
    cost: Decimal,
    by_new: Decimal,
    by_old: Decimal,
    at: datetime,
    seen_at: datetime,
    evidence: str,
    now: datetime,
) -> CommandItem | None:
    """A session that started at `at` cost `cost` by the vendor's final figures. Amounts in the tariffs' currency."""
    newest = _newest(station_id, CommandKind.TARIFF, at)
    supports = of_cost(cost, by_new=by_new, by_old=by_old)
    if newest is None or supports is None:
        return None
    return _record(newest, supports=supports, at=at, seen_at=seen_at, evidence=evidence, now=now)


def due(limit: int) -> list[CommandItem]:
    """Items of which the end became known since the last look: evidence may have come before it. A failed one may give
    its turn back to the one before."""
    return list(CommandItem.objects.filter(look_due=True).order_by("pk")[:limit])


def looked_at(item: CommandItem) -> None:
    """Done with it, unless it ended otherwise meanwhile."""
    CommandItem.objects.filter(pk=item.pk, state=item.state).update(look_due=False)


def in_force(station_id: int, kind: str) -> CommandItem | None:
    """The command that finished last."""
    done = CommandItem.objects.filter(station_id=station_id, kind=kind, state__in=DONE_ITEMS)
    return done.order_by("-finished_at", "-pk").first()


def _newest(station_id: int, kind: str, at: datetime) -> CommandItem | None:
    """The last one that finished, if that was before `at`: only that one's value holds."""
    newest = in_force(station_id, kind)
    return newest if newest is not None and newest.finished_at is not None and newest.finished_at < at else None


def _record(
    newest: CommandItem, *, supports: bool, at: datetime, seen_at: datetime, evidence: str, now: datetime
) -> CommandItem | None:
    with transaction.atomic():
        item = CommandItem.objects.select_for_update().get(pk=newest.pk)
        to = verdict(item.state, supports=supports, is_overtaken=_is_overtaken(item, at))
        if to is None:
            return None
        setting = StationSetting.objects.filter(station_id=item.station_id, kind=item.kind)
        setting.update(seen_otherwise=not supports)
        code = "" if supports else OTHERWISE
        return items.move(item, to, now=now, observed_at=seen_at, evidence=evidence[:300], error_code=code)


def _is_overtaken(item: CommandItem, at: datetime) -> bool:
    """Another one was sent after it and before `at`, and nobody knows yet how that ended."""
    others = CommandItem.objects.filter(station_id=item.station_id, kind=item.kind, state__in=IN_FLIGHT)
    sent = Q(sent_at__gte=item.sent_at or item.finished_at, sent_at__lte=at)
    return others.filter(sent | Q(sent_at=None)).exists()
