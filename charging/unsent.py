"""Starts that no worker takes: shown after a moment, given up after the start limit. charging/starts sends them."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from charging import settling, timeline
from charging.models import Session
from charging.models.session import State

SHOWN_AFTER = timedelta(seconds=30)  # wall; a worker takes a start within a second, the sweep within a few


def waiting() -> Q:
    """Due for so long that no worker can be running."""
    return Q(state=State.REQUESTED, claimed_until=None, due_at__lt=Now() - SHOWN_AFTER)


def give_up(now: datetime) -> int:
    """Whoever asked does not wait any longer than the start limit (wall here): what was not sent by then never is,
    for another car may stand there when the workers are back."""
    limit = ExpressionWrapper(F("station__start_limit_s") * timedelta(seconds=1), output_field=DurationField())
    late = Session.objects.filter(state=State.REQUESTED, claimed_until=None, due_at__lt=Now() - limit)
    ids = list(late.values_list("pk", flat=True))
    return sum(_give_up(session_id, now) for session_id in ids)


def _give_up(session_id: int, now: datetime) -> bool:
    with transaction.atomic():
        mine = Session.objects.select_for_update(skip_locked=True, of=("self",)).filter(waiting(), pk=session_id)
        row = mine.select_related("station").first()
        if row is None:
            return False
        row.error = _("Given up, nothing was started: it waited too long to be sent. Start again if the car is there.")
        settling.move(row, State.FAILED, now)
        row.final_at = now
        row.save()
        timeline.note(row, kind="failed", text=row.error, now=now)
        settling.report(row, now)
    return True
