"""A draft as it stands at this moment: what it would do, when its sending would be done, and when it would begin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from fleet import command_facts, command_options, command_plan, forecast, plan_digest, schedules
from fleet.budget import Lane
from fleet.command_options import INTERACTIVE_CALLS, Options
from fleet.command_plan import Facts, Line, Outcome, Plan, Setting
from fleet.commands import BadCommand
from fleet.forecast import Key
from fleet.models import CommandDraft
from fleet.models.account import Account
from fleet.models.command import InSession
from fleet.schedules import BadSchedule, Part, When
from people.actor import Actor

MADE = "made"  # beside the words of `when` in a draft's schedule: the public ids of what became of it


@dataclass(frozen=True)
class Look:
    """`sending_s` is wall time until the last call is answered, from now or from the beginning of a schedule; None:
    never. `is_late`: the deadline comes before that. `requests` counts manage calls.

    `when` and `parts` are those of a schedule; `problem` says why it cannot be scheduled like this.
    """

    options: Options
    plan: Plan
    requests: int
    sending_s: float | None
    is_late: bool
    digest: str
    accounts: Mapping[int, Account]
    when: When | None = None
    parts: Sequence[Part] = ()
    problem: str = ""


def wanted(draft: CommandDraft) -> dict[int, Mapping[str, str]]:
    """By station id what is wanted of it."""
    found: dict[int, Mapping[str, str]] = {}
    for group in draft.groups:
        values = group["values"]
        for pk in group["station_ids"]:
            found[pk] = {**found[pk], **values} if pk in found else values
    return found


def when_of(draft: CommandDraft) -> When | None:
    """None: at once."""
    if draft.schedule is None:
        return None
    return schedules.load({name: value for name, value in draft.schedule.items() if name != MADE})


def look(draft: CommandDraft, actor: Actor, now: datetime, *, speed: float = 1.0) -> Look:
    """The dry run against what holds now, and when sending would be done. `speed`: business seconds per wall second."""
    options, when = command_options.load(draft.options), when_of(draft)
    plan = _plan(draft, actor, now, options, when)
    accounts = command_facts.accounts({line.facts.account_id for line in plan.lines})
    sending_s = _sending_s(plan, accounts, options, is_later=when is not None)
    patience = options.patience if when is None else when.patience
    parts, problem = _parts(draft, actor, now, when, plan)
    return Look(
        options=options,
        plan=plan,
        requests=sum(plan.requests(_per_call(accounts)).values()),
        sending_s=sending_s,
        is_late=sending_s is None or sending_s * speed > patience.total_seconds(),
        digest=plan_digest.of(plan),
        accounts=accounts,
        when=when,
        parts=parts,
        problem=problem,
    )


def asked(plan: Plan) -> list[Line]:
    """The lines that become rows of a command, stations that can most likely answer first: a canary starts there."""
    found = [line for line in plan.lines if line.is_affected or line.outcome == Outcome.ALREADY]
    return sorted(found, key=lambda line: (line.outcome != Outcome.SEND, line.facts.is_offline))


def _plan(draft: CommandDraft, actor: Actor, now: datetime, options: Options, when: When | None) -> Plan:
    wishes = wanted(draft)
    kinds = sorted({kind for group in draft.groups for kind in group["values"]})
    facts = command_facts.facts(actor, list(wishes), kinds, now)
    if when is None:
        return command_plan.plan(facts, wishes, in_session=options.in_session, send_equal=options.send_equal)
    return command_plan.plan(_lasting(facts), wishes, in_session=InSession.PROCEED, send_equal=True)


def _lasting(facts: Iterable[Facts]) -> list[Facts]:
    """Without what will be over by the time of a schedule: it looks by itself then."""
    return [
        replace(
            row,
            is_busy=False,
            is_blocked=False,
            is_offline=False,
            settings={kind: Setting(setting.now) for kind, setting in row.settings.items()},
        )
        for row in facts
    ]


def _per_call(accounts: Mapping[int, Account]) -> dict[int, int]:
    return {pk: row.stations_per_call for pk, row in accounts.items()}


def _sending_s(plan: Plan, accounts: Mapping[int, Account], options: Options, *, is_later: bool) -> float | None:
    """Stations in session are sent to when they are free, and nobody knows when that is: they are not counted."""
    calls: dict[int, int] = {}
    for account_id, count in command_plan.requests(plan.of(Outcome.SEND), _per_call(accounts)).items():
        budget_id = accounts[account_id].budget_id
        calls[budget_id] = calls.get(budget_id, 0) + count
    is_small = len(plan.affected) + plan.counts.get(Outcome.ALREADY, 0) <= INTERACTIVE_CALLS and not is_later
    replaced = {(line.facts.station_id, change.kind) for line in plan.lines for change in line.sent}
    keys = command_facts.keys(accounts, lane=Lane.PEOPLE if is_small else Lane.COMMANDS, replaced=replaced)
    if is_later:  # what is free then is not known: the best that can be
        keys = {pk: Key([0.0] * len(key.free_in_s), key.window_s, key.rtt_s) for pk, key in keys.items()}
    parts = [(count, keys[budget_id]) for budget_id, count in calls.items()]
    return forecast.all_done_in_s(parts, begins_in_s=0.0 if is_later else options.hold_s)


def _parts(
    draft: CommandDraft, actor: Actor, now: datetime, when: When | None, plan: Plan
) -> tuple[Sequence[Part], str]:
    if when is None or not plan.affected:
        return (), ""
    try:
        return schedules.parts(actor=actor, groups=draft.groups, when=when, now=now), ""
    except (BadSchedule, BadCommand) as error:
        return (), str(error) or _("It cannot be scheduled like this.")
