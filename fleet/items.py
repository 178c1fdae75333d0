"""The one place where a command item changes its state, along the table beside the model."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from fleet.id_arrays import among
from fleet.models import Command, CommandItem
from fleet.models.command import ITEM_MOVES, ItemState, Origin

NEWER = "replaced by a newer command"
# Our own codes beside the vendor's: rows that went wrong alike have the same.
ALREADY = "already_right"
REPLACED = "replaced"
CANCELLED = "cancelled"
IN_SESSION = "in_session"
NOT_IN_SERVICE = "not_in_service"
TOO_LATE = "too_late"
KEY_REFUSED = "key_refused"
ALONE = "alone"  # refused together with others, so it goes again in a call of its own
FIRST_S = -3600.0
MOVED = ("state", "error", "error_code", "claimed_until", "due_at")  # what every move writes
NEVER_SENT = (ItemState.QUEUED, ItemState.CANCELLED, ItemState.SKIPPED, ItemState.EXPIRED)
# The column that keeps when an item came into a state. Times given as fields to `move` win.
STAMPS = {
    ItemState.ACCEPTED: "accepted_at",
    ItemState.TIMED_OUT: "timed_out_at",
    ItemState.FINISHED: "finished_at",
    ItemState.FINISHED_LATE: "finished_at",
    ItemState.OBSERVED: "observed_at",
    ItemState.CONTRADICTED: "observed_at",
    ItemState.FAILED: "finished_at",
    ItemState.REJECTED: "finished_at",
    ItemState.CANCELLED: "finished_at",
    ItemState.EXPIRED: "finished_at",
    ItemState.SKIPPED: "finished_at",
}


class ForbiddenMove(Exception):
    """The table of moves does not know this one."""


def move(item: CommandItem, state: ItemState, *, now: datetime, wait_s: float = 0.0, **fields: Any) -> CommandItem:
    """Save the item in its new state. `wait_s` (wall) is when a queued or unknown one is looked at again.

    Raises ForbiddenMove; the same state again is forbidden, too.
    """
    if state not in ITEM_MOVES[item.state]:
        raise ForbiddenMove(f"item {item.pk}: {item.state} to {state}")
    item.state = state
    item.error = fields.pop("error", "")[:500]
    item.claimed_until = fields.pop("claimed_until", None)
    waits = state in (ItemState.QUEUED, ItemState.UNKNOWN)
    item.due_at = Now() + timedelta(seconds=wait_s) if waits else None
    item.error_code = fields.pop("error_code", "")[:60]
    stamps = {STAMPS[state]: now} if state in STAMPS else {}
    for name, value in (stamps | fields).items():
        setattr(item, name, value)
    item.save(update_fields=[*MOVED, *stamps, *fields])
    return item


def move_all(rows: Sequence[CommandItem], state: ItemState, *, now: datetime, error: str = "", code: str = "") -> int:
    """The same move for many rows that the caller has locked, in one statement; only to where nothing is due any more.

    Raises ForbiddenMove before anything is written. Returns how many.
    """
    for item in rows:
        if state not in ITEM_MOVES[item.state] or state in (ItemState.QUEUED, ItemState.UNKNOWN):
            raise ForbiddenMove(f"item {item.pk}: {item.state} to {state}")
    return CommandItem.objects.filter(pk__in=[item.pk for item in rows]).update(
        **({STAMPS[state]: now} | {"state": state, "error": error[:500], "error_code": code[:60]}),
        due_at=None,
        claimed_until=None,
    )


def locked(rows: QuerySet[CommandItem]) -> QuerySet[CommandItem]:
    """The same rows, locked in the order in which everybody locks items. In the caller's transaction."""
    found = rows.select_for_update(of=("self",)).order_by("pk")
    return CommandItem.objects.filter(pk__in=among(found.values_list("pk", flat=True)))


def queue_again(
    item: CommandItem,
    *,
    now: datetime,
    wait_s: float = 0.0,
    first: bool = True,
    error: str = "",
    error_code: str = "",
) -> CommandItem:
    """Back into the queue, for it never arrived; unless a newer wish for the same station was sent by now.

    Without a wait it goes before what was never tried, or behind it where it is not `first`. In a command that pauses
    it waits for the resumption. The caller holds the item's lock.
    """
    move(
        item,
        ItemState.QUEUED,
        now=now,
        wait_s=FIRST_S if first and not wait_s else wait_s,
        error=error,
        error_code=error_code,
        call=None,
        sent_at=None,
    )
    mine = CommandItem.objects.exclude(command__origin=Origin.PORTAL)  # what others did is no wish of ours
    newer = mine.filter(station_id=item.station_id, kind=item.kind, pk__gt=item.pk)
    if newer.exclude(state__in=NEVER_SENT).exists():
        move(item, ItemState.CANCELLED, now=now, error=NEWER, error_code=REPLACED)
        return item
    # The lock makes it seen either here or by whoever pauses the command just now.
    command = Command.objects.select_for_update(no_key=True).only("paused_at").get(pk=item.command_id)
    if command.paused_at is not None:
        item.due_at = None
        item.save(update_fields=["due_at"])
    return item
