"""Stopping a session: asked, sent, and repeated only after a read shows that it still goes on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging import attempts, settling, timeline
from charging.models import Session
from charging.models.session import LIVE, MOVES, State, StopState
from fleet import gateway
from lib import outage
from people import audit
from people.actor import Doer

STOPPABLE = (State.PENDING, State.CHARGING, State.SUSPENDED)
GOING_ON = (*STOPPABLE, State.STOPPING)  # charging has not ended, as far as anybody said
ASKED = (StopState.WANTED, StopState.SENT, StopState.UNKNOWN)
IGNORED_AFTER = timedelta(minutes=5)  # business time from the vendor's yes; chargers stop within seconds


class NotStoppable(Exception):
    """The session is not one that the vendor could stop now; its words say what to do."""


def request_stop(*, actor: Doer, session: Session, now: datetime) -> Session:
    """Write the wish down, due at once. Asked already: returns the session as it is. Raises NotStoppable."""
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        if row.stop_state in ASKED and row.state in GOING_ON:
            return row
        if row.state not in STOPPABLE or not row.vendor_session_id:
            raise NotStoppable(why_not(row))
        row.stop_state, row.stop_error, row.attempts = StopState.WANTED, "", 0
        row.stop_requested_at, row.stop_requested_by = now, actor.label[:160]
        row.due_at, row.claimed_until = Now(), None
        row.save()
        timeline.note(row, kind="stop", text=_("Stop requested."), now=now, actor_label=actor.label)
        audit.record(actor=actor, verb="session.stop_requested", subject=str(row.public_id), now=now)
        row.refresh_from_db(fields=["due_at"])
    return row


@dataclass(frozen=True)
class Asked:
    """What came of asking to stop several: those on their way, and the others with the reason."""

    requested: list[Session]
    not_stoppable: list[tuple[Session, str]]


def request_many(*, actor: Doer, sessions: Iterable[Session], now: datetime) -> Asked:
    """Ask for each by itself: one that cannot be stopped keeps no other from it."""
    asked = Asked([], [])
    for session in sessions:
        try:
            asked.requested.append(request_stop(actor=actor, session=session, now=now))
        except NotStoppable as error:
            asked.not_stoppable.append((session, str(error)))
    return asked


def send_stop(session_id: int, now_fn: Callable[[], datetime]) -> Session | None:
    """Send a due stop and take its outcome. None when it is not due or another worker has it."""
    session = attempts.pick(session_id, stop_state=StopState.WANTED)
    if session is None or not session.vendor_session_id:
        return None
    try:
        answer = attempts.call(
            session,
            lane=gateway.Lane.PEOPLE,
            why=f"stop session {session.pk}",
            endpoint="POST session/stop",
            patience_s=attempts.PATIENCE_S["person"],
            request=partial(_send, session),
            stop_state=StopState.WANTED,
        )
    except attempts.AlreadyTaken:
        return None
    except (gateway.NoSlot, eevion.NotSent, eevion.RateLimited) as error:
        return _settle(session, now_fn(), partial(_not_sent, error=error))
    except eevion.Rejected as error:
        return _settle(session, now_fn(), partial(_refused, error=error))
    except eevion.OutcomeUnknown as error:
        return _settle(session, now_fn(), partial(_unknown, why=str(error)))
    return _settle(session, now_fn(), partial(_accepted, answer=answer))


def due(limit: int = 200) -> list[int]:
    """Stops that wait to be sent."""
    rows = Session.objects.filter(stop_state=StopState.WANTED, due_at__lte=Now(), claimed_until=None)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:limit])


def settle_stale(now: datetime) -> int:
    """A worker died while it was sending: the stop is unknown until a read tells."""
    # Only a live session has a claim; said here too, the index of open ones answers and not the whole past.
    lost = list(Session.objects.filter(state__in=LIVE, stop_state=StopState.WANTED, claimed_until__lt=Now()))
    for session in lost:
        _settle(session, now, partial(_left_behind, lease=session.claimed_until))
    return len(lost)


def find_ignored(now: datetime) -> int:
    """Accepted by the vendor, and yet a reading of long after says that it goes on: that is a refusal, and may be
    repeated."""
    told = Max("events__occurred_at", filter=Q(events__kind="stop"))
    accepted = Session.objects.filter(stop_state=StopState.SENT, state__in=STOPPABLE).annotate(told_at=told)
    late = accepted.filter(told_at__lt=now - IGNORED_AFTER, readings__confirmed_at__gt=F("told_at") + IGNORED_AFTER)
    ids = set(late.values_list("pk", flat=True))
    for session in Session.objects.filter(pk__in=ids):
        _settle(session, now, _ignored)
    return len(ids)


def why_not(session: Session) -> str:
    """Why it cannot be stopped now, and what then; empty: it can be, or is being, stopped."""
    if session.state in STOPPABLE and session.vendor_session_id:
        return ""
    if session.state in (State.REQUESTED, State.UNKNOWN):
        return _("The start has no answer yet, so there is nothing to stop. Try again in a moment.")
    if session.state in (State.STOPPED, State.STOPPING):
        return _("Charging has ended already. The session is over when the cable is unplugged.")
    return _("The session is over. There is nothing left to stop.")


def _send(session: Session, client: eevion.Client) -> eevion.SessionStopped:
    attempts.claim(session, stop_state=StopState.WANTED)
    return client.stop_session(session.vendor_session_id or "")


def _settle(session: Session, now: datetime, take: Callable[[Session, datetime], None]) -> Session:
    """Take the outcome, also when the database restarts just now."""
    return outage.outlast(partial(_taken, session, now, take))


def _taken(session: Session, now: datetime, take: Callable[[Session, datetime], None]) -> Session:
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        take(row, now)
        row.save()
        settling.report(row, now)
    return row


def _accepted(row: Session, now: datetime, answer: eevion.SessionStopped) -> None:
    row.claimed_until = row.due_at = None
    row.stop_state, row.stop_error, row.attempts = StopState.SENT, "", 0
    row.hurry, row.read_claimed_until = True, None
    timeline.note(row, kind="stop", text=_("Stop accepted by the vendor."), now=now)
    if answer.status == eevion.SessionStatus.STOPPING and State.STOPPING in MOVES[row.state]:
        settling.move(row, State.STOPPING, now)


def _not_sent(row: Session, now: datetime, error: Exception) -> None:
    if row.stop_state != StopState.WANTED:
        return
    if row.claimed_until is None:
        row.attempts += 1  # no slot: the claim was not reached
    first = not row.stop_error
    row.stop_error = attempts.why_not_sent(error)[:500]
    attempts.put_back(row, wait_s=min(getattr(error, "wait_s", 0.0), 30.0))
    if first:
        timeline.note(row, kind="stop", text=row.stop_error, now=now)


def _refused(row: Session, now: datetime, error: eevion.Rejected) -> None:
    row.claimed_until = row.due_at = None
    if row.state not in GOING_ON:  # a reading was faster than this answer
        row.stop_state, row.stop_error = StopState.NONE, ""
        timeline.note(row, kind="stop", text=_("The stop came too late: charging had ended already."), now=now)
        return
    row.stop_state = StopState.REFUSED
    row.hurry, row.read_claimed_until = True, None
    words = _("Stop refused: %(said)s The session goes on.") % {"said": error.message}
    if error.is_auth:
        words += " " + _("Check the API key in the account's settings.")
    row.stop_error = words[:500]
    timeline.note(row, kind="stop", text=row.stop_error, now=now)


def _left_behind(row: Session, now: datetime, lease: datetime | None) -> None:
    if row.claimed_until == lease:  # else its sender has come back just now
        _unknown(row, now, _("the sender stopped in the middle of the request."))


def _unknown(row: Session, now: datetime, why: str) -> None:
    row.claimed_until = row.due_at = None
    if row.state not in GOING_ON:
        row.stop_state, row.stop_error = StopState.SENT, ""
        timeline.note(row, kind="stop", text=_("No answer to the stop, and charging has ended."), now=now)
        return
    row.stop_state = StopState.UNKNOWN
    row.hurry, row.read_claimed_until = True, None  # a read that began before proves nothing
    row.stop_error = (_("No answer to the stop: %(why)s It is read first, then sent again if needed.") % {"why": why})[
        :500
    ]
    timeline.note(row, kind="stop", text=row.stop_error, now=now)


def _ignored(row: Session, now: datetime) -> None:
    if row.stop_state != StopState.SENT or row.state not in STOPPABLE:
        return
    row.stop_state = StopState.REFUSED
    row.stop_error = _("The vendor accepted the stop, and the session still goes on. Stop it again, or at the charger.")
    timeline.note(row, kind="stop", text=row.stop_error, now=now)
