"""What the page of one session says in figures: how it stands by now, how long it was idle and who caused that, its
curve. Pure over rows that were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from charging import ends, estimates, prices, traces
from charging.ends import IdleCause, IdleSpan
from charging.estimates import SessionEstimate
from charging.models import Reading, Session, SessionEvent
from charging.models.session import OPEN, State
from lib import curves

MOST_PERIODS = 48


@dataclass(frozen=True)
class Idle:
    """Plugged in without energy. `total_s` None: the vendor said nothing that tells; `counts_from` is set while it
    goes on, and lies as far back as the whole of it is long."""

    total_s: int | None
    counts_from: datetime | None
    by_cause: tuple[tuple[IdleCause, int], ...]  # the longest first


def spans(session: Session, events: Sequence[SessionEvent]) -> list[IdleSpan]:
    """Idle spans by our timeline; from the end of energy on by the vendor's own times, where it says them."""
    found = [span for span in ends.idle_spans(events) if session.state in OPEN or span.end_at is not None]
    ended_at = session.charging_ended_at
    if ended_at is None:
        return found
    before = [
        IdleSpan(span.begin_at, min(span.end_at or ended_at, ended_at), span.cause)
        for span in found
        if span.begin_at < ended_at
    ]
    out_at = session.completed_at or session.ended_at
    if out_at is not None and out_at <= ended_at:
        return before
    return [*before, IdleSpan(ended_at, out_at, ends.idle_cause(session))]


def idle(session: Session, found: Sequence[IdleSpan], now: datetime, silent_since: datetime | None = None) -> Idle:
    """Up to now; up to the last answer where there was none for long."""
    now = silent_since or now
    by_cause: dict[IdleCause, int] = {}
    for span in found:
        by_cause[span.cause] = by_cause.get(span.cause, 0) + span.duration_s(now)
    if not found:
        never = session.charging_ended_at is not None or session.state == State.CHARGING
        return Idle(0 if never else None, None, ())
    total_s = sum(by_cause.values())
    goes_on = found[-1].end_at is None and session.state in OPEN and silent_since is None
    told = tuple(sorted(by_cause.items(), key=lambda item: (-item[1], item[0])))
    return Idle(total_s, now - timedelta(seconds=total_s) if goes_on else None, told)


def charging_s(session: Session, silent_since: datetime | None) -> int | None:
    """Seconds; of a session that fell silent up to the last answer, and no further."""
    if silent_since is not None and session.started_at and not session.charging_ended_at:
        return max(0, int((silent_since - session.started_at).total_seconds()))
    return session.charging_s


def shown(session: Session, readings: Sequence[Reading], now: datetime, horizon_s: float) -> SessionEstimate | None:
    """How it stands by now; None for a session that was never read."""
    if not readings:
        return None
    last = readings[-1]
    return estimates.of(estimates.facts(session, last.measured_at, last.confirmed_at, horizon_s), now)


def energy_same_since(session: Session, readings: Sequence[Reading]) -> datetime | None:
    """Since when readings say the energy that is known now; None where one of them is not there."""
    since_at = None
    for reading in reversed(readings):
        if reading.energy_kwh is not None and reading.energy_kwh != session.energy_kwh:
            break
        since_at = reading.received_at
    return since_at


def curve(
    session: Session,
    readings: Sequence[Reading],
    found: Sequence[IdleSpan],
    silences: Sequence[tuple[datetime, datetime]],
    horizon_s: float,
) -> SafeString | str:
    """Power in steps and the cost that came together; the energy instead where the vendor never says a cost."""
    if not readings:
        return ""
    by_cost = any(reading.cost is not None for reading in readings)
    name, unit = (_("Cost"), session.currency) if by_cost else (_("Energy"), "kWh")
    points = [
        curves.Reading(
            at,
            one.power_kw,
            one.cost if by_cost else one.energy_kwh,
            lasting=lasts and not any(one.received_at <= since_at < at for since_at, _until_at in silences),
        )
        for one, at, lasts in traces.points(readings)
    ]
    return curves.power(
        "power",
        _("Power and %(sum)s over time") % {"sum": name.lower()},
        points,
        session.site.zone,
        cumulative=name,
        cumulative_unit=unit,
        gap_s=horizon_s,
        idle=[curves.Span(span.begin_at, span.end_at, str(span.cause.label)) for span in found],
        periods=price_periods(session, points[-1].at),
    )


def price_periods(session: Session, until: datetime) -> list[curves.Span]:
    """The periods of the session's tariff, from its start on. A flat tariff has one."""
    price, zone = prices.Price.parse(session.tariff), session.site.zone
    begin_at = session.started_at or session.requested_at
    found: list[curves.Span] = []
    while price is not None and begin_at < until and len(found) < MOST_PERIODS:
        end_at = prices.next_boundary(price, begin_at, zone)
        found.append(curves.Span(begin_at, end_at, _("from %(time)s") % {"time": f"{begin_at.astimezone(zone):%H:%M}"}))
        if end_at is None:
            break
        begin_at = end_at
    return found
