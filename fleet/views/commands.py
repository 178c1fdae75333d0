"""Commands: the list with its progress, one command item by item, and asking for a new one in two steps."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import command_words, paging, stations_list, tasks
from fleet import commands as domain
from fleet.forms import CommandForm
from fleet.models import Command, CommandItem, Site, Station
from fleet.models.command import OPEN_ITEMS, ItemState
from fleet.models.station import CommandKind, Lifecycle
from lib import clock
from lib.paging import newest_first
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

PAGE = 50
ITEMS = 100  # rows of one command's table
WENT_WRONG = (ItemState.FAILED, ItemState.REJECTED)
SHOWN = {"open": OPEN_ITEMS, "wrong": WENT_WRONG}


@require(Permission.VIEW)
def commands(request: ActorRequest) -> HttpResponse:
    mine = Command.objects.visible_to(request.actor)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    page = newest_first(mine, before=before, after=after, size=PAGE)
    names = command_words.tariff_names(request.actor, command_words.fee_ids(row.values for row in page.rows))
    progress = _progress(request.actor, page.rows)
    context = {
        "page": page,
        "rows": [
            {"command": row, "said": command_words.said(row.values, names), "progress": progress[row.pk]}
            for row in page.rows
        ],
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
    }
    return render(request, "fleet/commands.html", context)


def _progress(actor: Actor, rows: list[Command]) -> dict[int, dict[str, int]]:
    """Per command how far it is, counted over the items of stations that the actor sees. One query."""
    mine = CommandItem.objects.filter(command__in=rows, station__in=Station.objects.visible_to(actor))
    counted = mine.order_by().values_list("command_id").annotate(
        total=Count("pk"),
        finished=Count("pk", filter=Q(state=ItemState.FINISHED)),
        wrong=Count("pk", filter=Q(state__in=WENT_WRONG)),
        still_open=Count("pk", filter=Q(state__in=OPEN_ITEMS)),
    )  # fmt: skip
    nothing = {"total": 0, "finished": 0, "wrong": 0, "still_open": 0}
    return {row.pk: nothing for row in rows} | {
        pk: dict(zip(nothing, (total, finished, wrong, still_open), strict=True))
        for pk, total, finished, wrong, still_open in counted
    }


@require(Permission.VIEW)
def command(request: ActorRequest, public_id: str) -> HttpResponse:
    """The page; for htmx only its table, asked again every 2 s while something is open. `show`: open or wrong items."""
    found = get_object_or_404(Command.objects.visible_to(request.actor), public_id=public_id)
    items = CommandItem.objects.filter(command=found, station__in=Station.objects.visible_to(request.actor))
    if wanted := SHOWN.get(request.GET.get("show", "")):
        items = items.filter(state__in=wanted)
    page = paging.rising(items.select_related("station__site"), request.GET, size=ITEMS)
    values_before = {row.value_before for row in page.rows if row.kind == CommandKind.TARIFF}
    names = command_words.tariff_names(
        request.actor, command_words.fee_ids([found.values]) | {value for value in values_before if value}
    )
    context = {
        "command": found,
        "progress": _progress(request.actor, [found])[found.pk],
        "said": command_words.said(found.values, names),
        "page": page,
        "rows": [_item(row, names) for row in page.rows],
    }
    name = "fleet/_command_items.html" if request.headers.get("HX-Request") else "fleet/command.html"
    return render(request, name, context)


def _item(row: CommandItem, names: dict[str, str]) -> dict[str, Any]:
    return {
        "item": row,
        "mark": command_words.MARKS.get(row.state, row.state),
        "wanted": command_words.value(row.kind, row.wanted_value, names),
        "before": command_words.value(row.kind, row.value_before, names),
    }


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
