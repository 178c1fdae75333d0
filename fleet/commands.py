"""Commands to stations, as asked by a person or a key: written down as rows, which are the queue.

Sending them lives in fleet/deliveries.py, what became of them in fleet/jobs.py.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from fleet import items
from fleet.deliveries import deliver
from fleet.jobs import digest_job, read_history, settle
from fleet.models import Command, CommandItem, Station, StationSetting
from fleet.models.command import ItemState
from fleet.models.station import CommandKind, Lifecycle
from people import audit
from people.actor import Actor

__all__ = ["BadCommand", "deliver", "digest_job", "read_history", "request", "settle"]

MESSAGE_CHARS = 500


class BadCommand(ValueError):
    """It cannot be asked like this; the message is for people."""


def request(*, actor: Actor, stations: Iterable[Station], values: Mapping[str, str], now: datetime) -> Command:
    """Write the command down; nothing is sent yet. `values` maps the contract's words to what is wanted.

    A wish for the same station that still waits to be sent is replaced. Raises BadCommand. The caller has got the
    stations through the gate.
    """
    wanted = list({station.pk: station for station in stations}.values())
    _check(actor, wanted, values)
    with transaction.atomic():
        command = Command.objects.create(
            organisation_id=actor.organisation_id,
            requested_by_id=actor.user_id,
            api_key_id=actor.api_key_id,
            requested_by_label=actor.label,
            requested_at=now,
            values=dict(values),
        )
        before = _want(wanted, values, now)
        _replace_waiting(wanted, values, now)
        CommandItem.objects.bulk_create(
            CommandItem(
                command=command,
                station=station,
                kind=kind,
                wanted_value=value,
                value_before=before[station.pk, kind],
                due_at=Now(),
            )
            for station in wanted
            for kind, value in values.items()
        )
        subject = ", ".join(station.vendor_id for station in wanted)
        audit.record(actor=actor, verb="command.requested", subject=subject, now=now, values=dict(values))
    return command


def _check(actor: Actor, stations: list[Station], values: Mapping[str, str]) -> None:
    if not stations:
        raise BadCommand(_("Choose at least one station."))
    if not values:
        raise BadCommand(_("Choose at least one command."))
    for kind, value in values.items():
        if kind not in CommandKind.values:
            raise BadCommand(_("“%s” is not a command that the vendor knows.") % kind)
        if kind != CommandKind.MESSAGE and not value.strip():
            raise BadCommand(_("“%s” needs a value.") % CommandKind(kind).label)
        if len(value) > MESSAGE_CHARS:
            raise BadCommand(_("The text is longer than %d characters.") % MESSAGE_CHARS)
    for station in stations:
        if station.organisation_id != actor.organisation_id or station.lifecycle != Lifecycle.ACTIVE:
            raise BadCommand(_("Station %s is not in service: make it active first.") % station.vendor_id)


def _want(stations: list[Station], values: Mapping[str, str], now: datetime) -> dict[tuple[int, str], str | None]:
    """Set what is wanted of each station; returns the values they had, by the last finished job."""
    StationSetting.objects.bulk_create(
        [StationSetting(station=station, kind=kind) for station in stations for kind in values], ignore_conflicts=True
    )
    rows = StationSetting.objects.select_for_update().filter(station__in=stations, kind__in=list(values))
    settings = list(rows.order_by("pk"))
    for setting in settings:
        setting.wanted_value, setting.wanted_at = values[setting.kind], now
    StationSetting.objects.bulk_update(settings, ["wanted_value", "wanted_at"])
    return {(setting.station_id, setting.kind): setting.finished_value for setting in settings}


def _replace_waiting(stations: list[Station], values: Mapping[str, str], now: datetime) -> None:
    """An older wish must never be sent after a newer one."""
    waiting = CommandItem.objects.select_for_update().filter(
        station__in=stations, kind__in=list(values), state=ItemState.QUEUED
    )
    for item in waiting.order_by("pk"):
        items.move(item, ItemState.CANCELLED, now=now, error=items.NEWER)
