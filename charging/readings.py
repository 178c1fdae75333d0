"""Reading a session back from the vendor, and what comes of it. Final figures come only from here.

Which one is next lives in charging/read_queue.py, how fast they follow each other in charging/read_pace.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging import freshness, settling, timeline
from charging.models import Reading, Session
from charging.models.session import ENDED, LIVE
from fleet import gateway

FAILURE_PAUSE_S = (5, 15, 60, 300, 900)  # wall; the last one repeats
SOON = timedelta(seconds=60)  # the longest pause when it is the account that fails: once mended, nobody waits long
PATIENCE_S = 1.0  # with one call not longer than CALL_LEASE_S; without a slot it is left to the reader, hurried
PICKED_PATIENCE_S = 0.5  # a slot was free when it was picked


def read(
    session_id: int, now_fn: Callable[[], datetime], *, claimed: bool = False, interval_s: float | None = None
) -> Session | None:
    """Read one session and take what it says. None when it has no vendor id, is being read, or no slot is free.

    `claimed` says that read_queue.pick took it already. `interval_s` (wall) is how far apart reads of its key are by
    now, for its horizon of silence; None where the caller does not know it. An answer that cannot be had puts the next
    try further away. `hurry` ends with the answer: a reader that dies leaves it behind, and its claim runs out. Who
    needs a read that begins later than now takes the claim away.
    """
    if not claimed and not _claim(session_id):
        return None
    session = Session.objects.select_related("station__account", "site").get(pk=session_id)
    try:
        document = gateway.call(
            account=session.station.account,
            lane=gateway.Lane.READS,
            why=f"read session {session.pk}",
            endpoint="GET session",
            patience_s=PICKED_PATIENCE_S if claimed else PATIENCE_S,
            request=lambda client: client.get_session(session.vendor_session_id or ""),
        )
    except gateway.NoSlot:
        mine = Session.objects.filter(pk=session_id, read_claimed_until=session.read_claimed_until)
        mine.update(read_claimed_until=None)
        return None
    except eevion.EevionError as error:
        _failed(session, error, now_fn())
        return None
    return _take(session, document, now_fn(), {} if interval_s is None else {"read_interval_s": interval_s})


def _take(session: Session, document: eevion.SessionDocument, now: datetime, pace: dict[str, float]) -> Session:
    with transaction.atomic():
        row = settling.apply(session=session, document=document, now=now, via="read")
        row.site, row.station = session.site, session.station
        weight = freshness.weigh(row, session.power_kw, document.measured_at, now) if row.state in LIVE else {}
        mine = session.read_claimed_until is not None and row.read_claimed_until == session.read_claimed_until
        # What came up after we asked, or took our claim away, wants another read.
        done = {"read_claimed_until": None, "hurry": row.hurry and not session.hurry} if mine else {}
        Session.objects.filter(pk=row.pk).update(read_at=Now(), read_failures=0, **weight, **done, **pace)
    return row


def hurry(session: Session) -> None:
    """Have it read next."""
    Session.objects.filter(pk=session.pk).update(hurry=True)


def prune(before: datetime, batch: int = 5000) -> int:
    """Delete readings of ended sessions that came before a moment, the oldest first; the sessions stay. Returns how
    many. By the index reading_by_age, whatever else there is: docs/operations.md says how fast."""
    old = Reading.objects.filter(session__state__in=ENDED, received_at__lt=before).order_by("received_at")
    ids = list(old.values_list("pk", flat=True)[:batch])
    return Reading.objects.filter(pk__in=ids).only("pk").delete()[1].get("charging.Reading", 0)


def _claim(session_id: int) -> bool:
    lease = Now() + timedelta(seconds=settings.CALL_LEASE_S)
    free = Session.objects.filter(
        Q(read_claimed_until=None) | Q(read_claimed_until__lt=Now()), pk=session_id, vendor_session_id__isnull=False
    )
    return bool(free.update(read_claimed_until=lease, hurry=True))


def _failed(session: Session, error: eevion.EevionError, now: datetime) -> None:
    """Shown once it happens again, and tried ever more seldom; the claim is the pause. That the key has spent its
    requests says nothing about the session. Who took the claim away meanwhile waits for no pause."""
    counts = not isinstance(error, eevion.RateLimited)
    failures = session.read_failures + counts
    pause = timedelta(seconds=FAILURE_PAUSE_S[min(max(failures, 1), len(FAILURE_PAUSE_S)) - 1])
    if not counts or isinstance(error, eevion.NotSent) or (isinstance(error, eevion.Rejected) and error.is_auth):
        pause = min(pause, SOON)
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        row.read_failures = failures
        if row.read_claimed_until == session.read_claimed_until:
            row.read_claimed_until = Now() + pause
        row.hurry = row.hurry or row.state not in LIVE
        row.save(update_fields=["read_failures", "read_claimed_until", "hurry"])
        if counts and failures == 2:
            unknown = isinstance(error, eevion.Rejected) and error.is_unknown
            text = (
                _("The vendor does not know this session any more. It is asked again from time to time.")
                if unknown
                else _("It cannot be read: %(error)s It is tried again.") % {"error": error}
            )
            timeline.note(row, kind="unreadable", text=text, now=now)
