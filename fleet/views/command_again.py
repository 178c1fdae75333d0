"""Undo and another try: POST makes a draft, and its page shows what would be done before anything is."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet import drafts, retries, undo
from fleet.command_options import OF_PAGES
from fleet.commands import BadCommand
from fleet.models import Command, Station
from fleet.models.command import InSession, Origin
from fleet.undo import Found
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission

MOST = 5  # reasons that are told at once
LEFT_OUT = "left_out"  # beside a draft's options: what its page says before all else


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_undo(request: ActorRequest, public_id: str) -> HttpResponse:
    """Back to the values from before, where they are known and nobody has changed them since."""
    command = _command(request, public_id)
    found = undo.wishes(command, Station.objects.visible_to(request.actor))
    return to_draft(request, found, command=command, origin=Origin.UNDO, nothing=_("There is nothing to undo."))


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_retry(request: ActorRequest, public_id: str) -> HttpResponse:
    """One item (`item`), those that ended alike (`alike`: a state and a code), or all that went wrong."""
    command = _command(request, public_id)
    item, alike = request.POST.get("item", ""), request.POST.get("alike", "").replace("\0", "")
    state, _space, code = alike.partition(" ")
    found = retries.wishes(
        command,
        Station.objects.visible_to(request.actor),
        item_id=None if not item else int(item) if item.isdecimal() and len(item) < 19 else 0,
        state=state if alike else None,
        error_code=code if alike else None,
    )
    return to_draft(request, found, command=command, origin=Origin.RETRY, nothing=_("There is nothing to try again."))


def to_draft(request: ActorRequest, found: Found, *, command: Command, origin: Origin, nothing: str) -> HttpResponse:
    """To the page that confirms it, where what is left out stays on top; or back to the command with nothing to do."""
    options = replace(OF_PAGES, in_session=_guard(command))
    if origin in (Origin.UNDO, Origin.RETRY):
        # What is undone may still be on its way there, what was seen otherwise is reported as done: that a station
        # looks right already proves nothing. Another try has left out by itself what is right.
        options = replace(options, send_equal=True)
    reasons = [f"{left}." for left in found.left_out[:MOST]]
    if not found.groups:
        messages.info(request, " ".join([nothing, *reasons]))
        return redirect("command", command.public_id)
    try:
        draft = drafts.make(
            actor=request.actor, groups=found.groups, options=options, origin=origin, parent=command, now=clock.now()
        )
    except BadCommand as error:
        messages.error(request, str(error))
        return redirect("command", command.public_id)
    if reasons:
        draft.options |= {LEFT_OUT: reasons}
        draft.save(update_fields=["options"])
    return redirect("command_draft", draft.public_id)


def _command(request: ActorRequest, public_id: Any) -> Command:
    return get_object_or_404(Command.objects.visible_to(request.actor), public_id=public_id)


def _guard(command: Command) -> InSession:
    """A command of the portal has none of its own."""
    return OF_PAGES.in_session if command.origin in (Origin.PORTAL, Origin.API) else InSession(command.in_session)
