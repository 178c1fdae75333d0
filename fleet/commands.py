"""Commands to stations, as asked by a person or a key: written down as rows, which are the queue.

Sending them lives in fleet/deliveries.py, what became of them in fleet/jobs.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from fleet import command_rows
from fleet.command_options import INTERACTIVE_CALLS, Options
from fleet.deliveries import deliver
from fleet.job_history import read_history
from fleet.jobs import digest_job, settle
from fleet.models import Command, CommandEvent, Station
from fleet.models.command import Origin
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
        asked = [(wish.station.pk, kind, value) for wish in wishes for kind, value in wish.values.items()]
        before = command_rows.want({(pk, kind): value for pk, kind, value in asked}, now)
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
        command_rows.write(command, asked, before, options)
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
