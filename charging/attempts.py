"""How a start or a stop is tried: the row is claimed by one conditional UPDATE, on the database's clock, and put back.

A row in flight has `claimed_until`; one whose lease ran out was being sent when its worker died. A row that waits for a
slot is only held, by a `due_at` a little ahead. What to send and what an answer means lives in starts and stops.
"""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging.models import Session
from fleet import gateway

BACK_OFF_S = (2, 4, 8, 16, 30)  # wall; the last one repeats
HOLD_S = 6  # a worker that waits for a slot says so again twice as often; one that died waiting is missed after this
PATIENCE_S = {"person": 20.0, "api": 5.0, "plan": 20.0, "import": 5.0}  # how long a worker waits for a slot

T = TypeVar("T")


class AlreadyTaken(eevion.NotSent):
    """Another worker has the row, or it needs no sending any more. The slot was not used."""


def back_off_s(attempts: int) -> int:
    """How long to wait after that many tries; attempts >= 1."""
    return BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1]


def waited_s(attempts: int) -> int:
    """The least wall time that has passed between the first try and the end of the pause after this one."""
    return sum(back_off_s(n) for n in range(1, attempts + 1))


def pick(session_id: int, **state: str) -> Session | None:
    """Take a due row in hand for HOLD_S; None when it is not due or somebody else has it."""
    due = Session.objects.filter(pk=session_id, due_at__lte=Now(), claimed_until=None, **state)
    if not due.update(due_at=Now() + timedelta(seconds=HOLD_S)):
        return None
    related = ("station__account", "connector", "site")
    return Session.objects.select_related(*related).get(pk=session_id)


def call(
    session: Session,
    *,
    lane: gateway.Lane,
    why: str,
    endpoint: str,
    patience_s: float,
    request: Callable[[eevion.Client], T],
    **state: str,
) -> T:
    """gateway.call for a row that was picked, which stays in hand while it waits for a slot. Raises AlreadyTaken too.

    The hold keeps other workers away, it does not keep them out: two that wait all the same are parted by `claim`.
    """
    account, left = session.station.account, math.ceil(2 * patience_s / HOLD_S)
    part_s = patience_s / left
    while True:
        left -= 1
        try:
            return gateway.call(
                account=account, lane=lane, why=why, endpoint=endpoint, patience_s=part_s, request=request
            )
        except gateway.NoSlot as error:
            if left <= 0 or isinstance(error, gateway.Frozen):
                raise
        if not _unclaimed(session, **state).update(due_at=Now() + timedelta(seconds=HOLD_S)):
            raise AlreadyTaken("the session needs no sending any more")


def claim(session: Session, **state: str) -> None:
    """The last moment before sending, committed: from here on a silence means "unknown". Raises AlreadyTaken."""
    lease = Now() + timedelta(seconds=settings.CALL_LEASE_S)
    if not _unclaimed(session, **state).update(claimed_until=lease, attempts=F("attempts") + 1):
        raise AlreadyTaken("the session is being sent by another worker")


def _unclaimed(session: Session, **state: str) -> QuerySet[Session]:
    """The row as it was picked, if nobody has tried it since."""
    return Session.objects.filter(pk=session.pk, claimed_until=None, attempts=session.attempts, **state)


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
