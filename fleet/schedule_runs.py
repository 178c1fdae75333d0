"""Sends what schedules say, at its time: each time of one is one row, written once however many workers look.

The end of a window lives in fleet/schedule_ends.py. A schedule spends no request before its time, and none after its
deadline.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import commands, schedule_ends, schedule_times, undo
from fleet.command_options import Options
from fleet.models import Command, CommandSchedule, ScheduledRun
from fleet.models.command import InSession, Origin
from fleet.models.station import Lifecycle
from people.actor import System

log = logging.getLogger(__name__)
Outcome = ScheduledRun.Outcome
MOST = 200  # schedules looked at in one go


def fire(now: datetime) -> list[Command]:
    """Write down the commands whose time has come, beginnings and ends. What comes too late is missed.

    Doing it twice at once is harmless.
    """
    made: list[Command] = []
    for due_at, is_begin, schedule_id in _due(now):
        try:
            made += _fire(schedule_id, due_at, now if is_begin else due_at, now)
        except Exception:  # one schedule must never keep the others from their turn
            log.exception("command schedule %s did not fire", schedule_id)
    return made


def _due(now: datetime) -> list[tuple[datetime, bool, int]]:
    """Moments in order of time, with the schedule, an end before a beginning: where two schedules meet, the later one
    says what stands. Two queries, each by an index of what is still to come: the times of the past may be many."""
    begins = CommandSchedule.objects.filter(next_at__lte=now).order_by("next_at", "pk").values_list("next_at", "pk")
    ends = ScheduledRun.objects.filter(returns_at__lte=now).order_by("returns_at", "pk")
    return sorted(
        [(at, True, pk) for at, pk in begins[:MOST] if at is not None]
        + [(at, False, pk) for at, pk in ends.values_list("returns_at", "schedule_id")[:MOST] if at is not None]
    )


def _fire(schedule_id: int, due_at: datetime, begins_until: datetime, now: datetime) -> list[Command]:
    """What one schedule ends at that moment, and what it begins until the other.

    Whoever comes second waits for its row, so that the order of moments holds, and finds nothing left to do.
    """
    with transaction.atomic():
        row = CommandSchedule.objects.select_for_update().get(pk=schedule_id)
        who = _("Schedule of %(who)s") % {"who": row.requested_by_label}
        doer = System(row.organisation_id, who[:160])
        ending = row.runs.filter(returns_at__lte=due_at).select_related("command").order_by("returns_at", "pk")
        made = [schedule_ends.end(run, doer, now) for run in ending]
        while row.next_at is not None and row.next_at <= begins_until:
            made.append(_begin(row, row.next_at, doer, now))
            row.next_at = schedule_times.next_begin(schedule_times.of(row), row.zone, row.next_at)
        row.save(update_fields=["next_at"])
    return [command for command in made if command is not None]


def _begin(schedule: CommandSchedule, due_at: datetime, doer: System, now: datetime) -> Command | None:
    run, made = ScheduledRun.objects.get_or_create(
        schedule=schedule, due_at=due_at, defaults={"outcome": Outcome.MISSED}
    )
    if not made:
        return None
    when = schedule_times.of(schedule)
    late_at = schedule_times.deadline(when, due_at, schedule.zone)
    if now >= late_at:
        run.reason = _("Nothing was running at its time, and the deadline has passed.")
    else:
        _request(run, doer, late_at - now, now)
    end_at = schedule_times.end_of(when, due_at, schedule.zone)
    if run.command is not None:
        run.returns_at = end_at
    elif end_at is not None:
        run.return_outcome, run.return_reason = (
            Outcome.MISSED,
            _("Its beginning was not sent: there is nothing to end."),
        )
    run.save()
    return run.command


def _request(run: ScheduledRun, doer: System, patience: timedelta, now: datetime) -> None:
    """The command of a beginning, or why there is none."""
    schedule = run.schedule
    rows = list(schedule.stations.select_related("account").order_by("vendor_id", "pk"))
    serving = [row for row in rows if row.lifecycle == Lifecycle.ACTIVE]
    gone = [(str(undo.OUT_OF_SERVICE), row.vendor_id) for row in rows if row.lifecycle != Lifecycle.ACTIVE]
    if not serving:
        run.reason = _("None of its stations is in service.")
        return
    options = Options(
        in_session=InSession(schedule.in_session),
        is_canary=schedule.is_canary,
        brake_percent=schedule.brake_percent,
        patience=patience,
    )
    try:
        run.command = commands.request(
            actor=doer,
            wishes=commands.for_all(serving, schedule.values),
            now=now,
            options=options,
            origin=Origin.SCHEDULE,
        )
    except commands.BadCommand as error:
        run.reason = str(error)[:300]
    else:
        run.outcome, run.reason = Outcome.FIRED, schedule_ends.said(undo.Found([], undo.gather(gone)))
