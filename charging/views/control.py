"""Start, stop, and the decision about a start that nobody answered. The rows are the queue; here a worker is nudged."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from charging import sessions, stop_bill, tasks
from charging.forms import StartForm
from charging.models import Session
from charging.models.session import Origin
from charging.rule_forms import RuleForm
from lib import clock, figures
from people.access import require
from people.actor import Actor
from people.roles import Permission

TYPED = ("station", "connector", "reference")  # what a plan asks, too
DECIDED = {
    "never_started": gettext_lazy("Noted: it never started. The connector is free for another start."),
    "closed": gettext_lazy("Noted: it is over. The connector is free for another start."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def session_start(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if "later" in request.POST:
        return redirect(_later_href(request))
    given = {name: request.GET.get(name, "") for name in TYPED}
    form = StartForm(request.POST or None, initial=given, actor=actor)
    stop_form = RuleForm(request.POST or None, prefix="stop")
    if form.is_valid() and stop_form.is_valid():
        session = _start(form, stop_form, actor)
        if session is not None:
            return redirect("session", session.public_id)
    context = {"form": form, "stop_form": stop_form}
    return render(
        request, "charging/session_start.html", context, status=422 if form.errors or stop_form.errors else 200
    )


def _later_href(request: HttpRequest) -> str:
    """The form of a plan, with what was typed here; whether it makes sense is said there."""
    typed = {name: value for name in TYPED if (value := request.POST.get(name, "").strip()[:120])}
    return f"{reverse('start_plan_new')}?{urlencode(typed)}" if typed else reverse("start_plan_new")


def _start(form: StartForm, stop_form: RuleForm, actor: Actor) -> Session | None:
    """The new session, or None with the reason on the form."""
    now = clock.now()
    try:
        session = sessions.request_start(
            actor=actor, origin=Origin.PERSON, now=now, stop_at=stop_form.rules(now), **_values(form.cleaned_data)
        )
    except (sessions.StationBusy, sessions.StationUnavailable) as error:
        form.add_error("station", str(error))
    except sessions.StationBlocked as error:
        form.add_error("station", _blocked(error, form.cleaned_data["station"].site.timezone))
    except sessions.NoSuchConnector as error:
        form.add_error("connector", str(error))
    else:
        tasks.nudge(tasks.start, session.pk)
        return session
    return None


def _values(cleaned: dict[str, Any]) -> dict[str, Any]:
    return {name: cleaned[name] for name in ("station", "reference")} | {"connector_number": cleaned["connector"]}


def _blocked(error: sessions.StationBlocked, zone_name: str) -> str:
    local_at = error.until.astimezone(figures.zone(zone_name))
    until = f"{local_at:%H:%M:%S} {figures.zone_name(local_at)}"
    return f"{error} " + _("It holds the connector until %(time)s.") % {"time": until}


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def session_stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """GET asks, POST does. A session that cannot be stopped says so on its page."""
    session = _session(request, public_id)
    if request.method != "POST":
        context = {
            "session": session,
            "bill": stop_bill.bill([session]),
            "title": _("Stop this session?"),
            "cancel_url": _href(session),
        }
        return render(request, "charging/session_stop.html", context)
    try:
        sessions.request_stop(actor=request.actor, session=session, now=clock.now())  # type: ignore[attr-defined]
    except sessions.NotStoppable as error:
        messages.error(request, str(error))
    else:
        tasks.nudge(tasks.stop, session.pk)
        messages.success(request, _("The stop is on its way. The session ends when the vendor says so."))
    return redirect(_href(session))


@require_POST
@require(Permission.CONTROL_SESSIONS)
def session_decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`never_started` ends an unknown start, `closed` a lost session; anything else waits for the vendor's word."""
    session = _session(request, public_id)
    decision = request.POST.get("decision")
    if decision not in DECIDED:
        messages.info(request, _("We keep waiting. If the vendor reports the session, it is taken up."))
        return redirect(_href(session))
    try:
        sessions.decide(actor=request.actor, session=session, decision=decision, now=clock.now())  # type: ignore[attr-defined]
    except sessions.NothingToDecide as error:
        messages.error(request, str(error))
    else:
        messages.success(request, DECIDED[decision])
    return redirect(_href(session))


def _session(request: HttpRequest, public_id: UUID) -> Session:
    mine = Session.objects.visible_to(request.actor).select_related("site", "station", "connector")  # type: ignore[attr-defined]
    return get_object_or_404(mine, public_id=public_id)


def _href(session: Session) -> str:
    return reverse("session", args=[session.public_id])
