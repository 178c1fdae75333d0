"""The one place where a command item changes its state, along the table beside the model."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from fleet.models import CommandItem
from fleet.models.command import ITEM_MOVES, ItemState

NEWER = "replaced by a newer command"
# Our own codes beside the vendor's: rows that went wrong alike have the same.
ALREADY = "already_right"
REPLACED = "replaced"
# The column that keeps when an item came into a state. Times given as fields to `move` win.
STAMPS = {
    ItemState.SENDING: "sent_at",
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
    if name := STAMPS.get(state):
        setattr(item, name, now)
    for name, value in fields.items():
        setattr(item, name, value)
    item.save()
    return item


def queue_again(item: CommandItem, *, now: datetime, wait_s: float = 0.0, error: str = "") -> CommandItem:
    """Back into the queue, unless a newer command has asked something else of the same station by now."""
    move(item, ItemState.QUEUED, now=now, wait_s=wait_s, error=error, call=None)
    newer = CommandItem.objects.filter(station_id=item.station_id, kind=item.kind, pk__gt=item.pk)
    if newer.exclude(state=ItemState.CANCELLED).exists():
        move(item, ItemState.CANCELLED, now=now, error=NEWER)
    return item
