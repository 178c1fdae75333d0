"""What a row of the board says: a session, its figures as they are by now, its power over the last half hour."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, Subquery

from charging import decisions, estimates, freshness, silence, traces
from charging.estimates import SessionEstimate
from charging.models import Reading, Session
from charging.read_queue import Line
from people.actor import Actor


@dataclass(frozen=True)
class Row:
    session: Session
    seen_at: datetime | None  # the last answer that spoke of it
    shown: SessionEstimate | None  # None: never read
    trace: list[Decimal | None]  # power over the last half hour
    next_read: str = ""  # when about and why it is read next, in words; empty: it is not read, or nobody asked

    @property
    def since_at(self) -> datetime:
        return self.session.started_at or self.session.requested_at

    @property
    def silent_since(self) -> datetime | None:
        return self.shown.silent_since if self.shown else None

    @property
    def is_lost(self) -> bool:
        return decisions.is_lost(self.session)


def drawn(actor: Actor, ids: Collection[int], now: datetime, lines: Mapping[int, Line] | None = None) -> dict[int, Row]:
    """Rows of some of the sessions that the actor sees, by id: two queries. One that left meanwhile is left out. With
    the line of each account, rows say when they are read next."""
    if not ids:
        return {}
    latest = Reading.objects.filter(session=OuterRef("pk")).order_by("-received_at", "-id")
    sessions = list(
        Session.objects.visible_to(actor)
        .open()
        .filter(pk__in=ids)
        .select_related("site", "station", "connector")
        .annotate(
            seen_at=Subquery(latest.values("confirmed_at")[:1]), measured_at=Subquery(latest.values("measured_at")[:1])
        )
    )
    recent = _recent([session.pk for session in sessions], now)
    return {
        session.pk: Row(
            session,
            session.seen_at,  # type: ignore[attr-defined]
            _shown(session, now),
            traces.trace(recent[session.pk], now, silence.horizon_s(session)),
            _next_read(session, (lines or {}).get(session.station.account_id), now),
        )
        for session in sessions
    }


def _next_read(session: Session, line: Line | None, now: datetime) -> str:
    found = freshness.foresee(session, line, now) if line else None
    return found.sentence(session.site.zone) if found else ""


def _recent(ids: list[int], now: datetime) -> dict[int, list[Reading]]:
    by_session: dict[int, list[Reading]] = {pk: [] for pk in ids}
    found = Reading.objects.filter(session__in=ids, confirmed_at__gte=now - traces.SPAN)
    for reading in found.only("session_id", "received_at", "confirmed_at", "power_kw").order_by("received_at", "id"):
        by_session[reading.session_id].append(reading)
    return by_session


def _shown(session: Session, now: datetime) -> SessionEstimate | None:
    seen_at: datetime | None = session.seen_at  # type: ignore[attr-defined]
    if seen_at is None:
        return None
    measured_at: datetime | None = session.measured_at  # type: ignore[attr-defined]
    return estimates.of(estimates.facts(session, measured_at, seen_at, silence.horizon_s(session)), now)
