"""Sites: the list with what their connectors do, one site, adding and changing one."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import sites as domain
from fleet import stations
from fleet.connector_state import RANK, ConnectorState
from fleet.forms import SiteForm
from fleet.models import Site, Station
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.VIEW)
def sites(request: ActorRequest) -> HttpResponse:
    now = clock.now()
    by_site: dict[int, list[Station]] = {}
    for station in stations.with_states(Station.objects.visible_to(request.actor)):
        by_site.setdefault(station.site_id, []).append(station)
    rows = [_row(site, by_site.get(site.pk, []), now) for site in Site.objects.visible_to(request.actor)]
    context = {"rows": rows, "may_add": _may_add(request), "states": RANK}
    return render(request, "fleet/sites.html", context)


def _row(site: Site, found: list[Station], now: Any) -> dict[str, Any]:
    states = sorted((state for row in found for _c, state in stations.states(row, now)), key=lambda state: state.rank)
    return {"site": site, "stations": len(found), "states": states, "counts": counts(states)}


def counts(states: list[ConnectorState]) -> list[tuple[str, int]]:
    """How many connectors in each state that occurs, what needs a person first."""
    found = Counter(state.state for state in states)
    return [(str(state), found[state]) for state in RANK if found[state]]


def _may_add(request: ActorRequest) -> bool:
    """Who is limited to some sites would not see a new one."""
    return request.actor.can(Permission.MANAGE_FLEET) and request.actor.site_ids is None


@require(Permission.VIEW)
def site(request: ActorRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Site.objects.visible_to(request.actor), pk=pk)
    here: QuerySet[Station] = Station.objects.visible_to(request.actor).filter(site=found)
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {"station": row, "states": stations.states(row, now)} for row in stations.with_states(here)
    ]
    states = [state for row in rows for _c, state in row["states"]]
    context = {
        "site": found,
        "rows": rows,
        "counts": counts(states),
        "now": now,
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
    }
    return render(request, "fleet/site.html", context)


@require(Permission.MANAGE_FLEET)
def site_new(request: ActorRequest) -> HttpResponse:
    if not _may_add(request):
        raise Http404
    return _form(request, Site(organisation_id=request.actor.organisation_id), _("Add a site"))


@require(Permission.MANAGE_FLEET)
def site_edit(request: ActorRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Site.objects.visible_to(request.actor), pk=pk)
    return _form(request, found, _("Change %s") % found.name)


def _form(request: ActorRequest, found: Site, title: str) -> HttpResponse:
    form = SiteForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = domain.save(actor=request.actor, site=form.save(commit=False), now=clock.now())
        messages.success(request, _("%s is saved.") % saved.name)
        return redirect("site", saved.pk)
    context = {"form": form, "title": title, "site": found if found.pk else None, "zones": domain.zones()}
    return render(request, "fleet/site_form.html", context)
