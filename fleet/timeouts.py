"""Accepted commands of which no word came in time. They are not lost: a late word still settles them."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from fleet import items
from fleet.models import CommandItem
from fleet.models.command import ItemState

LATE = "no_word_in_time"


def look(*, now: datetime) -> int:
    """Move items that were accepted longer than settings.JOB_PATIENCE (business time) ago to TIMED_OUT. Returns how
    many. To be called after a reading of the history, which may bring the word."""
    minutes = settings.JOB_PATIENCE.total_seconds() / 60
    error = _("no word of the job within %(minutes)g minutes; it is still looked for") % {"minutes": minutes}
    with transaction.atomic():
        overdue = CommandItem.objects.select_for_update(skip_locked=True).filter(
            state=ItemState.ACCEPTED, accepted_at__lte=now - settings.JOB_PATIENCE
        )
        return items.move_all(list(overdue.order_by("pk")), ItemState.TIMED_OUT, now=now, error=error, code=LATE)
