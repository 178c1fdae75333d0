"""Scheduled starts: those to come, what became of the last ones, making and cancelling a plan."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from charging import admission, plans
from charging.forms import PlanForm
from charging.models import PlannedStart, StartPlan
from lib import clock, figures
from people.access import require
from people.actor import Actor
from people.roles import Permission

MOST = 200  # plans to come on one page
LAST = 50  # planned starts of the past


@require(Permission.VIEW)
def start_plans(request: HttpRequest) -> HttpResponse:
    actor = _actor(request)
    mine = StartPlan.objects.visible_to(actor).select_related("station", "site", "connector")
    coming = list(mine.filter(next_at__isnull=False).order_by("next_at", "id")[: MOST + 1])
    past = PlannedStart.objects.filter(plan__in=StartPlan.objects.visible_to(actor))
    context = {
        "plans": coming[:MOST],
        "more": len(coming) > MOST,
        "past": past.select_related("plan__station", "plan__site", "session").order_by("-due_at", "-id")[:LAST],
        "may_control": actor.can(Permission.CONTROL_SESSIONS),
        "now": clock.now(),
    }
    return render(request, "charging/start_plans.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def start_plan_new(request: HttpRequest) -> HttpResponse:
    given = {name: request.GET.get(name, "") for name in ("station", "connector", "reference")}
    form = PlanForm(request.POST or None, initial=given | {"patience_minutes": 30}, actor=_actor(request))
    if form.is_valid():
        made = _create(form, _actor(request))
        if made is not None:
            local_at = (made.next_at or made.created_at).astimezone(figures.zone(made.site.timezone))
            zone = figures.zone_name(local_at)
            words = _("Planned: %(place)s starts on %(day)s at %(time)s %(zone)s.")
            at = {"day": figures.day(local_at.date()), "time": f"{local_at:%H:%M}", "zone": zone}
            messages.success(request, words % {"place": made.station.vendor_id, **at})
            return redirect("start_plans")
    return render(request, "charging/start_plan_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def start_plan_cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """GET asks, POST does."""
    mine = StartPlan.objects.visible_to(_actor(request)).select_related("station", "site", "connector")
    plan = get_object_or_404(mine, public_id=public_id)
    if request.method != "POST":
        context = {"plan": plan, "title": _("Cancel this plan?"), "cancel_url": reverse("start_plans")}
        return render(request, "charging/start_plan_cancel.html", context)
    plans.cancel(actor=_actor(request), plan=plan, now=clock.now())
    messages.success(request, _("The plan is cancelled. Sessions that it started go on."))
    return redirect("start_plans")


def _create(form: PlanForm, actor: Actor) -> StartPlan | None:
    """The new plan, or None with the reason on the form."""
    cleaned: dict[str, Any] = form.cleaned_data
    names = ("station", "reference", "on_date", "weekdays", "at_time", "patience_minutes")
    try:
        return plans.create(
            actor=actor,
            connector_number=cleaned["connector"],
            now=clock.now(),
            **{name: cleaned[name] for name in names},
        )
    except plans.PlanRefused as error:
        form.add_error("on_date", str(error))
    except admission.NoSuchConnector as error:
        form.add_error("connector", str(error))
    return None


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
