"""Commands to stations, as asked by a person or a key: written down as rows, which are the queue.

Sending them lives in fleet/deliveries.py, what became of them in fleet/jobs.py.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from fleet import command_plan, items, waves
from fleet.command_facts import UNDER_WAY
from fleet.command_options import INTERACTIVE_CALLS, Options
from fleet.command_plan import Setting
from fleet.deliveries import deliver
from fleet.job_history import read_history
from fleet.jobs import digest_job, settle
from fleet.models import Command, CommandEvent, CommandItem, Station, StationSetting
from fleet.models.command import ItemState, Origin
from fleet.models.station import CommandKind, Lifecycle
from people import audit
from people.actor import Actor, Doer

__all__ = ["BadCommand", "Wish", "deliver", "digest_job", "for_all", "read_history", "request", "settle"]

MESSAGE_CHARS = 500
# What a command that follows another one is on that one's timeline.
TOLD = {Origin.UNDO: CommandEvent.Verb.UNDONE, Origin.RETRY: CommandEvent.Verb.RETRIED}


class BadCommand(ValueError):
    """It cannot be asked like this; the message is for people."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of one station; `values` maps the contract's words to values. The station has its account."""

    station: Station
    values: Mapping[str, str]


def for_all(stations: Iterable[Station], values: Mapping[str, str]) -> list[Wish]:
    """The same wish for each of these stations, each station once."""
    return [Wish(station, values) for station in {station.pk: station for station in stations}.values()]


def request(
    *,
    actor: Doer,
    wishes: Sequence[Wish],
    now: datetime,
    options: Options = Options(send_equal=True),  # noqa: B008  frozen
    origin: Origin = Origin.PERSON,
    parent: Command | None = None,
) -> Command:
    """Write the command down; nothing is sent yet, and nothing before the hold of `options` is over.

    A station that has the wanted value already is left out, unless `options.send_equal`. An older wish that still waits
    gives way when this one is sent, not before: this one may be taken back. Raises BadCommand. The caller has got the
    stations through the gate.
    """
    _check(actor, wishes)
    with transaction.atomic():
        before = _want(wishes, now)
        command = Command.objects.create(
            organisation_id=actor.organisation_id,
            origin=origin,
            parent=parent,
            requested_by_id=actor.user_id,
            api_key_id=actor.api_key_id,
            requested_by_label=actor.label[:160],
            requested_at=now,
            values=_common(wishes),
            in_session=options.in_session,
            expires_at=now + options.patience,
            held_until=Now() + timedelta(seconds=options.hold_s) if options.hold_s else None,
            is_interactive=isinstance(actor, Actor) and not actor.is_key and len(wishes) <= INTERACTIVE_CALLS,
            is_canary=options.is_canary,
            brake_percent=options.brake_percent,
        )
        rows = _items(command, wishes, before, options)
        CommandItem.objects.bulk_create(rows)
        CommandEvent.objects.create(
            command=command, at=now, verb=CommandEvent.Verb.ASKED, by_label=actor.label[:160], stations=len(wishes)
        )
        if parent is not None and origin in TOLD:
            CommandEvent.objects.create(
                command=parent, at=now, verb=TOLD[origin], by_label=actor.label[:160], stations=len(wishes)
            )
        _note(actor, command, wishes, now)
    return command


NAMED = 20  # station ids in the audit trail before it only counts


def _note(actor: Doer, command: Command, wishes: Sequence[Wish], now: datetime) -> None:
    names = [wish.station.vendor_id for wish in wishes]
    more = _(" and %d more") % (len(names) - NAMED) if len(names) > NAMED else ""
    audit.record(
        actor=actor,
        verb="command.requested",
        subject=", ".join(names[:NAMED]) + more,
        now=now,
        values=dict(command.values),
        command=str(command.public_id),
    )


def _common(wishes: Sequence[Wish]) -> dict[str, str | None]:
    """What is asked of all alike; None where stations want different values."""
    kinds: dict[str, set[str]] = {}
    for wish in wishes:
        for kind, value in wish.values.items():
            kinds.setdefault(kind, set()).add(value)
    return {kind: next(iter(values)) if len(values) == 1 else None for kind, values in kinds.items()}


