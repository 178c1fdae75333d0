"""What was not sent in time is never sent: the rows past their deadline, closed waves and paused commands included."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import cancelling, items
from fleet.models import Command, CommandEvent, CommandItem
from fleet.models.command import ItemState


def expire(now: datetime) -> int:
    """Close every queued item whose command's deadline (business time) has come. Returns how many."""
    late = CommandItem.objects.filter(state=ItemState.QUEUED, command__expires_at__lte=now)
    closed = 0
    for command in Command.objects.filter(pk__in=late.values("command")).order_by("pk"):
        with transaction.atomic():
            rows = cancelling.lock_queued(command)
            command.refresh_from_db(fields=["expires_at", "paused_at"])
            if command.expires_at is None or command.expires_at > now:  # a person resumed it just now
                continue
            closed += close(rows, now)
            if command.paused_at is not None:
                Command.objects.filter(pk=command.pk).update(paused_at=None, paused_why="")
    return closed


def close(rows: Sequence[CommandItem], now: datetime) -> int:
    """Queued items of one command, locked, that are too late; one line on its timeline counts them together."""
    if not rows:
        return 0
    items.move_all(rows, ItemState.EXPIRED, now=now, error=_("not sent by its deadline"), code=items.TOO_LATE)
    stations = len({row.station_id for row in rows})
    last = CommandEvent.objects.filter(command=rows[0].command_id).order_by("at", "pk").last()
    if last is not None and last.verb == CommandEvent.Verb.EXPIRED:
        last.stations += stations
        last.save(update_fields=["stations"])
    else:
        CommandEvent.objects.create(
            command_id=rows[0].command_id, at=now, verb=CommandEvent.Verb.EXPIRED, stations=stations
        )
    return len(rows)
