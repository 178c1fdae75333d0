"""Deciding a correction: take the vendor's newer figures, or keep the final ones."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from charging import corrections
from charging.models import Correction
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def session_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks, POST decides; `decision` is `accept` or `keep`. Not for those who only EXPORT: it changes what a
    session came to, and a right to read must not hide a right to write."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    related = ("session__site", "session__station", "session__connector")
    found = get_object_or_404(Correction.objects.visible_to(actor).select_related(*related), pk=pk)
    back = reverse("session", args=[found.session.public_id])
    decision = (request.POST or request.GET).get("decision", "")
    if request.method == "POST" and decision in ("accept", "keep"):
        _decide(request, actor, found, accept=decision == "accept")
        return redirect(back)
    accepts = decision == "accept"
    context = {
        "session": found.session,
        "correction": found,
        "decision": "accept" if accepts else "keep",
        "title": _("Accept the newer figures?") if accepts else _("Keep the final figures?"),
        "cancel_url": back,
    }
    return render(request, "charging/session_correction.html", context)


def _decide(request: HttpRequest, actor: Actor, found: Correction, *, accept: bool) -> None:
    try:
        corrections.decide(actor=actor, correction=found, accept=accept, now=clock.now())
    except corrections.AlreadyDecided as error:
        messages.error(request, str(error))
    else:
        said = _("The newer figures are final now.") if accept else _("The final figures stand.")
        messages.success(request, said)
