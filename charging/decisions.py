"""What a person decides where the vendor does not say: an unknown start, a session that cannot be read any more."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from charging import settling, timeline
from charging.models import Session
from charging.models.session import LIVE, State, StopState
from people import audit
from people.actor import Actor

LOST_AFTER = 2  # reads in a row without an answer; then a person may close the session


class NothingToDecide(Exception):
    """The vendor has said by now, or can still be asked."""


def decide(*, actor: Actor, session: Session, decision: str, now: datetime) -> Session:
    """A person says what the vendor does not: an unknown start never happened, or a session that cannot be read any
    more is over, with the last figures known and not confirmed. The vendor may still prove otherwise. Raises
    NothingToDecide."""
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        if decision == "never_started" and row.state == State.UNKNOWN:
            settling.move(row, State.ABANDONED, now)
            text = _("Decided: it never started.")
        elif decision == "closed" and is_lost(row):
            _close(row, now)
            text = _("Decided: it is over. Its figures are the last that were read, not confirmed.")
        else:
            raise NothingToDecide(_("There is nothing to decide here any more. Reload the page to see how it stands."))
        row.save()
        timeline.note(row, kind="decided", text=text, now=now, actor_label=actor.label, data={"decision": decision})
        audit.record(actor=actor, verb="session.decided", subject=str(row.public_id), now=now, decision=decision)
        settling.report(row, now)
    return row


def is_lost(session: Session) -> bool:
    """The vendor was asked in vain more than once, so that a person may close it."""
    return session.state in LIVE and session.read_failures >= LOST_AFTER


def _close(row: Session, now: datetime) -> None:
    """Energy that flowed, and money, belong to a completed session. One that never charged is not called failed, which
    is final: the vendor may still prove that it charged."""
    row.stop_state, row.due_at, row.hurry = StopState.NONE, None, False
    if row.energy_kwh or row.cost:
        row.completed_at = row.completed_at or now
        settling.move(row, State.COMPLETED, now)
    else:
        settling.move(row, State.ABANDONED, now)
