"""A command in three steps: to which stations, what and how and when, and (command_draft) the dry run."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from fleet import command_options, drafts, schedules, station_choice, stations_list
from fleet.connector_state import RANK, State
from fleet.forms import CommandForm
from fleet.forms.command_schedule import CommandScheduleForm
from fleet.models import CommandDraft, Site, Tariff
from fleet.models.station import CommandKind
from fleet.station_choice import Choice, Summary
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

CHOOSABLE_STATES = [state for state in RANK if state not in (State.PLANNED, State.DECOMMISSIONED)]
NAMED = 20  # unknown ids that are named


@require(Permission.COMMAND_STATIONS)
def command_new(request: ActorRequest) -> HttpResponse:
    """Without a choice of stations the first step, else the second; a valid form makes a draft and goes on to it."""
    now = clock.now()
    data = request.POST if request.method == "POST" else request.GET
    is_turning = station_choice.is_turning(request.GET)
    choice = None if is_turning else station_choice.read(request.actor, data, now)
    summary = station_choice.summary(choice) if choice else None
    if choice is None or summary is None or not summary.count:
        return _stations(request, now, choice)
    return _what(request, now, choice, summary)


def _stations(request: ActorRequest, now: datetime, choice: Choice | None) -> HttpResponse:
    """Step one, by the filter of the stations list. `choice`: one that means no station."""
    filters = station_choice.filters(request.GET)
    found = stations_list.matching(station_choice.choosable(request.actor), filters, now)
    page = stations_list.page(found, request.GET, now)
    context = {
        "page": page,
        "ticks": station_choice.ticks_of(request.actor, request.GET, page.rows),
        "matching": found.count(),
        "filters": filters,
        "filtered": any(filters.values()),
        "states": CHOOSABLE_STATES,
        "sites": Site.objects.visible_to(request.actor),
        "none_chosen": choice is not None or ("choose" in request.GET and not station_choice.is_turning(request.GET)),
        "unknown": choice.unknown[:NAMED] if choice else [],
        "unknown_more": max(0, len(choice.unknown) - NAMED) if choice else 0,
        "ids": request.POST.get("ids", request.GET.get("ids", "")),
    }
    return render(request, "fleet/command_stations.html", context)


def _what(request: ActorRequest, now: datetime, choice: Choice, summary: Summary) -> HttpResponse:
    """Step two. A choice that was only now posted, from step one, has no form yet."""
    data = request.POST if request.method == "POST" and "in_session" in request.POST else None
    initial, when_initial = _initial(request, choice)
    actor, account_ids = request.actor, summary.account_ids
    form = CommandForm(data, initial=initial, actor=actor, account_ids=account_ids)
    when_form = CommandScheduleForm(data, initial=when_initial, actor=actor, account_ids=account_ids)
    if data is not None and form.is_valid() & when_form.is_valid():
        draft = _draft(request, now, choice, form, when_form)
        if draft is not None:
            return redirect("command_draft", draft.public_id)
    context = {
        "form": form,
        "when_form": when_form,
        "choice": choice,
        "summary": summary,
        "unknown": choice.unknown[:NAMED],
        "unknown_more": max(0, len(choice.unknown) - NAMED),
    }
    return render(request, "fleet/command_new.html", context)


def _draft(
    request: ActorRequest, now: datetime, choice: Choice, form: CommandForm, when_form: CommandScheduleForm
) -> CommandDraft | None:
    """None: it cannot be scheduled like this, and the form says why."""
    options = CommandForm.options(form.cleaned_data)
    when = when_form.when(options.patience)
    pks = list(choice.stations.order_by("vendor_id", "pk").values_list("pk", flat=True))
    group = {"values": CommandForm.values(form.cleaned_data), "station_ids": pks}
    schedule = None
    if when is not None:
        try:
            schedules.parts(actor=request.actor, groups=[group], when=when, now=now)
        except schedules.BadSchedule as error:
            when_form.refuse(error)
            return None
        schedule = schedules.dump(when)
    return drafts.make(actor=request.actor, groups=[group], options=options, schedule=schedule, now=now)


def _initial(request: ActorRequest, choice: Choice) -> tuple[dict[str, Any], dict[str, Any]]:
    """Coming back from a draft whose stations were all asked the same, both forms are as they were left."""
    if choice.draft is None or len(choice.draft.groups) != 1:
        return {}, {}
    when, values = drafts.when_of(choice.draft), choice.draft.groups[0]["values"]
    back = (when.back_values if when else None) or {}
    fees = {asked.get(CommandKind.TARIFF, "") for asked in (values, back)}
    named = Tariff.objects.visible_to(request.actor).filter(fee_id__in=fees)
    known = {row.fee_id: row for row in named.filter(account__in=choice.stations.values("account_id"))}
    tariff, back_tariff = (known.get(asked.get(CommandKind.TARIFF, "")) for asked in (values, back))
    options = command_options.load(choice.draft.options)
    return CommandForm.initial_of(values, options, tariff), CommandScheduleForm.initial_of(when, back_tariff)
