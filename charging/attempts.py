"""How a start or a stop is tried: the row is claimed by one conditional UPDATE, on the database's clock, and put back.

A row in flight has `claimed_until`; one whose lease ran out was being sent when its worker died. What to send and what
an answer means lives in starts and stops.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging.models import Session
from fleet import gateway

BACK_OFF_S = (2, 4, 8, 16, 30)  # wall; the last one repeats
PATIENCE_S = {"person": 20.0, "api": 5.0, "plan": 20.0, "import": 5.0}  # how long a worker waits for a slot


class AlreadyTaken(eevion.NotSent):
    """Another worker has the row, or it needs no sending any more. The slot was not used."""


def back_off_s(attempts: int) -> int:
    """How long to wait after that many tries; attempts >= 1."""
    return BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1]


def waited_s(attempts: int) -> int:
    """The least wall time that has passed between the first try and the end of the pause after this one."""
    return sum(back_off_s(n) for n in range(1, attempts + 1))


def pick(session_id: int, **state: str) -> Session | None:
    """Take a due row in hand while waiting for a slot; None when it is not due or somebody else has it."""
    due = Session.objects.filter(pk=session_id, due_at__lte=Now(), claimed_until=None, **state)
    # Whoever dies while waiting leaves the row due again after the longest wait.
    if not due.update(due_at=Now() + timedelta(seconds=max(PATIENCE_S.values()) + 2)):
        return None
    related = ("station__account", "connector", "site")
    return Session.objects.select_related(*related).get(pk=session_id)


def claim(session: Session, **state: str) -> None:
    """The last moment before sending, committed: from here on a silence means "unknown". Raises AlreadyTaken."""
    mine = Session.objects.filter(pk=session.pk, claimed_until=None, attempts=session.attempts, **state)
    lease = Now() + timedelta(seconds=settings.CALL_LEASE_S)
    if not mine.update(claimed_until=lease, attempts=F("attempts") + 1):
        raise AlreadyTaken("the session is being sent by another worker")


def put_back(session: Session, wait_s: float = 0) -> None:
    """On a locked, unsaved row whose call certainly did not happen: due again after a pause."""
    pause_s = max(wait_s, back_off_s(session.attempts))
    session.claimed_until = None
    session.due_at = Now() + timedelta(seconds=pause_s)


def why_not_sent(error: Exception) -> str:
    """A sentence for people: what is in the way, and that it is tried again."""
    if isinstance(error, gateway.Frozen):
        return _("The vendor says that this key has spent its requests. Waiting for it to allow more.")
    if isinstance(error, gateway.NoSlot):
        return _("All requests of this minute are spent. Waiting for the next free one.")
    if isinstance(error, eevion.RateLimited):
        return _("The vendor answered that too many requests were made. Trying again shortly.")
    if isinstance(error, gateway.KeyUnreadable):
        return error.message
    return _("The vendor cannot be reached: %(error)s Trying again shortly.") % {"error": error}
