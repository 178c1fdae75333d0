"""The commands of one station: a fragment of its page, without a script a page of its own, and a file."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render

from fleet import command_csv, item_rows
from fleet.models import CommandItem, Station
from lib import csv_file
from lib.paging import newest_first
from people.access import ActorRequest, require
from people.roles import Permission

LAST, PAGE = 8, 50


@require(Permission.VIEW)
def station_commands(request: ActorRequest, pk: int) -> HttpResponse:
    """Newest first; for htmx only the last few."""
    mine = Station.objects.visible_to(request.actor).select_related("site")
    station = get_object_or_404(mine, pk=pk)
    is_part = request.headers.get("HX-Request") == "true"
    items = item_rows.with_facts(CommandItem.objects.filter(station=station))
    before, after = (request.GET.get("before", ""), request.GET.get("after", "")) if not is_part else ("", "")
    page = newest_first(items, before=before, after=after, size=LAST if is_part else PAGE)
    context = {"station": station, "page": page, "rows": item_rows.of(request.actor, page.rows)}
    context |= {"may_export": request.actor.can(Permission.EXPORT)}
    name = "fleet/_station_commands.html" if is_part else "fleet/station_commands.html"
    return render(request, name, context | {"is_part": is_part})


@require(Permission.EXPORT)
def station_commands_csv(request: ActorRequest, pk: int) -> HttpResponseBase:
    """All of them."""
    station = get_object_or_404(Station.objects.visible_to(request.actor), pk=pk)
    items = CommandItem.objects.filter(station=station)
    return csv_file.answer(command_csv.of_station(items), f"commands-station-{station.pk}.csv")
