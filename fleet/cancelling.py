"""Taking back what has not been sent: by a person, and what is then wanted of the stations instead."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import items
from fleet.models import Command, CommandEvent, CommandItem, StationSetting
from fleet.models.command import ItemState, Origin
from people import audit
from people.actor import Doer

Key = tuple[int, str]  # station and kind


def cancel(*, actor: Doer, command: Command, now: datetime, items: Iterable[CommandItem] | None = None) -> int:
    """Cancel what is still queued of the command, or of these items of it. Returns how many; 0: nothing to cancel.

    What was wanted of the stations before is wanted again. A second call changes nothing.
    """
    only = None if items is None else {item.pk for item in items}
    with transaction.atomic():
        rows = lock_queued(command, only)
        if rows:
            drop(rows, actor=actor, now=now)
            note(actor, command, CommandEvent.Verb.CANCELLED, len({row.station_id for row in rows}), now)
    return len(rows)


def lock_queued(command: Command, only: set[int] | None = None) -> list[CommandItem]:
    """The command's queued items, the command locked first and they in the order in which everybody locks items."""
    Command.objects.select_for_update(no_key=True).get(pk=command.pk)
    rows = CommandItem.objects.select_for_update(of=("self",)).filter(command=command, state=ItemState.QUEUED)
    rows = rows if only is None else rows.filter(pk__in=only)
    return list(rows.select_related("command").order_by("pk"))


def drop(rows: Sequence[CommandItem], *, actor: Doer, now: datetime) -> None:
    """Queued items, locked, that will not be sent; the wish before them is wanted again."""
    error = _("cancelled by %s") % actor.label
    items.move_all(rows, ItemState.CANCELLED, now=now, error=error, code=items.CANCELLED)
    _want_before(rows)


def note(
    actor: Doer, command: Command, verb: CommandEvent.Verb, stations: int, now: datetime, detail: str = ""
) -> None:
    """On the command's timeline and in the audit trail, as `command.<verb>`."""
    CommandEvent.objects.create(
        command=command, at=now, verb=verb, by_label=actor.label[:160], stations=stations, detail=detail[:300]
    )
    audit.record(
        actor=actor,
        verb=f"command.{verb}",
        subject=_("%d stations") % stations,
        now=now,
        stations=stations,
        command=str(command.public_id),
    )


def inherit(newer: CommandItem, older: Iterable[CommandItem]) -> None:
    """The wishes before this one, newest first, were never sent: what was wanted before them was wanted before it."""
    before = newer.wanted_before
    for item in older:
        if newer.wanted_before == item.wanted_value:
            newer.wanted_before = item.wanted_before
    if newer.wanted_before != before:
        newer.save(update_fields=["wanted_before"])


def _want_before(rows: Sequence[CommandItem]) -> None:
    """Where a cancelled wish is still the wanted one, the one before comes back; a later wish remembers that one."""
    mine = {(row.station_id, row.kind): row for row in rows}
    before, after = _neighbours(mine)
    for key, later in after.items():
        inherit(later, [mine[key]])
    settings = StationSetting.objects.select_for_update().filter(station__in={pk for pk, _kind in mine})
    changed = []
    for setting in settings.order_by("pk"):
        key = (setting.station_id, setting.kind)
        if key in mine and key not in after and setting.wanted_value == mine[key].wanted_value:
            changed.append(_restored(setting, mine[key], before.get(key)))
    StationSetting.objects.bulk_update(changed, ["wanted_value", "wanted_at"], batch_size=500)


def _neighbours(mine: Mapping[Key, CommandItem]) -> tuple[dict[Key, CommandItem], dict[Key, CommandItem]]:
    """Per station and command the last wish before these of one command, and the first after them, that stand."""
    pks = [row.pk for row in mine.values()]
    others = CommandItem.objects.filter(station__in={pk for pk, _kind in mine}, kind__in={kind for _pk, kind in mine})
    others = others.exclude(state=ItemState.CANCELLED).exclude(command__origin=Origin.PORTAL)
    others = others.select_related("command").distinct("station_id", "kind")
    before = others.filter(pk__lt=min(pks)).order_by("station_id", "kind", "-pk")
    after = others.filter(pk__gt=max(pks)).order_by("station_id", "kind", "pk")
    by_key = [{(row.station_id, row.kind): row for row in found} for found in (before, after)]
    return by_key[0], {key: row for key, row in by_key[1].items() if key in mine}


def _restored(setting: StationSetting, item: CommandItem, before: CommandItem | None) -> StationSetting:
    setting.wanted_value = item.wanted_before or ""
    if item.wanted_before is None:
        setting.wanted_at = None
    elif before is not None and before.wanted_value == item.wanted_before:
        setting.wanted_at = before.command.requested_at
    return setting
