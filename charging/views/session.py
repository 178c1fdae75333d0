"""One session: its figures, curve, what happened, and what the vendor said word for word."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from charging import changes, decisions, ends, freshness, session_figures, silence
from charging.models import Session
from charging.models.correction import CorrectionDecision
from charging.models.session import LIVE, OPEN
from fleet.models import ApiCall, RawMessage
from lib import clock
from people import audit_words
from people.access import require
from people.actor import Actor
from people.models import AuditEntry
from people.roles import Permission

MOST_READINGS = 2000  # a day of readings every 45 s; the newest are kept
RAW_SHOWN = 50
EVIDENCE = 50
SILENCE_TOLD_S = 10  # wall; pages ask every 3


@require(Permission.VIEW)
def session(request: HttpRequest, public_id: UUID) -> HttpResponse:
    version = changes.version()  # before the rows: see there
    found = _found(request, public_id)
    context = _now(request, found)
    context |= {
        "version": version,
        "raw": found.readings.order_by("-received_at", "-id")[:RAW_SHOWN],
        "refused": [event for event in context["events"] if event.kind == "clock"],
        "webhooks": _webhooks(found),
        "calls": _calls(found),
        "may_see_audit": _actor(request).can(Permission.MANAGE_FLEET),
    }
    return render(request, "charging/session.html", context)


@require(Permission.VIEW)
def session_now(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that moves; 204 if nothing was written since X-Since and it did not fall silent.
    Readings and events come with a write of the session itself."""
    since, version = changes.Mark.read(request.headers.get("X-Since", "")).xid, str(changes.version())
    found = _found(request, public_id)
    if since and found.changed_xid < since and not _just_fell_silent(found):
        return HttpResponse(status=204, headers={"X-Version": version})
    answer = render(request, "charging/_session_now.html", _now(request, found) | {"partial": True})
    answer["X-Version"] = version
    return answer


@require(Permission.MANAGE_FLEET)
def session_audit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What people and keys did to it, newest first; asked for by its page, without a script a page of its own."""
    mine = Session.objects.visible_to(_actor(request)).select_related("station", "connector", "site")
    found = get_object_or_404(mine, public_id=public_id)
    rows = AuditEntry.objects.visible_to(_actor(request)).of_session(public_id).order_by("-occurred_at", "-id")
    context = {"session": found, "lines": [audit_words.line(row) for row in rows[:EVIDENCE]]}
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "charging/_session_audit.html" if is_part else "charging/session_audit.html", context)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _found(request: HttpRequest, public_id: UUID) -> Session:
    """Whoever asks is looking at it, so it is read more often."""
    related = ("site", "station__account", "connector", "requested_by", "api_key")
    mine = Session.objects.visible_to(_actor(request)).select_related(*related).annotate(asked_at=Now())
    found = get_object_or_404(mine, public_id=public_id)
    freshness.watch([found.pk])
    return found


def _just_fell_silent(found: Session) -> bool:
    """Time alone makes it look different then; each page that watches asks within SILENCE_TOLD_S."""
    if found.state not in LIVE or found.read_at is None:
        return False
    asked_at: datetime = found.asked_at  # type: ignore[attr-defined]
    return timedelta() <= asked_at - found.read_at - silence.wall_horizon(found) < timedelta(seconds=SILENCE_TOLD_S)


def _now(request: HttpRequest, found: Session) -> dict[str, Any]:
    """What the moving part shows."""
    now, horizon_s = clock.now(), silence.horizon_s(found)
    readings = list(found.readings.defer("document").order_by("-received_at", "-id")[:MOST_READINGS])[::-1]
    events = list(found.events.all())
    next_read = freshness.next_read(found, now)
    spans = session_figures.spans(found, events)
    shown = session_figures.shown(found, readings, now, horizon_s)
    silent_since = shown.silent_since if shown else None
    same_since = session_figures.energy_same_since(found, readings)
    return {
        "session": found,
        "now": now,
        "open": found.state in OPEN,
        "lost": decisions.is_lost(found),
        "finding": ends.explain(found, now, same_since),
        "corrections": list(found.corrections.exclude(decision=CorrectionDecision.OPEN)),
        "to_decide": found.corrections.open().first(),
        "seen_at": readings[-1].confirmed_at if readings else None,
        "shown": shown,
        "charging_s": session_figures.charging_s(found, silent_since),
        "idle": session_figures.idle(found, spans, now, silent_since),
        "next_read": next_read and next_read.sentence(found.site.zone),
        "curve": session_figures.curve(found, readings, spans, silence.told(events), horizon_s),
        "events": events,
        "may_control": _actor(request).can(Permission.CONTROL_SESSIONS),
    }


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
