"""One station: what its connectors do and how we know, what it is, what we asked of it, a form to start a session."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from fleet import stations
from fleet.connector_state import State
from fleet.models import CommandItem, Station
from fleet.models.station import CommandKind
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

LAST_COMMANDS = 10


@require(Permission.VIEW)
def station(request: ActorRequest, pk: int) -> HttpResponse:
    visible = stations.with_states(Station.objects.visible_to(request.actor))
    found = get_object_or_404(visible, pk=pk)
    now = clock.now()
    states = stations.states(found, now)
    items = CommandItem.objects.filter(station=found).select_related("command").order_by("-pk")[:LAST_COMMANDS]
    context = {
        "station": found,
        "states": states,
        "startable": [c for c, state in states if state.state not in (State.IN_SESSION, State.BLOCKED)],
        "settings": _settings(found),
        "items": items,
        "now": now,
        "active": found.lifecycle == "active",
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "may_start": request.actor.can(Permission.CONTROL_SESSIONS),
    }
    return render(request, "fleet/station.html", context)


def _settings(found: Station) -> list[dict[str, Any]]:
    """Each kind of command with what was wanted and what a job finished with; None where nothing is known."""
    rows = {row.kind: row for row in found.settings.all()}
    return [{"label": kind.label, "row": rows.get(kind.value)} for kind in CommandKind]
