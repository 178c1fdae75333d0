"""Stations: the list with filters and check boxes, adding and changing one. One station stands in station.py."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import station_choice, stations_list
from fleet import stations as domain
from fleet.connector_state import RANK
from fleet.forms import StationForm
from fleet.models import Account, Site, Station, UnknownStation
from fleet.models.station import Lifecycle
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

FILTERS = ("site", "state", "q")


@require(Permission.VIEW)
def stations(request: ActorRequest) -> HttpResponse:
    now = clock.now()
    filters = {name: request.GET.get(name, "") for name in FILTERS}
    found = stations_list.matching(Station.objects.visible_to(request.actor), filters, now)
    may_command = request.actor.can(Permission.COMMAND_STATIONS)
    page = stations_list.page(found, request.GET, now)
    context = {
        "page": page,
        "ticks": station_choice.ticks_of(request.actor, request.GET, page.rows) if may_command else None,
        "to_command": found.filter(lifecycle=Lifecycle.ACTIVE).count() if may_command else 0,
        "states": RANK,
        "sites": Site.objects.visible_to(request.actor),
        "filters": filters,
        "filtered": any(filters.values()),
        "now": now,
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "may_command": may_command,
        "unknown": _unknown(request),
        "has_account": Account.objects.visible_to(request.actor).exists(),
        "may_add_account": request.actor.can(Permission.MANAGE_ACCOUNTS),
    }
    return render(request, "fleet/stations.html", context)


def _unknown(request: ActorRequest) -> QuerySet[UnknownStation]:
    """Ids the vendor named that are not ours yet. Their site is not known, so who is limited to some sees none."""
    seen = UnknownStation.objects.visible_to(request.actor).filter(dismissed_at=None)
    if not request.actor.can(Permission.MANAGE_FLEET) or request.actor.site_ids is not None:
        seen = seen.none()
    return seen.select_related("account").order_by("vendor_id")[:50]


@require(Permission.MANAGE_FLEET)
def station_new(request: ActorRequest) -> HttpResponse:
    """`vendor_id` and `account` in the query fill the form: an id offered for adoption."""
    initial: dict[str, Any] = {
        name: request.GET[name] for name in ("vendor_id", "account", "site") if name in request.GET
    }
    if "account" not in initial and (account := Account.objects.visible_to(request.actor).first()):
        initial["account"] = account.pk
    found = Station(organisation_id=request.actor.organisation_id)
    form = StationForm(request.POST or None, instance=found, actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        count = form.cleaned_data["connectors"]
        domain.create(actor=request.actor, station=form.save(commit=False), connectors=count, now=clock.now())
        messages.success(request, _("%s is added.") % found.vendor_id)
        return redirect("station", found.pk)
    return render(request, "fleet/station_form.html", {"form": form, "title": _("Add a station"), "station": None})


@require(Permission.MANAGE_FLEET)
def station_edit(request: ActorRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Station.objects.visible_to(request.actor), pk=pk)
    title = _("Change %s") % found.vendor_id
    form = StationForm(request.POST or None, instance=found, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        count = form.cleaned_data["connectors"]
        domain.change(actor=request.actor, station=form.save(commit=False), connectors=count, now=clock.now())
        messages.success(request, _("%s is saved.") % found.vendor_id)
        return redirect("station", found.pk)
    return render(request, "fleet/station_form.html", {"form": form, "title": title, "station": found})
