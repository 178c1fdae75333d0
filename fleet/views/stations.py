"""Stations: the list with filters and check boxes, adding and changing one. One station stands in station.py."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import stations as domain
from fleet.connector_state import RANK
from fleet.forms import StationForm
from fleet.models import Account, Site, Station, UnknownStation
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

PAGE = 100


@require(Permission.VIEW)
def stations(request: ActorRequest) -> HttpResponse:
    now = clock.now()
    mine = Station.objects.visible_to(request.actor)
    found = domain.with_states(_filtered(mine, request))
    wanted = request.GET.get("state", "")
    # A state is derived, so a filter by state looks at every station; without one a page is read, no more.
    after = request.GET.get("after", "")
    limited = found if wanted else _after(found, after)[: PAGE + 1]
    rows: list[dict[str, Any]] = [{"station": row, "states": domain.states(row, now)} for row in limited]
    if wanted:
        rows = [row for row in rows if any(state.state == wanted for _c, state in row["states"])]
    page = rows if wanted else rows[:PAGE]
    last = page[-1]["station"] if page else None
    context = {
        "rows": page,
        "after": f"{last.pk}" if last and len(rows) > len(page) else "",
        "states": RANK,
        "sites": Site.objects.visible_to(request.actor),
        "filters": {name: request.GET.get(name, "") for name in ("site", "state", "q")},
        "filtered": any(request.GET.get(name) for name in ("site", "state", "q", "after")),
        "now": now,
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "unknown": _unknown(request),
        "has_account": Account.objects.visible_to(request.actor).exists(),
    }
    return render(request, "fleet/stations.html", context)


def _filtered(found: QuerySet[Station], request: ActorRequest) -> QuerySet[Station]:
    if (site := request.GET.get("site", "")).isdecimal() and len(site) < 18:
        found = found.filter(site_id=int(site))
    if text := request.GET.get("q", "").replace("\0", "").strip()[:100]:
        found = found.filter(Q(vendor_id__icontains=text) | Q(name__icontains=text))
    return found.order_by("vendor_id", "pk")


def _after(found: QuerySet[Station], cursor: str) -> QuerySet[Station]:
    """The rows behind the station that the cursor names by its key; one that is gone or foreign begins anew."""
    if not (cursor.isdecimal() and len(cursor) < 18):
        return found
    last = found.filter(pk=int(cursor)).first()
    if last is None:
        return found
    return found.filter(Q(vendor_id__gt=last.vendor_id) | Q(vendor_id=last.vendor_id, pk__gt=last.pk))


def _unknown(request: ActorRequest) -> QuerySet[UnknownStation]:
    """Ids the vendor named that are not ours yet, for who may adopt them."""
    seen = UnknownStation.objects.visible_to(request.actor).filter(dismissed_at=None)
    if not request.actor.can(Permission.MANAGE_FLEET):
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
