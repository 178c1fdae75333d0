"""Sites: the list with what their connectors do, one site, adding and changing one."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fleet import connector_query, station_choice, stations_list
from fleet import sites as domain
from fleet.connector_state import State
from fleet.forms import SiteForm
from fleet.models import Site, Station
from fleet.models.station import Lifecycle
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.VIEW)
def sites(request: ActorRequest) -> HttpResponse:
    mine = Site.objects.visible_to(request.actor)
    counts = connector_query.counts_by_site(mine, clock.now())
    rows = [_row(site, counts.get(site.pk, [])) for site in mine.annotate(station_count=Count("stations"))]
    context = {
        "rows": rows,
        "may_add": _may_add(request),
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "is_limited": request.actor.site_ids is not None,
    }
    return render(request, "fleet/sites.html", context)


def _row(site: Site, counts: list[tuple[str, int]]) -> dict[str, Any]:
    return {"site": site, "counts": counts, "worst": counts[0][0] if counts else State.NO_NEWS}


def _may_add(request: ActorRequest) -> bool:
    """Who is limited to some sites would not see a new one."""
    return request.actor.can(Permission.MANAGE_FLEET) and request.actor.site_ids is None


@require(Permission.VIEW)
def site(request: ActorRequest, pk: int) -> HttpResponse:
    mine, now = Site.objects.visible_to(request.actor), clock.now()
    found = get_object_or_404(mine, pk=pk)
    here = Station.objects.visible_to(request.actor).filter(site=found)
    may_command = request.actor.can(Permission.COMMAND_STATIONS)
    page = stations_list.page(here, request.GET, now)
    context = {
        "site": found,
        "page": page,
        "ticks": station_choice.ticks_of(request.actor, request.GET, page.rows) if may_command else None,
        "to_command": here.filter(lifecycle=Lifecycle.ACTIVE).count() if may_command else 0,
        "may_command": may_command,
        "counts": connector_query.counts_by_site(mine.filter(pk=found.pk), now).get(found.pk, []),
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
