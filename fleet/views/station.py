"""One station: what its connectors do and how we know, what it is, what commands set, a form to start a session."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from fleet import command_words, stations
from fleet.connector_state import State
from fleet.models import Station, StationSetting
from fleet.models.station import CommandKind
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.VIEW)
def station(request: ActorRequest, pk: int) -> HttpResponse:
    visible = stations.with_states(Station.objects.visible_to(request.actor))
    found = get_object_or_404(visible, pk=pk)
    now = clock.now()
    states = stations.states(found, now)
    names = _tariff_names(request, found)
    context = {
        "station": found,
        "states": states,
        "startable": [c for c, state in states if state.state not in (State.IN_SESSION, State.BLOCKED)],
        "last_seen_at": stations.last_seen_at(found),
        "settings": _settings(found, names),
        "now": now,
        "active": found.lifecycle == "active",
        "may_manage": request.actor.can(Permission.MANAGE_FLEET),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "may_start": request.actor.can(Permission.CONTROL_SESSIONS),
    }
    return render(request, "fleet/station.html", context)


def _tariff_names(request: ActorRequest, found: Station) -> dict[str, str]:
    set_ids = {value for row in found.settings.all() for value in (row.wanted_value, row.finished_value) if value}
    return command_words.tariff_names(request.actor, set_ids)


def _settings(found: Station, names: dict[str, str]) -> list[dict[str, Any]]:
    """Each kind of command with what was wanted and what a job finished with; None where nothing is known."""
    rows = {row.kind: row for row in found.settings.all()}
    return [_setting(kind, rows.get(kind.value), names) for kind in CommandKind]


def _setting(kind: CommandKind, row: StationSetting | None, names: dict[str, str]) -> dict[str, Any]:
    if row is None:
        return {"label": kind.label, "row": None}
    words = {name: command_words.value(kind, getattr(row, f"{name}_value"), names) for name in ("wanted", "finished")}
    waits = row.wanted_at is not None and (row.finished_at is None or row.wanted_value != row.finished_value)
    return {"label": kind.label, "row": row, "waits": waits} | words
