"""How a session takes what the vendor says of it: by the table of moves, never null over a value, nothing unnoted.

Who asked the vendor, and when, lives in starts, stops and readings.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from charging import corrections, observing, quantities, reading_log, timeline
from charging.models import Session
from charging.models.session import ENDED, LIVE, MOVES, OPEN, State, StopState
from eevion import SessionDocument, SessionStatus
from fleet import stations

STATE_OF = {status: State(status.value) for status in SessionStatus}  # the contract's words, one to one
WITHOUT_ENERGY = (State.SUSPENDED, State.STOPPED, *ENDED)


class ForbiddenMove(Exception):
    """The table of moves does not lead from the session's state to this one."""


def move(session: Session, to: State, now: datetime) -> None:
    """Change the state of a locked, unsaved row with all that hangs on it. Raises ForbiddenMove.

    An ended session lets go of its connector; one that comes back to life takes it again if nobody else holds it.
    Figures that were final in one state are not in the next: whoever knows better sets `final_at` afterwards.
    """
    if to not in MOVES[session.state]:
        raise ForbiddenMove(f"{session.state} -> {to}")
    session.state, session.final_at = to, None
    if to in ENDED:
        session.holds_connector = False
        session.blocked_until = None
        session.ended_at = session.completed_at or now
        session.due_at = session.claimed_until = None
    elif to in LIVE:
        session.ended_at = session.blocked_until = None
        session.holds_connector = session.holds_connector or _is_free(session)


def report(session: Session, now: datetime) -> None:
    """Tell fleet what the connector is doing. A session that holds none only counts as a sign of life."""
    if session.connector_id is None:
        stations.report(station_id=session.station_id, seen_at=session.accepted_at and now)
        return
    if session.holds_connector:
        stations.report(
            connector_id=session.connector_id,
            session_state=session.state,
            busy_since=session.requested_at,
            blocked_until=session.blocked_until,
            seen_at=now if session.state in LIVE else None,
        )
    elif not Session.objects.filter(connector_id=session.connector_id, holds_connector=True).exists():
        stations.report(
            connector_id=session.connector_id,
            session_state="",
            busy_since=None,
            blocked_until=None,
            seen_at=now if session.accepted_at else None,
        )


def learn_vendor_id(session: Session, vendor_session_id: str, now: datetime) -> bool:
    """Note the vendor's id on a locked, unsaved row. False, with an event, when it already has another or another
    session of the station has this one."""
    if session.vendor_session_id == vendor_session_id:
        return True
    taken = Session.objects.filter(station_id=session.station_id, vendor_session_id=vendor_session_id)
    if session.vendor_session_id or taken.exclude(pk=session.pk).exists():
        text = _("The vendor named session %(id)s here, which is another one. Nothing was changed by it.")
        timeline.note(session, kind="odd", text=text % {"id": vendor_session_id}, now=now)
        return False
    session.vendor_session_id = vendor_session_id
    return True


def apply(*, session: Session, document: SessionDocument, now: datetime, via: str) -> Session:
    """Take a document of the vendor. `via` is "read" (a fresh GET of ours, the only source of final figures) or the
    name of another source. The same document twice changes nothing but the reading's confirmation."""
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        if not learn_vendor_id(row, document.session_id, now):
            row.save()
            return row
        document = reading_log.believed(row, document, now)
        kept = reading_log.keep(row, document, now)
        if kept.is_stale:
            row.save()  # whoever watches sees what was refused
            return row
        is_news = kept.news is not None
        if row.final_at and _adds_nothing(row, document):
            if kept.news is not None:
                corrections.record(row, document, kept.news, now)
                if row.state == State.FAILED:
                    _take_status(row, document, now, is_news=True)  # which shows what it cannot take
                row.save()
            return row
        _take_figures(row, document, now, is_news=is_news)
        _take_status(row, document, now, is_news=is_news)
        _take_stop(row, document, now)
        _finish(row, document, now, via)
        row.save()
        if row.final_at == now:
            observing.priced(row, now)
        report(row, now)
        row.refresh_from_db(fields=["due_at"])
    return row


def _adds_nothing(session: Session, document: SessionDocument) -> bool:
    """No move can come of it, only other figures."""
    return not MOVES[session.state] or document.status is None or STATE_OF[document.status] == session.state


def _is_free(session: Session) -> bool:
    if session.connector_id is None:
        return True
    holders = Session.objects.filter(connector_id=session.connector_id, holds_connector=True)
    return not holders.exclude(pk=session.pk).exists()


