"""Drafts of commands: made and confirmed. Nothing leaves before that.

What a draft would do is found in fleet/draft_looks.py, what a wish does to a station is decided in
fleet/command_plan.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import command_options, commands, items, plan_digest, schedules
from fleet.command_options import OF_PAGES, Options
from fleet.command_plan import Outcome
from fleet.commands import BadCommand
from fleet.draft_looks import MADE, Look, asked, look, wanted, when_of
from fleet.id_arrays import among
from fleet.models import Command, CommandDraft, CommandItem, Station
from fleet.models.command import ItemState, Origin
from people.actor import Actor

__all__ = ["Changed", "Done", "Look", "Refused", "WrongNumber", "confirm", "done", "look", "make", "wanted", "when_of"]


class Refused(Exception):
    """It was not sent; the message is for people and says what to do. `look` is what the number was held against."""

    look: Look | None = None


class WrongNumber(Refused):
    """Another number was typed than that of the stations affected."""


class Changed(Refused):
    """What would be done is not what the page showed."""

    def __init__(self, message: str, differences: list[plan_digest.Difference]) -> None:
        super().__init__(message)
        self.differences = differences


@dataclass(frozen=True)
class Done:
    """What became of a draft: a command, or the public ids of schedules."""

    command: Command | None
    schedule_ids: Sequence[str] = ()


def make(
    *,
    actor: Actor,
    groups: Sequence[Mapping[str, Any]],
    options: Options = OF_PAGES,
    origin: Origin = Origin.PERSON,
    parent: Command | None = None,
    schedule: dict[str, Any] | None = None,
    now: datetime,
) -> CommandDraft:
    """Keep the choice: `groups` are [{"values": {kind: wanted}, "station_ids": [pk, ...]}, ...].

    A station of several groups gets the values of all, the last one's where two name the same command. `schedule` comes
    from schedules.dump. Raises BadCommand. Stations that the actor does not see count as gone in a look.
    """
    kept: list[dict[str, Any]] = [
        {"values": dict(group["values"]), "station_ids": list(group["station_ids"])} for group in groups
    ]
    if not any(group["station_ids"] for group in kept):
        raise BadCommand(_("Choose at least one station."))
    if not all(group["values"] for group in kept):
        raise BadCommand(_("Choose at least one command."))
    for group in kept:
        commands.check_values(group["values"])
    return CommandDraft.objects.create(
        organisation_id=actor.organisation_id,
        requested_by_id=actor.user_id,
        origin=origin,
        parent=parent,
        groups=kept,
        options=command_options.dump(options),
        schedule=schedule,
        created_at=now,
    )


def done(draft: CommandDraft) -> Done | None:
    """What it was confirmed to; None: it was not."""
    made = (draft.schedule or {}).get(MADE, ())
    return Done(draft.command, made) if draft.command is not None or made else None


def confirm(
    draft: CommandDraft, actor: Actor, typed: str, seen_digest: str, now: datetime, *, speed: float = 1.0
) -> Done:
    """Make of a draft what it is for, once: a second confirmation returns the same command, or the same schedules.

    Raises WrongNumber, Changed, Refused where no station is affected, BadCommand and BadSchedule.
    """
    with transaction.atomic():
        # Without a join: who waited for the lock would find the new row beside the command of before, which was none.
        mine = CommandDraft.objects.select_for_update().get(pk=draft.pk)
        if (before := done(mine)) is not None:
            return before
        seen = look(mine, actor, now, speed=speed)
        try:
            _check(seen, typed, seen_digest)
        except Refused as error:
            error.look = seen
            raise
        if seen.when is None:
            mine.command = _request(mine, actor, seen, now)
        else:
            made = schedules.create(actor=actor, groups=mine.groups, options=seen.options, when=seen.when, now=now)
            mine.schedule = (mine.schedule or {}) | {MADE: [str(row.public_id) for row in made]}
        mine.save(update_fields=["command", "schedule"])
        return Done(mine.command, (mine.schedule or {}).get(MADE, ()))


def _check(seen: Look, typed: str, seen_digest: str) -> None:
    if not plan_digest.holds(seen.plan, seen_digest):
        words = _("Something has changed since this page was shown. Look at it once more, then type the number again.")
        raise Changed(words, plan_digest.differences(seen.plan, seen_digest))
    affected = len(seen.plan.affected)
    if not affected:
        raise Refused(_("No station would be changed, so there is nothing to send."))
    if "".join(typed.split()).replace(",", "") != str(affected):
        raise WrongNumber(_("Type %d, the number of stations that are changed, to send this.") % affected)


def _request(draft: CommandDraft, actor: Actor, seen: Look, now: datetime) -> Command:
    lines = asked(seen.plan)
    stations = {row.pk: row for row in Station.objects.filter(pk__in=among(line.facts.station_id for line in lines))}
    wished = wanted(draft)
    wishes = [commands.Wish(stations[line.facts.station_id], wished[line.facts.station_id]) for line in lines]
    command = commands.request(
        actor=actor, wishes=wishes, now=now, options=seen.options, origin=Origin(draft.origin), parent=draft.parent
    )
    CommandItem.objects.bulk_create(
        CommandItem(
            command=command,
            station_id=line.facts.station_id,
            kind=change.kind,
            wanted_value=change.wanted,
            value_before=change.setting.now,
            state=ItemState.SKIPPED,
            error=_("in session"),
            error_code=items.IN_SESSION,
            finished_at=now,
        )
        for line in seen.plan.of(Outcome.LEFT_OUT)
        for change in line.changes
    )
    return command
