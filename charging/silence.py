"""How long nobody may answer about a session before its figures count as not known: no estimate, a gap in a curve.

The one rule for the board, live totals, what needs attention and a session's own page. It follows how far apart reads
of the session's key really are, which every reading writes down: docs/algorithms/freshness.md
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Now

from charging.models import Session, SessionEvent
from charging.models.session import LIVE
from lib import clock

EVENT = "silence"  # the kind of the event that tells one that is over: `since` in its data, its end is its moment
LEAST_S = 300.0  # business seconds
MISSED_READS = 4
SLACK = timedelta(seconds=1)  # the database says it a little later than the estimate does, never before


def horizon_s(session: Session) -> float:
    """Business seconds: four missed reads, at least five minutes. A read may be missed where READ_EVERY_S says, or
    where the key has so many sessions that each waits for longer."""
    return MISSED_READS * max(calm_interval_s(), session.read_interval_s) * clock.speed()


def calm_interval_s() -> float:
    """Wall seconds: reads that are no further apart leave the horizon at its least."""
    return max(LEAST_S / MISSED_READS / clock.speed(), settings.READ_EVERY_S)


def wall_horizon(session: Session) -> timedelta:
    """The same in wall time, with the slack."""
    return timedelta(seconds=horizon_s(session) / clock.speed()) + SLACK


def told(events: Iterable[SessionEvent]) -> list[tuple[datetime, datetime]]:
    """From the last answer before to the first one after, of each that a timeline tells."""
    return [(datetime.fromisoformat(one.data["since"]), one.occurred_at) for one in events if one.kind == EVENT]


def silent() -> Q:
    """Live sessions beyond the horizon, by the database's clock. One that was never read has no figures to lose."""
    return Q(state__in=LIVE, read_at__lt=Now() - stored_horizon())


def stored_horizon() -> Combinable:
    """wall_horizon of each row, for the database."""
    calm = timedelta(seconds=MISSED_READS * calm_interval_s())
    real = ExpressionWrapper(
        F("read_interval_s") * Value(timedelta(seconds=MISSED_READS)), output_field=DurationField()
    )
    return ExpressionWrapper(Greatest(Value(calm), real) + Value(SLACK), output_field=DurationField())
