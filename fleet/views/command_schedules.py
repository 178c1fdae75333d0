"""Commands for later: the list, one schedule with its times, cancelling one, and the end that was not sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet import paging, schedule_ends, schedule_times, schedules, schedules_list
from fleet.models import CommandSchedule, ScheduledRun, Station
from fleet.models.command import InSession, Origin
from fleet.views.command_again import to_draft
from lib import clock, csv_file
from people.access import ActorRequest, require
from people.roles import Permission

MOST = 200  # schedules to come on one page
LAST = 50  # times of the past
COMING = 5
STATIONS = 100


@require(Permission.VIEW)
def command_schedules(request: ActorRequest) -> HttpResponse:
    actor = request.actor
    found = schedules_list.found(actor)
    shown = list(found.filter(next_at__isnull=False).order_by("next_at", "pk")[: MOST + 1])
    ending = found.filter(next_at=None, runs__returns_at__isnull=False).order_by("pk")[:MOST]
    past = ScheduledRun.objects.filter(schedule__in=CommandSchedule.objects.visible_to(actor))
    past = past.select_related("schedule", "command", "return_command").order_by("-due_at", "-pk")[:LAST]
    context = {
        "rows": schedules_list.rows(actor, [*ending, *shown[:MOST]]),
        "more": len(shown) > MOST,
        "past": schedules_list.run_rows(actor, past),
        "left_open": _left_open(request),
        "may_command": actor.can(Permission.COMMAND_STATIONS),
        "may_export": actor.can(Permission.EXPORT),
    }
    return render(request, "fleet/command_schedules.html", context)


@require(Permission.EXPORT)
def command_schedules_csv(request: ActorRequest) -> HttpResponseBase:
    lines = ([csv_file.text(cell) for cell in line] for line in schedules_list.lines(request.actor))
    return csv_file.answer(lines, "scheduled-commands.csv")


@require(Permission.VIEW)
def command_schedule(request: ActorRequest, public_id: str) -> HttpResponse:
    schedule = get_object_or_404(schedules_list.found(request.actor), public_id=public_id)
    (row,) = schedules_list.rows(request.actor, [schedule])
    when = schedule_times.of(schedule)
    mine = Station.objects.visible_to(request.actor).filter(command_schedules=schedule).select_related("site")
    runs = schedule.runs.select_related("schedule", "command", "return_command")[:LAST]
    is_whole = schedules.is_whole(request.actor, schedule)
    context = {
        "row": row,
        "schedule": schedule,
        "guard": InSession(schedule.in_session).label,
        "coming": _coming(schedule, when),
        "runs": schedules_list.run_rows(request.actor, runs),
        "page": paging.rising(mine, request.GET, by="vendor_id", size=STATIONS),
        "left_open": _left_open(request, schedule),
        "is_whole": is_whole,
        "may_cancel": is_whole and not row.is_over and request.actor.can(Permission.COMMAND_STATIONS),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
    }
    return render(request, "fleet/command_schedule.html", context)


@require(Permission.COMMAND_STATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def command_schedule_cancel(request: ActorRequest, public_id: str) -> HttpResponse:
    """GET asks, POST does. Who sees only some of its stations finds no schedule to cancel."""
    schedule = get_object_or_404(schedules_list.found(request.actor), public_id=public_id)
    (row,) = schedules_list.rows(request.actor, [schedule])
    if row.is_over or not schedules.is_whole(request.actor, schedule):
        messages.info(request, _("There is nothing to cancel here, or it has stations of sites that you do not see."))
        return redirect("command_schedule", schedule.public_id)
    back = reverse("command_schedule", args=[schedule.public_id])
    if request.method != "POST":
        context = {"row": row, "schedule": schedule, "title": _("Cancel this schedule?"), "cancel_url": back}
        return render(request, "fleet/command_schedule_cancel.html", context)
    with_end = request.POST.get("with_end") == "on"
    schedules.cancel(actor=request.actor, schedule=schedule, now=clock.now(), with_end=with_end)
    messages.success(request, _("The schedule is cancelled. What it has sent already stays as it is."))
    return redirect(back)


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_schedule_end(request: ActorRequest, public_id: str) -> HttpResponse:
    """Now by hand what ends the last window that was left open: a draft of it."""
    schedule = get_object_or_404(CommandSchedule.objects.visible_to(request.actor), public_id=public_id)
    run = _chosen(request, schedule)
    if run is None or run.command is None:
        return _closed(request, schedule)
    found = schedule_ends.back(run, Station.objects.visible_to(request.actor))
    nothing = _("There is nothing to send.")
    return to_draft(request, found, command=run.command, origin=Origin.UNDO, nothing=nothing)


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_schedule_leave(request: ActorRequest, public_id: str) -> HttpResponse:
    """That window may stay open. Who sees only some of its stations cannot say that for the others."""
    schedule = get_object_or_404(CommandSchedule.objects.visible_to(request.actor), public_id=public_id)
    run = _chosen(request, schedule)
    if not schedules.is_whole(request.actor, schedule):
        words = _("It also has stations of sites that you do not see. Who sees them all can leave it as it is.")
        messages.warning(request, words)
    elif run is None or not schedule_ends.leave(actor=request.actor, run=run, now=clock.now()):
        return _closed(request, schedule)
    else:
        words = _("It stays as it is, and that is noted with your name. A new command can still change it.")
        messages.success(request, words)
    return redirect("command_schedule", schedule.public_id)


def _chosen(request: ActorRequest, schedule: CommandSchedule) -> ScheduledRun | None:
    """The window left open that the button belongs to; without one, the last."""
    found, run = schedule_ends.left_open(request.actor).filter(schedule=schedule), request.POST.get("run", "")
    if run:
        found = found.filter(pk=int(run) if run.isdecimal() and len(run) < 18 else 0)
    return found.first()


def _closed(request: ActorRequest, schedule: CommandSchedule) -> HttpResponse:
    messages.info(request, _("No window of this schedule is left open: somebody has seen to it already."))
    return redirect("command_schedule", schedule.public_id)


def _left_open(request: ActorRequest, schedule: CommandSchedule | None = None) -> list[tuple[ScheduledRun, bool]]:
    """Each with whether the person sees all of its schedule's stations."""
    found = schedule_ends.left_open(request.actor)
    runs = list((found.filter(schedule=schedule) if schedule else found)[:LAST])
    partial = schedules_list.partial(request.actor, {run.schedule_id for run in runs})
    return [(run, run.schedule_id not in partial) for run in runs]


def _coming(schedule: CommandSchedule, when: schedule_times.When) -> list[Any]:
    """Its next times, the one that is due first among them."""
    if schedule.next_at is None:
        return []
    first = (schedule.next_at, schedule_times.end_of(when, schedule.next_at, schedule.zone))
    return [first, *schedule_times.coming(when, schedule.zone, schedule.next_at, COMING - 1)]
