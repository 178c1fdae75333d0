"""Commands: the list with its progress, one command item by item, and asking for a new one in two steps."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import commands as domain
from fleet import tasks
from fleet.forms import CommandForm
from fleet.models import Command, CommandItem, Station
from fleet.models.command import OPEN_ITEMS, ItemState
from fleet.models.station import CommandKind, Lifecycle
from lib import clock
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

PAGE = 50
WENT_WRONG = (ItemState.FAILED, ItemState.REJECTED)


@require(Permission.VIEW)
def commands(request: ActorRequest) -> HttpResponse:
    found = _with_progress(request.actor).order_by("-pk")
    after = request.GET.get("after", "")
    if after.isdecimal() and len(after) < 18:
        found = found.filter(pk__lt=int(after))
    rows = list(found[: PAGE + 1])
    context = {
        "rows": [{"command": row, "said": said(row.values)} for row in rows[:PAGE]],
        "after": str(rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
    }
    return render(request, "fleet/commands.html", context)


def _with_progress(actor: Actor) -> QuerySet[Command]:
    """Counted over the items of stations that the actor sees."""
    mine = Q() if actor.site_ids is None else Q(items__station__site_id__in=sorted(actor.site_ids))
    return Command.objects.visible_to(actor).annotate(
        total=Count("items", filter=mine),
        finished=Count("items", filter=mine & Q(items__state=ItemState.FINISHED)),
        wrong=Count("items", filter=mine & Q(items__state__in=WENT_WRONG)),
        still_open=Count("items", filter=mine & Q(items__state__in=OPEN_ITEMS)),
    )


def said(values: dict[str, str]) -> list[tuple[str, str]]:
    """What was asked, in words: pairs of command and value."""
    words = dict(CommandKind.choices)
    return [(str(words.get(kind, kind)), value or _("(cleared)")) for kind, value in values.items()]


@require(Permission.VIEW)
def command(request: ActorRequest, public_id: str) -> HttpResponse:
    """The page; for htmx only its table, asked again every 2 s while something is open."""
    found = get_object_or_404(_with_progress(request.actor), public_id=public_id)
    items = CommandItem.objects.filter(command=found, station__in=Station.objects.visible_to(request.actor))
    context = {
        "command": found,
        "said": said(found.values),
        "items": items.select_related("station__site").order_by("station__vendor_id", "pk"),
    }
    name = "fleet/_command_items.html" if request.headers.get("HX-Request") else "fleet/command.html"
    return render(request, name, context)


@require(Permission.COMMAND_STATIONS)
def command_new(request: ActorRequest) -> HttpResponse:
    """Choose what to ask; then a page that lists the stations and wants their number typed; then it is asked."""
    stations = _chosen(request)
    refused = ""
    form = CommandForm(request.POST or None, actor=request.actor, account_ids={row.account_id for row in stations})
    if request.method == "POST" and stations and form.is_valid():
        values = CommandForm.values(form.cleaned_data)
        typed = request.POST.get("typed")
        if typed is not None and typed.strip() == str(len(stations)):
            try:
                return _request(request, stations, values)
            except domain.BadCommand as error:
                refused = str(error)
        elif typed is not None:
            refused = _("Type the number of stations, %d, to send this.") % len(stations)
        return render(request, "fleet/command_confirm.html", _asked(form, stations, values, refused))
    context = {"form": form, "stations": stations, "others": [] if stations else _choosable(request.actor)}
    return render(request, "fleet/command_new.html", context)


def _chosen(request: ActorRequest) -> list[Station]:
    data = request.POST if request.method == "POST" else request.GET
    ids = [int(pk) for pk in data.getlist("station") if pk.isdecimal() and len(pk) < 18]
    return list(_choosable(request.actor).filter(pk__in=ids))


def _choosable(actor: Actor) -> QuerySet[Station]:
    active = Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE)
    return active.select_related("site", "account").order_by("vendor_id", "pk")


def _asked(form: CommandForm, stations: list[Station], values: dict[str, str], refused: str) -> dict[str, Any]:
    kept = {name: form.data.get(name, "") for name in ("tariff", "availability", "set_message", "message")}
    if form.cleaned_data.get("set_message"):
        kept["set_message"] = "on"
    return {
        "stations": stations,
        "said": said(values),
        "refused": refused,
        "kept": [(name, value) for name, value in kept.items() if value],
    }


def _request(request: ActorRequest, stations: list[Station], values: dict[str, str]) -> HttpResponse:
    made = domain.request(actor=request.actor, stations=stations, values=values, now=clock.now())
    # A hint only: with the broker down the sweep finds the rows as well.
    transaction.on_commit(tasks.deliver_due.delay, robust=True)
    messages.success(request, _("The command is on its way; this page shows how far it is."))
    return redirect("command", made.public_id)
