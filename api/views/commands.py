"""Commands to stations: list, one with its items, and a new one (POST to the list)."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import examples, gate, pages, serializers
from api import stations as named
from api.described import BODY, operation
from api.errors import Refused
from charging import tasks
from fleet import commands as fleet_commands
from fleet import tasks as fleet_tasks
from fleet.models import Command, Station
from fleet.models.command import Origin
from fleet.models.station import CommandKind
from lib import clock
from people.actor import Actor
from people.roles import Permission


@operation(
    "list_commands",
    {200: pages.of("Command", serializers.CommandSummary(many=True))},
    "invalid",
    example=examples.page(examples.COMMAND_SUMMARY),
    methods=["GET"],
    description="Latest first.",
    parameters=pages.PARAMETERS,
)
@operation(
    "request_command",
    {202: serializers.Command},
    *(*BODY, "not_found", "ambiguous", "bad_command"),
    example=examples.QUEUED,
    asked=examples.COMMANDS,
    methods=["POST"],
    description="One or more values for one or more stations; all stations are taken or none. Read it again for its "
    "progress, station by station.",
    request=serializers.CommandRequest,
)
@api_view(["GET", "POST"])
def commands(request: Request) -> Response:
    return _request(request) if request.method == "POST" else _list(request)


@operation("get_command", {200: serializers.Command}, "not_found", example=examples.COMMAND)
@api_view(["GET"])
def command(request: Request, public_id: UUID) -> Response:
    """One command and what became of it, station by station."""
    actor = gate.require(request, Permission.VIEW)
    row = get_object_or_404(Command.objects.visible_to(actor), public_id=public_id)
    return Response(_shown(actor, row))


def _list(request: Request) -> Response:
    actor = gate.require(request, Permission.VIEW)
    rows = Command.objects.visible_to(actor)
    return pages.answer(request, rows, lambda page: serializers.CommandSummary(page, many=True).data, ordering="-id")


def _request(request: Request) -> Response:
    actor = gate.require(request, Permission.COMMAND_STATIONS)
    given = serializers.CommandRequest(data=request.data)
    given.is_valid(raise_exception=True)
    stations = named.find_all(actor, given.validated_data["stations"])
    values = {kind: given.validated_data[kind] for kind in CommandKind.values if kind in given.validated_data}
    try:
        wishes = fleet_commands.for_all(stations, values)
        row = fleet_commands.request(actor=actor, wishes=wishes, now=clock.now(), origin=Origin.API)
    except fleet_commands.BadCommand as refused:
        raise Refused(422, "bad_command", str(refused)) from refused
    tasks.nudge(fleet_tasks.deliver_due)
    location = reverse("api_command", args=[row.public_id])
    return Response(_shown(actor, row), status=202, headers={"Location": location})


def _shown(actor: Actor, row: Command) -> Any:
    """Only the items of stations that the actor sees."""
    seen = row.items.filter(station__in=Station.objects.visible_to(actor)).select_related("station")
    row.seen_items = list(seen.order_by("id"))  # type: ignore[attr-defined]
    return serializers.Command(row).data
