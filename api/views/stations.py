"""GET stations, one station, each with its connectors' derived state."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import examples, filters, gate, pages, serializers
from api.described import operation
from fleet import stations as fleet_stations
from fleet.models import Station
from lib import clock
from people.roles import Permission

FILTERS = [
    OpenApiParameter("site", OpenApiTypes.INT, description="The id of a site."),
    OpenApiParameter("q", OpenApiTypes.STR, description="Part of the vendor's id or the name."),
]


@operation(
    "list_stations",
    {200: pages.of("Station", serializers.Station(many=True))},
    "invalid",
    example=examples.page(examples.STATION),
    parameters=[*FILTERS, *pages.PARAMETERS],
)
@api_view(["GET"])
def stations(request: Request) -> Response:
    """The stations you see, by id."""
    actor = gate.require(request, Permission.VIEW)
    rows = fleet_stations.with_states(Station.objects.visible_to(actor))
    if (site := filters.whole_number(request, "site")) is not None:
        rows = rows.filter(site_id=site)
    if q := filters.text(request, "q"):
        rows = rows.filter(Q(vendor_id__icontains=q) | Q(name__icontains=q))
    return pages.answer(request, rows, _shown)


@operation("get_station", {200: serializers.Station}, "not_found", example=examples.STATION)
@api_view(["GET"])
def station(request: Request, pk: int) -> Response:
    """One station, by our id."""
    actor = gate.require(request, Permission.VIEW)
    row = get_object_or_404(fleet_stations.with_states(Station.objects.visible_to(actor)), pk=pk)
    return Response(_shown([row])[0])


def _shown(rows: Sequence[Station]) -> Any:
    now = clock.now()
    for row in rows:
        row.last_seen_at = fleet_stations.last_seen_at(row)
        row.connector_states = [  # type: ignore[attr-defined]
            {
                "number": connector.number,
                "state": str(state.state),
                "detail": state.detail,
                "source": str(state.source),
                "since": state.since,
                "until": state.until,
            }
            for connector, state in fleet_stations.states(row, now)
        ]
    return serializers.Station(rows, many=True).data
