"""One session: its figures, curve, what happened, and what the vendor said word for word."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from charging import changes, decisions, freshness, silence, traces
from charging.models import Session
from charging.models.session import OPEN
from fleet.models import ApiCall, RawMessage
from lib import charts, clock, figures
from people.access import require
from people.actor import Actor
from people.roles import Permission

MOST_READINGS = 2000  # a day of readings every 45 s; the newest are kept
RAW_SHOWN = 50
EVIDENCE = 50


@require(Permission.VIEW)
def session(request: HttpRequest, public_id: UUID) -> HttpResponse:
    version = changes.version()  # before the rows: see there
    return render(request, "charging/session.html", _context(request, public_id) | {"version": version})


@require(Permission.VIEW)
def session_now(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that moves; 204 if nothing was written since X-Since. Readings and events come with a write
    of the session itself."""
    since, version = changes.Mark.read(request.headers.get("X-Since", "")).xid, str(changes.version())
    if since and _found(request, public_id).changed_xid < since:
        return HttpResponse(status=204, headers={"X-Version": version})
    answer = render(request, "charging/_session_now.html", _context(request, public_id) | {"partial": True})
    answer["X-Version"] = version
    return answer


def _found(request: HttpRequest, public_id: UUID) -> Session:
    """Whoever asks is looking at it, so it is read more often."""
    related = ("site", "station__account", "connector", "requested_by", "api_key")
    mine = Session.objects.visible_to(request.actor).select_related(*related)  # type: ignore[attr-defined]
    found = get_object_or_404(mine, public_id=public_id)
    freshness.watch([found.pk])
    return found


def _context(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = _found(request, public_id)
    next_read = freshness.next_read(found, clock.now())
    readings = list(found.readings.order_by("-received_at", "-id")[:MOST_READINGS])[::-1]
    return {
        "session": found,
        "now": clock.now(),
        "open": found.state in OPEN,
        "lost": decisions.is_lost(found),
        "next_read": next_read and next_read.sentence(found.site.zone),
        "curve": _curve(found, readings),
        "readings": readings[::-1][:RAW_SHOWN],
        "events": found.events.all(),
        "webhooks": _webhooks(found),
        "calls": _calls(found),
        "may_control": actor.can(Permission.CONTROL_SESSIONS),
    }


def _curve(found: Session, readings: list[Any]) -> str:
    """Measured values in steps; where nobody answered for long there is a gap."""
    points = [charts.Reading(at, power_kw, energy_kwh) for at, power_kw, energy_kwh in traces.points(readings)]
    if not points:
        return ""
    return charts.power_curve(
        "power",
        _("Power and energy over time"),
        points,
        figures.zone(found.site.timezone),
        cumulative=_("Energy"),
        gap_s=silence.horizon_s(),
    )


def _webhooks(found: Session) -> list[dict[str, Any]]:
    """What came by this session's own URL; its address is a secret and not shown."""
    if found.token_id is None:
        return []
    messages = RawMessage.objects.filter(token_id=found.token_id).order_by("received_at", "id")[:EVIDENCE]
    return [{"message": row, "text": bytes(row.body).decode("utf-8", "replace")} for row in messages]


def _calls(found: Session) -> list[ApiCall]:
    words = [f"{verb} session {found.pk}" for verb in ("start", "stop", "read", "confirm")]
    calls = ApiCall.objects.filter(account=found.station.account, why__in=words)
    return list(calls.order_by("-started_at", "-id")[:EVIDENCE])
