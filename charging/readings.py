"""Reading sessions back from the vendor: which one next, and what comes of it. Final figures come only from here."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging import settling, timeline
from charging.models import Reading, Session
from charging.models.session import ENDED, LIVE
from fleet import gateway
from fleet.models import Account

CLAIM_S = 20  # wall: longer than the wait for a slot and one call
SHARE = 20  # one tick spends at most this part of a window's slots on reads that nobody waits for
FAILURE_PAUSE_S = (5, 15, 60, 300, 900)  # wall; the last one repeats
SOON = timedelta(seconds=60)  # the longest pause when it is the account that fails: once mended, nobody waits long
PATIENCE_S = 3.0


def read(session_id: int, now_fn: Callable[[], datetime], *, claimed: bool = False) -> Session | None:
    """Read one session and take what it says. None when it has no vendor id, is being read, or no slot is free.

    `claimed` says that `pick_due` took it already. An answer that cannot be had puts the next try further away.
    """
    if not claimed and not _claim(session_id):
        return None
    session = Session.objects.select_related("station__account").get(pk=session_id)
    try:
        document = gateway.call(
            account=session.station.account,
            lane=gateway.Lane.READS,
            why=f"read session {session.pk}",
            endpoint="GET session",
            patience_s=PATIENCE_S,
            request=lambda client: client.get_session(session.vendor_session_id or ""),
        )
    except gateway.NoSlot:
        Session.objects.filter(pk=session_id).update(read_claimed_until=None, hurry=True)
        return None
    except eevion.EevionError as error:
        _failed(session, error, now_fn())
        return None
    now = now_fn()
    with transaction.atomic():
        row = settling.apply(session=session, document=document, now=now, via="read")
        done = Session.objects.filter(pk=session_id)
        done.update(read_at=Now(), read_claimed_until=None, read_failures=0)
    return row


def pick_due(limit_per_account: int = 200) -> list[int]:
    """Claim the sessions to read in this tick, per account as many as its lane allows: those somebody waits for, then
    the oldest readings (docs/algorithms: the largest weight x age squared, all weights equal)."""
    claimed: list[int] = []
    for account in Account.objects.filter(stations__sessions__in=_readable()).distinct():
        free = min(gateway.free_now(account, gateway.Lane.READS), limit_per_account)
        mine = _readable().filter(station__account=account)
        wanted = list(mine.filter(hurry=True).order_by(F("read_at").asc(nulls_first=True), "id")[:free])
        tick = min(free - len(wanted), math.ceil(account.budget.request_limit / SHARE))
        if tick > 0:
            old = Q(read_at=None) | Q(read_at__lte=Now() - timedelta(seconds=settings.READ_EVERY_S))
            calm = mine.filter(old, hurry=False).order_by(F("read_at").asc(nulls_first=True), "id")
            wanted += list(calm[:tick])
        claimed += [session.pk for session in wanted if _claim(session.pk)]
    return claimed


def hurry(session: Session) -> None:
    """Have it read next."""
    Session.objects.filter(pk=session.pk).update(hurry=True)


def prune(before: datetime, batch: int = 5000) -> int:
    """Delete readings of sessions that ended before a moment; the sessions stay."""
    old = Reading.objects.filter(session__state__in=ENDED, received_at__lt=before).values("pk")[:batch]
    return Reading.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


def _readable() -> models.QuerySet[Session]:
    unclaimed = Q(read_claimed_until=None) | Q(read_claimed_until__lt=Now())
    return Session.objects.filter(unclaimed, Q(state__in=LIVE) | Q(hurry=True), vendor_session_id__isnull=False)


def _claim(session_id: int) -> bool:
    """`hurry` ends with the claim, not with the answer: what comes up in between asks for another read."""
    lease = Now() + timedelta(seconds=CLAIM_S)
    free = Session.objects.filter(
        Q(read_claimed_until=None) | Q(read_claimed_until__lt=Now()), pk=session_id, vendor_session_id__isnull=False
    )
    return bool(free.update(read_claimed_until=lease, hurry=False))


def _failed(session: Session, error: eevion.EevionError, now: datetime) -> None:
    """Shown once it happens again, and tried ever more seldom; the claim is the pause."""
    failures = session.read_failures + 1
    pause = timedelta(seconds=FAILURE_PAUSE_S[min(failures, len(FAILURE_PAUSE_S)) - 1])
    if isinstance(error, eevion.NotSent) or (isinstance(error, eevion.Rejected) and error.is_auth):
        pause = min(pause, SOON)
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        row.read_failures = failures
        row.read_claimed_until = Now() + pause
        row.hurry = row.hurry or row.state not in LIVE
        row.save(update_fields=["read_failures", "read_claimed_until", "hurry"])
        if failures == 2:
            unknown = isinstance(error, eevion.Rejected) and error.is_unknown
            text = (
                _("The vendor does not know this session any more. It is asked again from time to time.")
                if unknown
                else _("It cannot be read: %(error)s It is tried again.") % {"error": error}
            )
            timeline.note(row, kind="unreadable", text=text, now=now)
