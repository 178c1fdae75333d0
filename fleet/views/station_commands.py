"""The commands of one station: a fragment of its page, and without a script a page of its own."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from fleet import command_lamps, command_words
from fleet.models import CommandItem, Station
from fleet.models.station import CommandKind
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
    items = CommandItem.objects.filter(station=station).select_related("command")
    before, after = (request.GET.get("before", ""), request.GET.get("after", "")) if not is_part else ("", "")
    page = newest_first(items, before=before, after=after, size=LAST if is_part else PAGE)
    asked = {value for row in page.rows if row.kind == CommandKind.TARIFF for value in (row.wanted_value,) if value}
    before_values = {row.value_before for row in page.rows if row.kind == CommandKind.TARIFF and row.value_before}
    names = command_words.tariff_names(request.actor, asked | before_values)
    context = {"station": station, "page": page, "rows": [_row(row, station, names) for row in page.rows]}
    name = "fleet/_station_commands.html" if is_part else "fleet/station_commands.html"
    return render(request, name, context | {"is_part": is_part})


def _row(item: CommandItem, station: Station, names: dict[str, str]) -> dict[str, Any]:
    zone = station.site.zone
    day = item.command.requested_at.astimezone(zone).date()
    return {
        "item": item,
        "mark": command_lamps.mark(item.state),
        "lamps": [(one, one.at and one.at.astimezone(zone).date() == day) for one in command_lamps.lamps(item)],
        "wanted": command_words.value(item.kind, item.wanted_value, names),
        "before": command_words.value(item.kind, item.value_before, names),
        "why": command_lamps.why(item, item.command, is_held=False),
    }
