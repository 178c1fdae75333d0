"""A site's bays as tiles, live."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from charging import bays, changes
from charging.changes import Mark
from fleet.models import Site
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission


@require(Permission.VIEW)
def site_bays(request: HttpRequest, pk: int) -> HttpResponse:
    actor, site = _there(request, pk)
    mark = changes.look(actor, Mark()).mark
    return render(request, "charging/site_bays.html", _context(actor, site) | {"version": mark})


@require(Permission.VIEW)
def site_bays_now(request: HttpRequest, pk: int) -> HttpResponse:
    """204 if no session or exception of the site changed since X-Since."""
    actor, site = _there(request, pk)
    since = Mark.read(request.headers.get("X-Since", ""))
    news = changes.look(actor, since)
    if since.xid and not news:
        return HttpResponse(status=204, headers={"X-Version": str(news.mark)})
    answer = render(request, "charging/_site_bays.html", _context(actor, site) | {"partial": True})
    answer["X-Version"] = str(news.mark)
    return answer


def _there(request: HttpRequest, pk: int) -> tuple[Actor, Site]:
    """Whoever asks, looking at this site alone."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    site = get_object_or_404(Site.objects.visible_to(actor), pk=pk)
    return replace(actor, site_ids=frozenset({site.pk})), site


def _context(actor: Actor, site: Site) -> dict[str, Any]:
    now = clock.now()
    return {"site": site, "now": now, "found": bays.of(actor, site, now)}
