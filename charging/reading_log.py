"""Keeping what the vendor answered: each answer once, with what we showed until it came; a clock that runs backwards is
refused and shown. What an answer does to the session lives in settling."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from charging import estimates, quantities, silence, timeline
from charging.models import Reading, Session, SessionEvent
from charging.models.session import LIVE, State
from eevion import SessionDocument, SessionStatus, dump
from lib import figures

ENDS = (SessionStatus.COMPLETED, SessionStatus.EXPIRED, SessionStatus.FAILED)  # an end is taken whatever its clock

NEAR = timedelta(days=1)  # before the wish and after now: the vendor's clock may be wrong by a time zone, not by years
MOMENTS = {
    "started_at": "startedAt",
    "updated_at": "updatedAt",
    "charging_ended_at": "chargingEndedAt",
    "completed_at": "completedAt",
}


@dataclass(frozen=True)
class Kept:
    news: Reading | None  # the new reading of a document that says something new
    is_stale: bool  # it speaks of an earlier moment than one before: nothing of it is taken


def believed(session: Session, document: SessionDocument, now: datetime) -> SessionDocument:
    """Of a locked session: the document without moments that cannot be, which is told once. A charger whose clock was
    never set has not charged for years, and after a moment of the future every true one would run backwards."""
    first_at, last_at = session.requested_at - NEAR, now + NEAR
    said = {name: getattr(document, name) for name in MOMENTS}
    odd = [name for name, at in said.items() if at is not None and not first_at <= at <= last_at]
    if not odd:
        return document
    text = _("The vendor's answer has times that cannot be: %(names)s. They were not taken.")
    words = text % {"names": ", ".join(MOMENTS[name] for name in odd)}
    if not SessionEvent.objects.filter(session=session, kind="odd", text=words).exists():
        timeline.note(session, kind="odd", text=words, now=now, data={"document": dump(document.raw)})
    nothing: dict[str, Any] = dict.fromkeys(odd)
    return replace(document, **nothing)


def keep(session: Session, document: SessionDocument, now: datetime) -> Kept:
    """Of a locked session. The same document twice extends the confirmation of its reading."""
    text = dump(document.raw)
    digest = hashlib.sha256(text.encode()).hexdigest()
    last = Reading.objects.filter(session=session).order_by("-received_at", "-id").first()
    if last is not None and session.state in LIVE:
        _tell_silence(session, last.confirmed_at, now)
    if last is not None and last.document_sha256 == digest:
        Reading.objects.filter(pk=last.pk).update(confirmed_at=max(now, last.confirmed_at))
        return Kept(None, False)
    if last is not None and runs_backwards(document, last):
        _show_once(session, last, digest, text, now)
        return Kept(None, True)
    reading = Reading.objects.create(
        session=session,
        measured_at=document.measured_at,
        received_at=now,
        confirmed_at=now,
        status=(document.status_text or "")[:40],
        energy_kwh=quantities.energy_kwh(document.energy_kwh),
        power_kw=quantities.power_kw(document.power_kw),
        cost=quantities.money(document.cost),
        duration_s=document.duration_s,
        document_sha256=digest,
        document=text,
        **_expected(session, last, document.measured_at, now),
    )
    return Kept(reading, False)


def runs_backwards(document: SessionDocument, last: Reading) -> bool:
    """It speaks of an earlier moment than the last reading, by the vendor's own times; an end never does."""
    if document.status in ENDS:
        return False
    if document.measured_at is not None and last.measured_at is not None:
        return document.measured_at < last.measured_at
    if document.duration_s is not None and last.duration_s is not None:
        return document.duration_s < last.duration_s
    return False


def _tell_silence(session: Session, since_at: datetime, now: datetime) -> None:
    """Written down when it is over, for what was confirmed meanwhile says nothing of the time between."""
    if (now - since_at).total_seconds() <= silence.horizon_s(session):
        return
    text = _("No answer about it for %(time)s.") % {"time": figures.age(now - since_at)}
    timeline.note(session, kind=silence.EVENT, text=text, now=now, data={"since": since_at.isoformat()})


def _show_once(session: Session, last: Reading, digest: str, text: str, now: datetime) -> None:
    """One event for a clock that runs backwards, however many answers it gives; none for an old answer repeated."""
    shown = SessionEvent.objects.filter(session=session, kind="clock", occurred_at__gte=last.received_at)
    if Reading.objects.filter(session=session, document_sha256=digest).exists() or shown.exists():
        return
    words = _("The vendor's answer speaks of an earlier moment than the one before. Nothing of it was taken.")
    timeline.note(session, kind="clock", text=words, now=now, data={"document": text})


def _expected(session: Session, last: Reading | None, measured_at: datetime | None, now: datetime) -> dict[str, Any]:
    """What we showed of a charging session until this answer came; nothing where it stood still or was silent."""
    if last is None or session.state != State.CHARGING:
        return {}
    known = estimates.facts(session, last.measured_at, last.confirmed_at, silence.horizon_s(session))
    at = min(measured_at or now, now)
    shown = estimates.of(known, at)
    if shown.is_confirmed or shown.silent_since or at <= known.read_at:
        return {}
    return {
        "estimated_energy_kwh": estimates.shown_energy_kwh(shown, at),
        "estimated_cost": estimates.shown_cost(shown, at),
        "estimate_age_s": int((at - known.read_at).total_seconds()),
    }