def _take_figures(session: Session, document: SessionDocument, now: datetime, *, is_news: bool) -> None:
    _take_energy(session, document, now, is_news=is_news)
    said = {
        "power_kw": quantities.power_kw(document.power_kw),
        "duration_s": document.duration_s,
        "status_reason": document.status_reason and document.status_reason[:60],
        "end_reason": document.end_reason and document.end_reason[:60],
        "started_at": document.started_at,
        "charging_ended_at": document.charging_ended_at,
        "completed_at": document.completed_at,
    }
    for name, value in said.items():
        if value is not None:
            setattr(session, name, value)
    if document.cost is not None:
        session.cost = quantities.money(document.cost)
        session.currency = document.currency or session.currency


def _take_energy(session: Session, document: SessionDocument, now: datetime, *, is_news: bool) -> None:
    """A meter does not run backwards: a smaller figure on a live session is shown, not taken. A final one is taken."""
    said_kwh = quantities.energy_kwh(document.energy_kwh)
    if said_kwh is None:
        return
    shrinks = session.energy_kwh is not None and said_kwh < session.energy_kwh
    is_end = document.status is not None and STATE_OF[document.status] in ENDED
    if not shrinks or is_end:
        session.energy_kwh = said_kwh
    elif is_news:
        text = _("The vendor said %(said)s kWh after %(known)s kWh. A meter does not run backwards: not taken.")
        timeline.note(session, kind="odd", text=text % {"said": said_kwh, "known": session.energy_kwh}, now=now)


def _take_status(session: Session, document: SessionDocument, now: datetime, *, is_news: bool) -> None:
    """A status outside the contract leaves the state as it was; the reading keeps the word."""
    if document.status is None:
        return
    to = STATE_OF[document.status]
    session.accepted_at = session.accepted_at or now
    if to == State.PENDING and session.state == State.PENDING and _is_lapsed(session, now):
        move(session, State.EXPIRED, now)
        timeline.note(session, kind="state", text=_lapsed_words(session), now=now, data={"state": State.EXPIRED.value})
        return
    if to == session.state or (to, session.state) == (State.PENDING, State.EXPIRED):
        return
    before = State(session.state).label
    if to not in MOVES[session.state]:
        if is_news:
            text = _("The vendor said “%(to)s” of a session that is %(before)s. Not taken.")
            timeline.note(session, kind="odd", text=text % {"to": to.label, "before": before}, now=now)
        return
    if to == State.COMPLETED:
        # Without the vendor's moment of disconnecting the session would be in no day's total.
        session.completed_at = session.completed_at or document.measured_at or now
    move(session, to, now)
    if document.status_reason is None:
        session.status_reason = ""  # the reason of the state before says nothing of this one
    if document.power_kw is None and to in WITHOUT_ENERGY:
        session.power_kw = None  # nor does the power: it would stand in live totals for hours
    text = _("%(before)s → %(to)s") % {"before": before, "to": to.label}
    data = {"state": to.value, "reason": session.end_reason if to in ENDED else session.status_reason}
    timeline.note(session, kind="state", text=text, now=now, data=data)


def _is_lapsed(session: Session, now: datetime) -> bool:
    """The station's start limit has passed since the start was accepted."""
    limit = timedelta(seconds=session.station.start_limit_s)
    return session.accepted_at is not None and now - session.accepted_at > limit


def _lapsed_words(session: Session) -> str:
    text = _(
        "No car within %(minutes)g minutes of the start: it expired. If one charges after all, the session goes on."
    )
    return text % {"minutes": session.station.start_limit_s / 60}


def _take_stop(session: Session, document: SessionDocument, now: datetime) -> None:
    """Settle a stop by what the session does: one without an answer is sent again if energy may still flow."""
    if document.status is None or session.stop_state in (StopState.NONE, StopState.REFUSED):
        return
    if session.state not in (State.PENDING, State.CHARGING, State.SUSPENDED):
        was_sent = session.stop_state in (StopState.SENT, StopState.UNKNOWN)
        session.stop_state = StopState.SENT if was_sent else StopState.NONE
        session.due_at = None
    elif session.stop_state == StopState.UNKNOWN:
        session.stop_state = StopState.WANTED
        session.due_at = Now()
        timeline.note(session, kind="stop", text=_("Still going on: the stop is sent again."), now=now)


def _finish(session: Session, document: SessionDocument, now: datetime, via: str) -> None:
    if document.status is not None and STATE_OF[document.status] in OPEN:
        return  # our start window lapsed, the vendor's did not
    if via != "read" or session.state in OPEN or session.state == State.ABANDONED or session.final_at:
        return
    session.ended_at = session.completed_at or session.ended_at
    session.final_at = now
    text = _("Final: %(energy)s kWh, %(cost)s %(currency)s, confirmed by a fresh read.")
    figures = {
        "energy": "–" if session.energy_kwh is None else session.energy_kwh,
        "cost": "–" if session.cost is None else session.cost,
        "currency": session.currency,
    }
    timeline.note(session, kind="final", text=text % figures, now=now)
