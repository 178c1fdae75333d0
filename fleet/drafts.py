"""Drafts of commands: made, looked at (the dry run and its forecast), and confirmed. Nothing leaves before that.

What a wish does to a station is decided in fleet/command_plan.py, its facts are read in fleet/command_facts.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import command_facts, command_options, command_plan, commands, forecast, plan_digest
from fleet.budget import Lane
from fleet.command_options import INTERACTIVE_CALLS, OF_PAGES, Options
from fleet.command_plan import Outcome, Plan
from fleet.commands import BadCommand
from fleet.models import Command, CommandDraft, CommandItem, Station
from fleet.models.command import ItemState, Origin
from people.actor import Actor

IN_SESSION = "in_session"  # the code of items that were left out for it


class Refused(Exception):
    """It was not sent; the message is for people and says what to do."""


class WrongNumber(Refused):
    """Another number was typed than that of the stations affected."""


class Changed(Refused):
    """What would be done is not what the page showed."""

    def __init__(self, message: str, differences: list[plan_digest.Difference]) -> None:
        super().__init__(message)
        self.differences = differences


@dataclass(frozen=True)
class Look:
    """A draft as it stands: `sending_s` is wall time from now until the last call is answered, None: never.

    `is_late`: the deadline comes before that. `requests` counts manage calls.
    """

    options: Options
    plan: Plan
    stations: Mapping[int, Station]
    requests: int
    sending_s: float | None
    is_late: bool
    digest: str


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

    A station of several groups gets the values of all, the last one's where two name the same command. Raises
    BadCommand. Stations that the actor does not see count as gone when the draft is looked at.
    """
    kept = [{"values": dict(group["values"]), "station_ids": list(group["station_ids"])} for group in groups]
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


def wanted(draft: CommandDraft) -> dict[int, dict[str, str]]:
    """By station id what is wanted of it."""
    found: dict[int, dict[str, str]] = {}
    for group in draft.groups:
        for pk in group["station_ids"]:
            found.setdefault(pk, {}).update(group["values"])
    return found


def look(draft: CommandDraft, actor: Actor, now: datetime, *, speed: float = 1.0) -> Look:
    """The dry run against what holds now, and when sending would be done. `speed`: business seconds per wall second."""
    options, wishes = command_options.load(draft.options), wanted(draft)
    kinds = sorted({kind for values in wishes.values() for kind in values})
    stations = command_facts.stations(actor, wishes, now)
    plan = command_plan.plan(
        command_facts.facts(stations, kinds), wishes, in_session=options.in_session, send_equal=options.send_equal
    )
    accounts = command_facts.accounts({row.account_id for row in stations.values()})
    per_call = {pk: row.stations_per_call for pk, row in accounts.items()}
    calls: dict[int, int] = {}
    # Stations in session are sent to when they are free, and nobody knows when that is.
    for account_id, count in command_plan.requests(plan.of(Outcome.SEND), per_call).items():
        budget_id = accounts[account_id].budget_id
        calls[budget_id] = calls.get(budget_id, 0) + count
    lane = Lane.PEOPLE if len(_asked(plan)) <= INTERACTIVE_CALLS else Lane.COMMANDS
    replaced = {(line.facts.station_id, change.kind) for line in plan.lines for change in line.sent}
    keys = command_facts.keys(accounts, lane=lane, replaced=replaced)
    parts = [(count, keys[budget_id]) for budget_id, count in calls.items()]
    sending_s = forecast.all_done_in_s(parts, begins_in_s=options.hold_s)
    return Look(
        options=options,
        plan=plan,
        stations=stations,
        requests=sum(plan.requests(per_call).values()),
        sending_s=sending_s,
        is_late=sending_s is None or sending_s * speed > options.patience.total_seconds(),
        digest=plan_digest.of(plan),
    )


def confirm(draft: CommandDraft, actor: Actor, typed: str, seen_digest: str, now: datetime) -> Command:
    """Make the command of a draft, once: a second confirmation returns the same one.

    Raises WrongNumber, Changed, Refused where no station is affected, and BadCommand.
    """
    with transaction.atomic():
        locked = CommandDraft.objects.select_for_update(of=("self",)).select_related("parent").get(pk=draft.pk)
        if locked.command is not None:
            return locked.command
        seen = look(locked, actor, now)
        _check(seen, typed, seen_digest)
        locked.command = _request(locked, actor, seen, now)
        locked.save(update_fields=["command"])
    return locked.command


def _check(seen: Look, typed: str, seen_digest: str) -> None:
    if not plan_digest.holds(seen.plan, seen_digest):
        words = _("Something has changed since this page was shown. Look at it once more, then type the number again.")
        raise Changed(words, plan_digest.differences(seen.plan, seen_digest))
    affected = len(seen.plan.affected)
    if not affected:
        raise Refused(_("No station would be changed, so there is nothing to send."))
    if "".join(typed.split()).replace(",", "") != str(affected):
        raise WrongNumber(_("Type %d, the number of stations that are changed, to send this.") % affected)


def _asked(plan: Plan) -> list[command_plan.Line]:
    """The lines that become rows of the command, stations that can most likely answer first: a canary starts there."""
    asked = [line for line in plan.lines if line.is_affected or line.outcome == Outcome.ALREADY]
    return sorted(asked, key=lambda line: (line.outcome != Outcome.SEND, line.facts.is_offline))


def _request(draft: CommandDraft, actor: Actor, seen: Look, now: datetime) -> Command:
    wishes = [
        commands.Wish(seen.stations[line.facts.station_id], {change.kind: change.wanted for change in line.changes})
        for line in _asked(seen.plan)
    ]
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
            error_code=IN_SESSION,
            finished_at=now,
        )
        for line in seen.plan.of(Outcome.LEFT_OUT)
        for change in line.changes
    )
    return command
