"""Commands: the list with its progress and its CSV, and asking for a new one in two steps. One stands in command.py."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fleet import command_csv, command_words, commands_list, stations_list, tasks
from fleet import commands as domain
from fleet.forms import CommandForm
from fleet.models import Site, Station
from fleet.models.command import Origin
from fleet.models.station import CommandKind, Lifecycle
from fleet.views import polling
from lib import clock, csv_file
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission


@require(Permission.VIEW)
def commands(request: ActorRequest) -> HttpResponse:
    """The page; for htmx only its table, asked again while something of it is under way."""
    wanted = commands_list.filters(request.GET)
    found = commands_list.matching(request.actor, wanted)
    page = commands_list.page(found, request.GET, counted=commands_list.is_countable(wanted))
    rows = commands_list.rows(request.actor, page.rows)
    context = {
        "page": page,
        "rows": rows,
        "filters": wanted,
        "filtered": any(wanted.values()),
        "states": commands_list.STATES,
        "kinds": CommandKind.choices,
        "origins": Origin.choices,
        "sites": Site.objects.visible_to(request.actor),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "may_export": request.actor.can(Permission.EXPORT),
    }
    moving = [row for row in rows if row.progress.is_moving]
    every_s = polling.SOON_S if any(row.command.paused_at is None for row in moving) else polling.SELDOM_S
    part = "fleet/_commands_table.html"
    return polling.answer(request, "fleet/commands.html", part, context, every_s=every_s if moving else 0)


@require(Permission.EXPORT)
def commands_csv(request: ActorRequest) -> HttpResponseBase:
    """The commands that the list's filter means, all of them."""
    found = commands_list.matching(request.actor, commands_list.filters(request.GET))
    return csv_file.answer(command_csv.of_commands(request.actor, found), "commands.csv")


@require(Permission.COMMAND_STATIONS)
def command_new(request: ActorRequest) -> HttpResponse:
    """Choose stations; choose what to ask; then a page that lists the stations and wants their number typed."""
    stations = _chosen(request)
    if not stations:
        return _choose(request)
    refused = ""
    form = CommandForm(request.POST or None, actor=request.actor, account_ids={row.account_id for row in stations})
    if request.method == "POST" and "again" not in request.POST and form.is_valid():
        values = CommandForm.values(form.cleaned_data)
        typed = request.POST.get("typed")
        if typed is not None and typed.strip() == str(len(stations)):
            try:
                return _request(request, stations, values)
            except domain.BadCommand as error:
                refused = str(error)
        elif typed is not None:
            refused = _("Type the number of stations, %d, to send this.") % len(stations)
        return render(request, "fleet/command_confirm.html", _asked(request, form, stations, values, refused))
    return render(request, "fleet/command_new.html", {"form": form, "stations": stations})


def _choose(request: ActorRequest) -> HttpResponse:
    """Step one, by the filter of the stations list."""
    now = clock.now()
    filters = {name: request.GET.get(name, "") for name in ("site", "q")}
    found = stations_list.matching(_choosable(request.actor), filters, now)
    context = {
        "page": stations_list.page(found, request.GET, now),
        "filters": filters,
        "filtered": any(filters.values()),
        "sites": Site.objects.visible_to(request.actor),
        "none_chosen": request.method == "POST" or "choose" in request.GET,
    }
    return render(request, "fleet/command_stations.html", context)


def _chosen(request: ActorRequest) -> list[Station]:
    data = request.POST if request.method == "POST" else request.GET
    ids = [int(pk) for pk in data.getlist("station") if pk.isdecimal() and len(pk) < 18]
    if not ids:
        return []
    mine = _choosable(request.actor).filter(pk__in=ids)
    return list(mine.select_related("site", "account").order_by("vendor_id", "pk"))


def _choosable(actor: Actor) -> QuerySet[Station]:
    return Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE)


def _asked(
    request: ActorRequest, form: CommandForm, stations: list[Station], values: dict[str, str], refused: str
) -> dict[str, Any]:
    kept = {name: form.data.get(name, "") for name in ("tariff", "availability", "set_message", "message")}
    if form.cleaned_data.get("set_message"):
        kept["set_message"] = "on"
    names = command_words.tariff_names(request.actor, command_words.fee_ids([values]))
    return {
        "stations": stations,
        "said": command_words.said(values, names),
        "refused": refused,
        "typed": request.POST.get("typed", ""),
        "kept": [(name, value) for name, value in kept.items() if value],
    }


def _request(request: ActorRequest, stations: list[Station], values: dict[str, str]) -> HttpResponse:
    made = domain.request(actor=request.actor, wishes=domain.for_all(stations, values), now=clock.now())
    # A hint only: with the broker down the sweep finds the rows as well.
    transaction.on_commit(tasks.deliver_due.delay, robust=True)
    messages.success(request, _("The command is on its way; this page shows how far it is."))
    return redirect("command", made.public_id)
