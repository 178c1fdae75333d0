"""Commands: the list with its progress and its CSV. One stands in command.py, asking for one in command_new.py."""

from django.http import HttpResponse, HttpResponseBase

from fleet import command_csv, commands_list
from fleet.models import Site
from fleet.models.command import Origin
from fleet.models.station import CommandKind
from fleet.views import polling
from lib import csv_file
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.VIEW)
def commands(request: ActorRequest) -> HttpResponse:
    """The page; for htmx only its table, asked again while something of it is under way."""
    wanted = commands_list.filters(request.GET)
    found = commands_list.matching(request.actor, wanted)
    page = commands_list.page(found, request.GET, counted=commands_list.is_countable(request.actor, wanted))
    rows = commands_list.rows(request.actor, page.rows)
    context = {
        "page": page,
        "rows": rows,
        "filters": wanted,
        "filtered": any(wanted.values()),
        "states": commands_list.STATES,
        "kinds": CommandKind.choices,
        "origins": Origin.choices,
        "sites": Site.objects.visible_to(request.actor),
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "may_export": request.actor.can(Permission.EXPORT),
    }
    moving = [row for row in rows if row.progress.is_moving]
    every_s = polling.SOON_S if any(row.command.paused_at is None for row in moving) else polling.SELDOM_S
    part = "fleet/_commands_table.html"
    return polling.answer(request, "fleet/commands.html", part, context, every_s=every_s if moving else 0)


@require(Permission.EXPORT)
def commands_csv(request: ActorRequest) -> HttpResponseBase:
    """The commands that the list's filter means, all of them."""
    found = commands_list.matching(request.actor, commands_list.filters(request.GET))
    return csv_file.answer(command_csv.of_commands(request.actor, found), "commands.csv")
