"""What a person does about a command that is not all sent: take it back, go on after a pause, give the rest up.

Undo and another try are commands of their own: command_again.py.
"""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fleet import cancelling, command_scope, rollouts, tasks
from fleet.models import Command
from fleet.models.command import ItemState
from lib import clock
from people.access import ActorRequest, require
from people.roles import Permission


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_cancel(request: ActorRequest, public_id: str) -> HttpResponse:
    """What has not been sent to the stations that this person sees; of the others nothing is touched."""
    found = _found(request, public_id)
    now = clock.now()
    if request.actor.site_ids is None:
        taken = cancelling.cancel(actor=request.actor, command=found, now=now)
    else:
        items = command_scope.visible_items(request.actor).filter(command=found, state=ItemState.QUEUED)
        taken = cancelling.cancel(actor=request.actor, command=found, now=now, items=items)
    _say(request, taken, _("Nothing was taken back: all of it has been sent, or was taken back before."))
    return redirect("command", found.public_id)


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_abandon(request: ActorRequest, public_id: str) -> HttpResponse:
    """All that is not sent, closed waves included."""
    found = _found(request, public_id)
    if not _is_theirs(request, found):
        return redirect("command", found.public_id)
    taken = rollouts.abandon(request.actor, found, clock.now())
    _say(request, taken, _("Nothing was left to abandon."))
    return redirect("command", found.public_id)


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_resume(request: ActorRequest, public_id: str) -> HttpResponse:
    """Go on with what waits."""
    found = _found(request, public_id)
    if found.paused_at is None:
        messages.info(request, _("It is not paused."))
    elif _is_theirs(request, found):
        rollouts.resume(request.actor, found, clock.now())
        transaction.on_commit(tasks.deliver_due.delay, robust=True)  # a hint only: the sweep finds the rows as well
        messages.success(request, _("It goes on; this page shows how far it is."))
    return redirect("command", found.public_id)


def _found(request: ActorRequest, public_id: str) -> Command:
    return get_object_or_404(Command.objects.visible_to(request.actor), public_id=public_id)


def _is_theirs(request: ActorRequest, found: Command) -> bool:
    """Whether the person sees every station of it; if not, they are told so."""
    if not command_scope.is_partial(request.actor, found):
        return True
    words = _("It also goes to stations of other sites. Cancel it for yours; the rest is for who sees them all.")
    messages.warning(request, words)
    return False


def _say(request: ActorRequest, taken: int, nothing: str) -> None:
    if not taken:
        messages.info(request, nothing)
        return
    words = ngettext("%d change is taken back.", "%d changes are taken back.", taken) % taken
    messages.success(request, words)
