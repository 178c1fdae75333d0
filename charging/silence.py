"""How long nobody may answer about a session before its figures count as not known: no estimate, a gap in a curve."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from charging.models import SessionEvent
from charging.models.session import LIVE
from lib import clock

EVENT = "silence"  # the kind of the event that tells one that is over: `since` in its data, its end is its moment
LEAST_S = 300.0  # business seconds
MISSED_READS = 4
SLACK = timedelta(seconds=1)  # the database says it a little later than the estimate does, never before


def horizon_s() -> float:
    """Business seconds: four missed reads, at least five minutes."""
    return max(LEAST_S, MISSED_READS * settings.READ_EVERY_S * clock.speed())


def wall_horizon() -> timedelta:
    """The same in wall time, with the slack."""
    return timedelta(seconds=horizon_s() / clock.speed()) + SLACK


def told(events: Iterable[SessionEvent]) -> list[tuple[datetime, datetime]]:
    """From the last answer before to the first one after, of each that a timeline tells."""
    return [(datetime.fromisoformat(one.data["since"]), one.occurred_at) for one in events if one.kind == EVENT]


def silent() -> Q:
    """Live sessions beyond the horizon, by the database's clock. One that was never read has no figures to lose."""
    return Q(state__in=LIVE, read_at__lt=Now() - wall_horizon())
