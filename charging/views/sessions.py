"""Past sessions: the list, its CSV, and the tables that station and site pages load."""

import csv
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from charging import sessions_list
from charging.forms import PastFilter
from charging.models import Session
from charging.models.session import OPEN
from fleet.models import Site, Station
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission

LATEST = 10  # rows in the table of a station or a site


@require(Permission.VIEW)
def sessions(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    form = PastFilter(request.GET, actor=actor)
    wanted = form.cleaned_data if form.is_valid() else {}
    page = sessions_list.page(
        sessions_list.matching(actor, wanted),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
        counted=sessions_list.countable(wanted),
    )
    context = {"form": form, "page": page, "filtered": any(request.GET.get(name) for name in form.fields)}
    return render(request, "charging/sessions.html", context | {"may_export": actor.can(Permission.EXPORT)})


@require(Permission.EXPORT)
def sessions_csv(request: HttpRequest) -> HttpResponseBase:
    """The same filter as the page; a filter that makes no sense is refused rather than ignored."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    form = PastFilter(request.GET, actor=actor)
    if not form.is_valid():
        words = _("The filter makes no sense; go back to the list and correct it.")
        return HttpResponse(words, status=400, content_type="text/plain; charset=utf-8")
    found = sessions_list.matching(actor, form.cleaned_data)
    answer = StreamingHttpResponse(_written(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="sessions.csv"'
    return answer


class _Echo:
    """csv wants a file; this one hands each line on."""

    def write(self, text: str) -> str:
        return text


def _written(found: Any) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for line in sessions_list.lines(found):
        yield writer.writerow(line)


@require(Permission.VIEW)
def station_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    station = get_object_or_404(Station.objects.visible_to(request.actor), pk=pk)  # type: ignore[attr-defined]
    return _table(request, Session.objects.filter(station=station), {"station": station.vendor_id}, with_station=False)


@require(Permission.VIEW)
def site_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.visible_to(request.actor), pk=pk)  # type: ignore[attr-defined]
    stop_href = reverse("site_sessions_stop", args=[pk]) if _may_control(request) else ""
    return _table(request, Session.objects.filter(site=site), {"site": site.pk}, stop_href, with_station=True)


def _may_control(request: HttpRequest) -> bool:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor.can(Permission.CONTROL_SESSIONS)


def _table(
    request: HttpRequest, found: Any, query: dict[str, Any], stop_href: str = "", *, with_station: bool
) -> HttpResponse:
    """Open sessions first, then the latest past ones. `stop_href` stops all the open ones."""
    rows = found.visible_to(request.actor).select_related("site", "station", "connector")  # type: ignore[attr-defined]
    running = list(rows.filter(state__in=OPEN).order_by("-requested_at", "-id")[:LATEST])
    past = list(rows.ended().order_by("-ended_at", "-id")[: LATEST - len(running)]) if len(running) < LATEST else []
    context = {
        "sessions": [*running, *past],
        "with_station": with_station,
        "query": query,
        "stop_href": stop_href if running else "",
        "now": clock.now(),
    }
    return render(request, "charging/_sessions_table.html", context)
