"""Stop several sessions, those selected or all of a site: one question, a row each, and what came of them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from charging import sessions, stop_bill, stops, tasks
from charging.models import Session
from charging.models.session import OPEN, StopState
from fleet.models import Site
from lib import clock
from people.access import require
from people.actor import Actor
from people.roles import Permission

MOST = 200  # as many as a board shows
STOPPABLE_FIRST = Case(When(state__in=stops.STOPPABLE, stop_state__in=("", StopState.REFUSED), then=0), default=1)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def sessions_stop(request: HttpRequest) -> HttpResponse:
    """`id` names sessions, as often as needed. GET asks, POST does."""
    return _stop(request, _named(request), reverse("live"))


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.CONTROL_SESSIONS)
def site_sessions_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks about all that are open there; POST stops those of the question, not those that began meanwhile."""
    actor = _actor(request)
    site = get_object_or_404(Site.objects.visible_to(actor), pk=pk)
    if request.method == "POST":
        found = _named(request).filter(site=site)
    else:
        # What can be stopped comes first: a page of those that cannot must not hide it.
        found = _visible(actor).filter(site=site, state__in=OPEN).order_by(STOPPABLE_FIRST, "station__vendor_id", "id")
    return _stop(request, found, reverse("site", args=[pk]), site)


@require(Permission.CONTROL_SESSIONS)
def sessions_stop_result(request: HttpRequest) -> HttpResponse:
    """How the stops stand that were asked for; those refused can be asked again, alone."""
    rows = list(_named(request))
    if not rows:
        return redirect("live")
    waiting = [row for row in rows if row.state in stops.GOING_ON and row.stop_state in stops.ASKED]
    again = stop_bill.refused(rows)
    context = {
        "sessions": rows,
        "waiting": len(waiting),
        "refused": len(again),
        "again_href": f"{reverse('sessions_stop')}?{_query(again)}" if again else "",
        "result_href": f"{reverse('sessions_stop_result')}?{_query(rows)}",
    }
    part = request.headers.get("HX-Request")
    return render(request, "charging/_stop_result.html" if part else "charging/stop_result.html", context)


def _stop(request: HttpRequest, found: Any, back_href: str, site: Site | None = None) -> HttpResponse:
    rows = list(found[: MOST + 1])
    more = found.count() - MOST if len(rows) > MOST else 0
    rows = rows[:MOST]
    bill = stop_bill.bill(rows)
    if request.method != "POST":
        if not rows:
            messages.info(request, _nothing(site))
            return redirect(back_href)
        context = {"bill": bill, "site": site, "title": _title(bill, site, more), "more": more, "cancel_url": back_href}
        return render(request, "charging/sessions_stop.html", context)
    asked = sessions.request_many(actor=_actor(request), sessions=bill.to_stop, now=clock.now())
    for session in asked.requested:
        tasks.nudge(tasks.stop, session.pk)
    if not rows:
        messages.info(request, _nothing(site))
        return redirect(back_href)
    return redirect(f"{reverse('sessions_stop_result')}?{_query(rows)}")


def _nothing(site: Site | None) -> str:
    if site is not None:
        return _("No session is open at %(site)s. There is nothing to stop.") % {"site": site}
    return _("No session is selected. Select some rows first.")


def _title(bill: stop_bill.StopBill, site: Site | None, more: int) -> str:
    count = len(bill.to_stop)
    if not count:
        return _("Nothing here can be stopped")
    if site is not None and not more:
        words = ngettext("Stop the one session at %(site)s?", "Stop all %(n)s sessions at %(site)s?", count)
        return words % {"n": count, "site": site}
    return ngettext("Stop %(n)s session?", "Stop %(n)s sessions?", count) % {"n": count}


def _named(request: HttpRequest) -> Any:
    """The visible sessions whose ids the request names; anything else in it is left out."""
    given = request.POST if request.method == "POST" else request.GET
    ids = {int(text) for text in given.getlist("id")[:MOST] if text.isdecimal() and len(text) < 19}
    return _visible(_actor(request)).filter(pk__in=ids)


def _visible(actor: Actor) -> Any:
    related = ("site", "station", "connector")
    return Session.objects.visible_to(actor).select_related(*related).order_by("site__name", "station__vendor_id", "id")


def _query(rows: list[Session]) -> str:
    return urlencode([("id", row.pk) for row in rows])


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined, no-any-return]
