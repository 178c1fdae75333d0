"""What sessions tell of station commands: a start that was accepted or refused, a cost by the new tariff or the old.

Told when it happens, and looked for again when the word of a job came after its evidence. What it proves is decided in
fleet/observations.py.
"""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

import eevion
from charging import prices
from charging.models import Session, SessionEvent
from charging.models.session import State
from fleet import observations
from fleet.models import CommandItem, Tariff
from fleet.models.station import CommandKind

REFUSED = "refused"  # marks the timeline's entry of a start that the charger refused for no other cause
NAMED_CAUSES = ("offline", "faulted", "inSession")  # codes (A) of refusals that say nothing of the availability
ITEMS = 1000  # a look
LOOKED_AT = 20  # sessions a command
Tell = Callable[[Session, datetime], CommandItem | None]


def is_evidence(error: eevion.Rejected) -> bool:
    """Whether a refused start speaks of the availability: the charger refused it, and no other cause is named."""
    return error.is_refused and error.code not in NAMED_CAUSES


def accepted(session: Session, now: datetime) -> CommandItem | None:
    text = _("Session %(id)s: the vendor accepted a start after it.") % {"id": _name(session)}
    return _started(session, accepted=True, seen_at=session.accepted_at or now, evidence=text, now=now)


def refused(session: Session, seen_at: datetime, now: datetime) -> CommandItem | None:
    text = _("Session %(id)s: the vendor refused a start after it.") % {"id": _name(session)}
    return _started(session, accepted=False, seen_at=seen_at, evidence=text, now=now)


def _started(
    session: Session, *, accepted: bool, seen_at: datetime, evidence: str, now: datetime
) -> CommandItem | None:
    # The vendor judged it after it was requested: what finished before that was in force.
    return observations.started(
        station_id=session.station_id,
        accepted=accepted,
        at=session.requested_at,
        seen_at=seen_at,
        evidence=evidence,
        now=now,
    )


def priced(session: Session, now: datetime) -> CommandItem | None:
    """A session with final figures. Without cost, energy or duration, or in another currency, it proves nothing."""
    if session.state != State.COMPLETED or session.started_at is None or session.final_at is None:
        return None
    if session.cost is None or session.energy_kwh is None or session.duration_s is None:
        return None
    pair = observations.tariffs(station_id=session.station_id, at=session.started_at)
    if pair is None or not pair.new.currency == pair.old.currency == session.currency:
        return None
    by_new, by_old = (
        prices.cost(_price(tariff), energy_kwh=session.energy_kwh, duration_s=session.duration_s)
        for tariff in (pair.new, pair.old)
    )
    figures = {"id": _name(session), "cost": session.cost, "currency": session.currency, "new": by_new, "old": by_old}
    text = _("Session %(id)s cost %(cost).2f %(currency)s: %(new).2f by the new tariff, %(old).2f by the old one.")
    return observations.priced(
        station_id=session.station_id,
        cost=session.cost,
        by_new=by_new,
        by_old=by_old,
        at=session.started_at,
        seen_at=session.completed_at or session.final_at,
        evidence=text % figures,
        now=now,
    )


def look(now: datetime) -> int:
    """Find evidence that came before the word of its job. Returns how many items it proved or disproved."""
    found = 0
    for item in observations.due(ITEMS):
        newest = observations.in_force(item.station_id, item.kind)
        if newest is not None:
            found += _look(newest, TELL[item.kind], now)
        observations.looked_at(item)
    return found


def _look(item: CommandItem, tell: Tell, now: datetime) -> bool:
    """The first sessions after it; True where one told something. All are heard."""
    since = Q(requested_at__gt=item.finished_at) | Q(started_at__gt=item.finished_at)
    sessions = Session.objects.filter(since, station_id=item.station_id).order_by("requested_at")[:LOOKED_AT]
    return sum(tell(session, now) is not None for session in sessions) > 0


def _tell_start(session: Session, now: datetime) -> CommandItem | None:
    if session.accepted_at is not None:
        return accepted(session, now)
    said = SessionEvent.objects.filter(session=session, kind="failed", data__has_key=REFUSED).first()
    return refused(session, said.occurred_at, now) if said is not None else None


def _price(tariff: Tariff) -> prices.Price:
    return prices.Price(tariff.currency, tariff.price_per_kwh, tariff.price_per_minute, tariff.price_per_start)


def _name(session: Session) -> str:
    return session.vendor_session_id or str(session.public_id)[:8]


TELL: dict[str, Tell] = {CommandKind.PRIORITY_STATUS: _tell_start, CommandKind.TARIFF: priced}
