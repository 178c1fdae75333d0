"""Readings turned into what a chart draws: the trace of a row, the curve of a session. Pure; no queries here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from charging.models import Reading

SPAN = timedelta(minutes=30)
STEPS = 30
Point = tuple[Reading, datetime, bool]  # said by it, at this moment; it was so ever since the point before


def trace(readings: Sequence[Reading], now: datetime, gap_s: float) -> list[Decimal | None]:
    """Power at each minute of the last half hour, oldest first; None where no reading within gap_s says it.

    A reading holds from the moment it came until it was last confirmed, and on to the next one if that is near.
    """
    step = SPAN / STEPS
    moments = [now - SPAN + step * (index + 1) for index in range(STEPS)]
    values: list[Decimal | None] = []
    for moment in moments:
        known = [reading for reading in readings if reading.received_at <= moment]
        last = known[-1] if known else None
        near = last is not None and (moment - last.confirmed_at).total_seconds() <= gap_s
        values.append(last.power_kw if last is not None and near else None)
    return values


def points(readings: Sequence[Reading]) -> list[Point]:
    """Oldest first; an answer that was only confirmed counts again at its confirmation."""
    found = []
    for reading in readings:
        found.append((reading, reading.received_at, False))
        if reading.confirmed_at > reading.received_at:
            found.append((reading, reading.confirmed_at, True))
    return found
