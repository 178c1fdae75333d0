"""The second half of a pair: what ends a window that has begun, and the windows that were left open until somebody ends
them or leaves them as they are."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from fleet import cancelling, commands, undo
from fleet.command_options import Options
from fleet.models import Command, CommandItem, CommandSchedule, ScheduledRun, Station
from fleet.models.command import DONE_ITEMS, OPEN_ITEMS, InSession, ItemState, Origin
from fleet.models.station import Lifecycle
from fleet.undo import MAY_BE_DONE, Found
from people import audit
from people.actor import Actor, System

Outcome = ScheduledRun.Outcome


def end(run: ScheduledRun, doer: System, now: datetime) -> Command | None:
    """Send the window's end, once; or write down why not. In the caller's transaction, the schedule's row locked."""
    schedule, first, due_at = run.schedule, run.command, run.returns_at
    if due_at is None:
        return None
    run.returns_at = None
    made = None
    if first is None:
        run.return_outcome, run.return_reason = (
            Outcome.MISSED,
            _("Its beginning was not sent: there is nothing to end."),
        )
    elif now >= due_at + _patience(schedule):
        run.return_outcome = Outcome.MISSED
        run.return_reason = _("Nothing was running when the window was to end, and the deadline has passed.")
    else:
        cancelling.cancel(actor=doer, command=first, now=now)  # what still waits must not be sent after the end
        made = _send(run, first, doer, due_at, now)
    run.save()
    return made


def back(run: ScheduledRun, stations: "QuerySet[Station]") -> Found:
    """What ends the run's window at these stations: the values chosen, or those from before.

    Chosen ones go to every station that the beginning may have reached or found as wanted already.
    """
    first, values = run.command, run.schedule.back_values
    if first is None:
        return Found([], [])
    if values is None:
        return undo.wishes(first, stations)
    reached: dict[int, dict[str, str]] = {}
    reasons = []
    for fact in undo.facts(first, stations):
        if not fact.in_service:
            reasons.append((str(undo.OUT_OF_SERVICE), fact.name))
        elif fact.state in MAY_BE_DONE or (fact.state == ItemState.SKIPPED and fact.value_now == fact.wanted):
            reached[fact.station_id] = dict(values)
        else:
            reasons.append((str(_("the beginning did not reach it")), fact.name))
    return Found(undo.group(reached), undo.gather(reasons))


def left_open(actor: Actor) -> "QuerySet[ScheduledRun]":
    """Windows whose end was not sent in time, while nobody has commanded their stations since: a person must look."""
    later = CommandItem.objects.filter(
        station=OuterRef("station"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"), state__in=(*OPEN_ITEMS, *DONE_ITEMS)
    )
    still = CommandItem.objects.filter(
        ~Exists(later),
        command=OuterRef("command"),
        state__in=MAY_BE_DONE,
        station__in=Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE),
    )
    mine = ScheduledRun.objects.filter(schedule__in=CommandSchedule.objects.visible_to(actor))
    missed = mine.filter(return_outcome=Outcome.MISSED, command__isnull=False)
    return missed.filter(Exists(still)).select_related("schedule", "command").order_by("-due_at", "-pk")


def leave(*, actor: Actor, run: ScheduledRun, now: datetime) -> bool:
    """A window that was left open may stay so: it is loud no more, and says who said it. False: it is not open now."""
    with transaction.atomic():
        # Locked first and looked at after: two people at once leave it once.
        held = ScheduledRun.objects.select_for_update(of=("self",)).select_related("schedule").get(pk=run.pk)
        if not left_open(actor).filter(pk=held.pk).exists():
            return False
        words = _("%(who)s has left it as it is. %(why)s") % {"who": actor.label, "why": held.return_reason}
        held.return_outcome, held.return_reason = Outcome.LEFT, words[:300]
        held.save(update_fields=["return_outcome", "return_reason"])
        audit.record(
            actor=actor,
            verb="command_schedule.left",
            subject=str(held.schedule),
            now=now,
            schedule=str(held.schedule.public_id),
            due_at=held.due_at.isoformat(),
        )
    return True


def _send(run: ScheduledRun, first: Command, doer: System, due_at: datetime, now: datetime) -> Command | None:
    found = back(run, Station.objects.filter(organisation_id=doer.organisation_id))
    run.return_reason = said(found)
    if not found.groups:
        run.return_outcome = Outcome.MISSED
        run.return_reason = _("Nothing to end. %(why)s") % {"why": run.return_reason}
        run.return_reason = run.return_reason[:300]
        return None
    names = {pk: group["values"] for group in found.groups for pk in group["station_ids"]}
    rows = Station.objects.filter(pk__in=names).select_related("account").order_by("vendor_id", "pk")
    options = Options(
        in_session=InSession(run.schedule.in_session),
        brake_percent=run.schedule.brake_percent,
        patience=due_at + _patience(run.schedule) - now,
        send_equal=True,  # the beginning may still be on its way: that the station looks right proves nothing
    )
    try:
        made = commands.request(
            actor=doer,
            wishes=[commands.Wish(row, names[row.pk]) for row in rows],
            now=now,
            options=options,
            origin=Origin.SCHEDULE,
            parent=first,
        )
    except commands.BadCommand as error:
        run.return_outcome, run.return_reason = Outcome.MISSED, str(error)[:300]
        return None
    run.return_outcome, run.return_command = Outcome.FIRED, made
    return made


def said(found: Found) -> str:
    """The stations that were left out, in the words of a run."""
    if not found.left_out:
        return ""
    return (_("Left out: %(what)s.") % {"what": "; ".join(map(str, found.left_out))})[:300]


def _patience(schedule: CommandSchedule) -> timedelta:
    return timedelta(minutes=schedule.patience_minutes)
