"""What stands behind a command: each request with its answer, job and webhooks; and its rows as CSV."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render

from fleet import command_calls, command_csv, command_scope, item_rows, paging
from fleet.models import Command
from lib import csv_file
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.EXPORT)
def command_rows_csv(request: ActorRequest, public_id: str) -> HttpResponseBase:
    """Those that the page's filter means, all of them."""
    found = _found(request, public_id)
    items, _only = item_rows.narrow(command_scope.visible_items(request.actor).filter(command=found), request.GET)
    return csv_file.answer(command_csv.of_items(items), f"command-{found.public_id}.csv")


@require(Permission.VIEW)
def command_requests(request: ActorRequest, public_id: str) -> HttpResponse:
    """A fragment of the page, and without a script a page of its own. `station` narrows them to those of a station."""
    found, station = _found(request, public_id), request.GET.get("station", "").replace("\0", "").strip()
    calls = command_calls.of(request.actor, found, station)
    page = paging.rising(calls, request.GET, size=command_calls.PAGE)
    context = {
        "command": found,
        "station": station,
        "page": page,
        "calls": command_calls.shown(page.rows),
        "hidden": command_calls.hidden(request.actor, found),
        "job": command_calls.pretty(found.job) if found.job and request.actor.site_ids is None else "",
    }
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "fleet/_command_calls.html" if is_part else "fleet/command_calls.html", context)


def _found(request: ActorRequest, public_id: str) -> Command:
    return get_object_or_404(Command.objects.visible_to(request.actor), public_id=public_id)