def _items(
    command: Command, wishes: Sequence[Wish], before: dict[tuple[int, str], StationSetting], options: Options
) -> list[CommandItem]:
    """A row for each station and kind; the ones to be sent carry their wave."""
    due_at = _due_at(command, options)
    asked = [
        (wish, kind, value, before[wish.station.pk, kind]) for wish in wishes for kind, value in wish.values.items()
    ]
    under_way = {} if options.send_equal else _under_way(before)
    equal = {
        key
        for wish, kind, value, setting in asked
        if (key := (wish.station.pk, kind)) and not options.send_equal
        if command_plan.is_right(Setting(setting.finished_value, under_way.get(key)), value)
    }
    sent = [wish.station.pk for wish in wishes if any((wish.station.pk, kind) not in equal for kind in wish.values)]
    wave_of = waves.divide(sent) if options.is_canary else {}
    rows = []
    for wish, kind, value, setting in asked:
        skipped = (wish.station.pk, kind) in equal
        wave = wave_of.get(wish.station.pk, 0)
        rows.append(
            CommandItem(
                command=command,
                station=wish.station,
                kind=kind,
                wanted_value=value,
                value_before=setting.finished_value,
                wanted_before=setting.wanted_before,  # type: ignore[attr-defined]
                state=ItemState.SKIPPED if skipped else ItemState.QUEUED,
                error=_("already so") if skipped else "",
                error_code=items.ALREADY if skipped else "",
                wave=wave,
                is_interactive=command.is_interactive,
                due_at=None if skipped or wave else due_at,
            )
        )
    return rows


def _due_at(command: Command, options: Options) -> datetime:
    """When the hold is over, by the database's clock; read once, for an expression in each of thousands of rows takes
    many seconds to write."""
    end: Any = ExpressionWrapper(Now() + timedelta(seconds=options.hold_s), output_field=DateTimeField())
    due_at: datetime = Command.objects.annotate(end=end).values_list("end", flat=True).get(pk=command.pk)
    return due_at


def _under_way(keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """The newest wish of each station and kind of which the end is not known yet."""
    stations, kinds = {pk for pk, _kind in keys}, {kind for _pk, kind in keys}
    found = CommandItem.objects.filter(station__in=stations, kind__in=kinds, state__in=UNDER_WAY).order_by("pk")
    return {(pk, kind): value for pk, kind, value in found.values_list("station_id", "kind", "wanted_value")}


def _check(actor: Doer, wishes: Sequence[Wish]) -> None:
    if not wishes:
        raise BadCommand(_("Choose at least one station."))
    if not any(wish.values for wish in wishes):
        raise BadCommand(_("Choose at least one command."))
    for values in {tuple(wish.values.items()): wish.values for wish in wishes}.values():
        check_values(values)
    for wish in wishes:
        station = wish.station
        if station.organisation_id != actor.organisation_id or station.lifecycle != Lifecycle.ACTIVE:
            raise BadCommand(_("Station %s is not in service: make it active first.") % station.vendor_id)


def check_values(values: Mapping[str, str]) -> None:
    """Raises BadCommand with the first thing wrong."""
    for kind, value in values.items():
        if kind not in CommandKind.values:
            raise BadCommand(_("“%s” is not a command that the vendor knows.") % kind)
        if kind != CommandKind.MESSAGE and not value.strip():
            raise BadCommand(_("“%s” needs a value.") % CommandKind(kind).label)
        if len(value) > MESSAGE_CHARS:
            raise BadCommand(_("The text is longer than %d characters.") % MESSAGE_CHARS)


def _want(wishes: Sequence[Wish], now: datetime) -> dict[tuple[int, str], StationSetting]:
    """Set what is wanted of each station; returns the settings, each with the wish before as `wanted_before`."""
    wanted = {(wish.station.pk, kind): value for wish in wishes for kind, value in wish.values.items()}
    StationSetting.objects.bulk_create(
        [StationSetting(station_id=station_id, kind=kind) for station_id, kind in wanted], ignore_conflicts=True
    )
    kinds = {kind for _station_id, kind in wanted}
    rows = StationSetting.objects.select_for_update().filter(
        station_id__in={station_id for station_id, _kind in wanted}, kind__in=kinds
    )
    found = {(row.station_id, row.kind): row for row in rows.order_by("pk") if (row.station_id, row.kind) in wanted}
    alike: dict[str, list[int]] = {}
    for key, row in found.items():
        row.wanted_before = row.wanted_value if row.wanted_at else None  # type: ignore[attr-defined]
        row.wanted_value, row.wanted_at = wanted[key], now
        alike.setdefault(row.wanted_value, []).append(row.pk)
    # Value by value: a bulk update names each row's own, which takes minutes for thousands of rows.
    for value, pks in alike.items():
        StationSetting.objects.filter(pk__in=pks).update(wanted_value=value, wanted_at=now)
    return found
