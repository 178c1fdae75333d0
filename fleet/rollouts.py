"""A command on its way through its waves: the next one opens, the brake stops it, a person resumes or abandons it.

How stations are divided into waves lives in fleet/waves.py. A paused command is one whose queued items have no due_at.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from fleet import cancelling, items, waves
from fleet.command_options import BRAKE_PERCENT
from fleet.models import Command, CommandEvent, CommandItem
from fleet.models.command import DROPPED_ITEMS, ItemState
from people.actor import Doer, System

UNSETTLED = (ItemState.QUEUED, ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED)
FAILURES = (ItemState.FAILED, ItemState.REJECTED, ItemState.TIMED_OUT, ItemState.CONTRADICTED)


@dataclass(frozen=True)
class Standing:
    """The items of the waves that are open: how many count, how many of them failed, how many are not settled."""

    total: int
    failed: int
    unsettled: int


def standing(rows: Iterable[tuple[int, str]], wave_open: int) -> Standing:
    """From (wave, state) of each item. Pure. What was cancelled or left out does not count."""
    counted = Counter(state for wave, state in rows if wave <= wave_open and state not in DROPPED_ITEMS)
    return Standing(
        total=counted.total(),
        failed=sum(counted[state] for state in FAILURES),
        unsettled=sum(counted[state] for state in UNSETTLED),
    )


def brakes(now: Standing, percent: int | None) -> bool:
    """Whether more than `percent` of the items whose turn has come have failed. Pure."""
    return percent is not None and now.failed * 100 > percent * now.total


def advance(now: datetime) -> int:
    """Look at every command on its way that has waves or a brake. Returns how many moved; twice at once is harmless."""
    queued = CommandItem.objects.filter(state=ItemState.QUEUED).values("command")
    under_way = Command.objects.filter(
        Q(is_canary=True) | Q(brake_percent__isnull=False), pk__in=queued, paused_at=None
    ).order_by("pk")
    return sum(_step(pk, now) for pk in under_way.values_list("pk", flat=True))


def resume(actor: Doer, command: Command, now: datetime) -> Command:
    """Go on where the brake stopped it; the deadline moves on by the time it stood. A second call changes nothing."""
    with transaction.atomic():
        locked = _lock(command.pk)
        if locked.paused_at is None:
            return locked
        if locked.expires_at is not None:
            locked.expires_at += now - locked.paused_at
        locked.paused_at, locked.paused_why = None, ""
        locked.save(update_fields=["expires_at", "paused_at", "paused_why"])
        stations = _open_items(locked, locked.wave_open)
        cancelling.note(actor, locked, CommandEvent.Verb.RESUMED, stations, now)
    return locked


def abandon(actor: Doer, command: Command, now: datetime) -> int:
    """Cancel all that is not sent, closed waves included. Returns the items; a second call changes nothing."""
    with transaction.atomic():
        rows = cancelling.lock_queued(command)
        if not rows:
            return 0
        cancelling.drop(rows, actor=actor, now=now)
        Command.objects.filter(pk=command.pk).update(paused_at=None, paused_why="")
        stations = len({row.station_id for row in rows})
        cancelling.note(actor, command, CommandEvent.Verb.ABANDONED, stations, now)
    return len(rows)


def _step(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        command = _lock(pk)
        if command.paused_at is not None:
            return False
        percent = BRAKE_PERCENT if command.is_canary and command.brake_percent is None else command.brake_percent
        found = standing(_counted(command), command.wave_open)
        if brakes(found, percent):
            _brake(command, found, now)
            return True
        return bool(not found.unsettled and command.wave_open < waves.WAVES - 1 and _open_next(command, now))


def _counted(command: Command) -> list[tuple[int, str]]:
    """Wave and state of the items, without those that were settled when a person last said to go on all the same: by
    when we heard of it, for the vendor's clock may be minutes ahead or behind."""
    rows = CommandItem.objects.filter(command=command)
    resumed = command.events.filter(verb=CommandEvent.Verb.RESUMED).order_by("at", "pk").last()
    if resumed is not None:
        rows = rows.annotate(heard_at=Coalesce("call__settled_at", "finished_at"))
        rows = rows.exclude(Q(heard_at__lte=resumed.at) | Q(timed_out_at__lte=resumed.at), ~Q(state__in=UNSETTLED))
    return list(rows.values_list("wave", "state"))


def _open_next(command: Command, now: datetime) -> bool:
    """The next wave in which something waits."""
    for wave in range(command.wave_open + 1, waves.WAVES):
        command.wave_open = wave
        command.save(update_fields=["wave_open"])
        if stations := _open_items(command, wave):
            CommandEvent.objects.create(
                command=command, at=now, verb=CommandEvent.Verb.WAVE_OPENED, stations=stations,
                detail=_("wave %(number)d of %(all)d") % {"number": wave + 1, "all": waves.WAVES},
            )  # fmt: skip
            return True
    return False


def _open_items(command: Command, wave: int) -> int:
    """Queued items up to this wave that had no due time may be claimed now. Returns the stations."""
    rows = CommandItem.objects.filter(command=command, state=ItemState.QUEUED, wave__lte=wave, due_at=None)
    stations = rows.values("station").distinct().count()
    items.locked(rows).update(due_at=Now())
    return stations


def _brake(command: Command, found: Standing, now: datetime) -> None:
    why = _("%(failed)d of %(total)d failed") % {"failed": found.failed, "total": found.total}
    command.paused_at, command.paused_why = now, why
    command.save(update_fields=["paused_at", "paused_why"])
    queued = CommandItem.objects.filter(command=command, state=ItemState.QUEUED)
    items.locked(queued).update(due_at=None)
    product = System(command.organisation_id, str(_("The brake")))
    stations = queued.values("station").distinct().count()
    cancelling.note(product, command, CommandEvent.Verb.BRAKED, stations, now, detail=why)


def _lock(pk: int) -> Command:
    return Command.objects.select_for_update(no_key=True).get(pk=pk)
