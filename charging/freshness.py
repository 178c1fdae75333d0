"""What makes a session worth reading soon, and what a page may say about its next reading. docs/algorithms/freshness.md

Weights from plain facts live in charging/read_weights.py, the order in charging/read_queue.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from charging import estimates, prices, read_queue, read_weights, silence, stop_rules
from charging.estimates import SessionEstimate
from charging.models import Reading, Session
from charging.models.session import LIVE, State, StopState
from charging.models.stop_rule import RuleKind, StopRule
from charging.read_queue import Line
from charging.read_weights import Facts
from lib import clock, figures

WATCH_S = 30  # wall: a page that shows a session asks every few seconds; then nobody looks any more
LEAST_NEAR_S = 60.0  # business seconds
WIDER = 1.25  # by so much at least, or the row stays as it is
NEAR_READS = 2  # "near" is at least so many calm readings ahead


@dataclass(frozen=True)
class NextRead:
    """`expected_at` is business time, about; None: as soon as there is a request for it. `why` is a key of WHY."""

    expected_at: datetime | None
    why: str

    def sentence(self, zone: ZoneInfo) -> str:
        why = read_weights.WHY[self.why]
        if self.expected_at is None:
            return _("Next reading as soon as a request is free: %(why)s.") % {"why": why}
        local_at = self.expected_at.astimezone(zone)
        moment = f"{local_at:%H:%M:%S} {figures.zone_name(local_at)}"
        return _("Next reading about %(moment)s: %(why)s.") % {"moment": moment, "why": why}


def watch(session_ids: Iterable[int]) -> None:
    """Somebody is looking at these, named by their ids or by a query for those. Asked for by every update of a page; a
    write only when it begins to run out. It waits for nobody: a row that is just being written is left to the next."""
    fading = Q(watched_until=None) | Q(watched_until__lt=Now() + timedelta(seconds=WATCH_S / 2))
    with transaction.atomic():
        free = Session.objects.select_for_update(skip_locked=True, of=("self",))
        found = free.filter(fading, pk__in=session_ids, state__in=LIVE)
        Session.objects.filter(pk__in=found.values("pk")).update(watched_until=Now() + timedelta(seconds=WATCH_S))


def next_read(session: Session, now: datetime) -> NextRead | None:
    """When about and why it is read next; None for a session that is not read (any more). One query."""
    if not _is_read(session):
        return None
    lines = read_queue.lines(session.station.account.budget_id)
    return foresee(session, lines[0], now) if lines else None


def foresee(session: Session, line: Line, now: datetime) -> NextRead | None:
    """The same with the line of its budget at hand, for a page of many."""
    if not _is_read(session):
        return None
    paused_until = session.read_claimed_until
    if session.read_failures and paused_until is not None and paused_until > line.at:
        return _in((paused_until - line.at).total_seconds(), "failed", now)
    if session.hurry or session.read_at is None:
        return NextRead(None, "hurry" if session.hurry else "first")
    weight = _weight_now(session, line.at)
    interval_s = line.interval_s(weight.value)
    age_s = (line.at - session.read_at).total_seconds()
    is_capped = interval_s >= line.cap_s or age_s >= line.cap_s
    return _in(interval_s - age_s, "cap" if is_capped else weight.why, now)


def _in(wait_s: float, why: str, now: datetime) -> NextRead:
    return NextRead(now + timedelta(seconds=max(0.0, wait_s) * clock.speed()), why)


def weigh(session: Session, before_power_kw: Any, measured_at: datetime | None, now: datetime) -> dict[str, Any]:
    """The fields of a session that was just read: its weight until something else is known."""
    changing = read_weights.is_noticeable(before_power_kw, session.power_kw)
    return _fields(session, _shown(session, measured_at, now, now), now, changing=changing)


def weigh_all(now: datetime) -> int:
    """What time alone brings near: rules, price boundaries, start limits. Returns how many rows changed."""
    changed = 0
    for session in _timely():
        fields = _fields(
            session,
            _shown(session, session.measured_at, session.seen_at or now, now),  # type: ignore[attr-defined]
            now,
            changing=session.read_why == "changing",
        )
        if (session.read_weight, session.read_why) != (fields["read_weight"], fields["read_why"]):
            changed += Session.objects.filter(pk=session.pk, state=session.state).update(**fields)
    return changed


def widen() -> int:
    """Where a key has so many sessions by now that each waits for longer than when it was last read, those that waited
    for half of their horizon get a longer one, before they count as silent. Not one that cannot be read. Returns how
    many."""
    waited = Q(read_at__lt=Now() - ExpressionWrapper(silence.stored_horizon() / 2, output_field=DurationField()))
    changed = 0
    for line in read_queue.lines():
        if line.longest_s <= silence.calm_interval_s():
            continue
        found = Session.objects.filter(waited, state__in=LIVE, station__account__in=line.account_ids, read_failures=0)
        longer = found.filter(read_interval_s__lt=line.longest_s / WIDER)
        changed += longer.update(read_interval_s=line.longest_s)
    return changed


# --- facts ------------------------------------------------------------------------------------------------------------
def near_s() -> float:
    """Business seconds ahead that count as near: long enough that some readings still come before it."""
    return max(LEAST_NEAR_S, NEAR_READS * settings.READ_EVERY_S * clock.speed())


def _is_read(session: Session) -> bool:
    return session.vendor_session_id is not None and (session.state in LIVE or session.hurry)


def _weight_now(session: Session, at: datetime) -> read_weights.Weight:
    """As the database judges it: the stored part, and whether somebody looks."""
    if session.watched_until is None or session.watched_until <= at:
        return read_weights.Weight(session.read_weight, session.read_why)
    value = min(session.read_weight * read_weights.LOOKING, read_weights.MOST)
    return read_weights.Weight(value, "watched")


def _timely() -> Iterator[Session]:
    """Live sessions that time alone can bring near something, or that were near it."""
    last = Reading.objects.filter(session=OuterRef("pk")).order_by("-received_at", "-id")
    has_rule = Exists(StopRule.objects.filter(session=OuterRef("pk")))
    timed = Q(state=State.PENDING) | has_rule | Q(tariff__isnull=False) | Q(read_why__in=("rule", "boundary", "limit"))
    found = Session.objects.filter(timed, state__in=LIVE)
    found = found.annotate(
        measured_at=Subquery(last.values("measured_at")[:1]), seen_at=Subquery(last.values("confirmed_at")[:1])
    )
    yield from found.select_related("site", "station").prefetch_related("stop_rules").order_by("pk")


def _shown(session: Session, measured_at: datetime | None, seen_at: datetime, now: datetime) -> SessionEstimate:
    return estimates.of(estimates.facts(session, measured_at, seen_at, silence.horizon_s(session)), now)


def _fields(session: Session, shown: SessionEstimate, now: datetime, *, changing: bool) -> dict[str, Any]:
    ahead_s = near_s()
    found = read_weights.unwatched(
        Facts(
            state=session.state,
            power_kw=session.power_kw,
            changing=changing,
            rule_near=_rule_near(session, shown, now, ahead_s),
            boundary_near=_boundary_near(session, now, ahead_s),
            limit_near=_limit_near(session, now, ahead_s),
            ending=session.stop_state in (StopState.WANTED, StopState.SENT, StopState.UNKNOWN),
        )
    )
    return {"read_weight": found.value, "read_why": found.why}


def _rule_near(session: Session, shown: SessionEstimate, now: datetime, ahead_s: float) -> bool:
    """A rule about to be met by the clock or the estimates, or one whose minutes are running."""
    facts = stop_rules.Facts(
        zone=session.site.zone,
        currency=session.currency,
        energy=shown.energy,
        cost=shown.cost,
        cost_by_tariff=session.cost is None,
        began_at=session.started_at,
        samples=(),
        horizon_s=ahead_s,
    )
    return any(_is_near(session, row, facts, now) for row in session.stop_rules.all() if row.fired_at is None)


def _is_near(session: Session, row: Any, facts: stop_rules.Facts, now: datetime) -> bool:
    if row.suspected_at is not None:
        return True
    if row.kind == RuleKind.IDLE:
        return session.state == State.SUSPENDED
    if row.kind == RuleKind.LOW_POWER:
        return session.state == State.CHARGING and session.power_kw is not None and session.power_kw < row.amount
    rule = stop_rules.Rule(row.kind, row.created_at, row.amount, row.for_minutes, row.at_time)
    found = stop_rules.verdict(rule, facts, now)
    return found.fires or found.near


def _boundary_near(session: Session, now: datetime, ahead_s: float) -> bool:
    price = prices.Price.parse(session.tariff)
    at = prices.next_boundary(price, now, session.site.zone) if price else None
    return at is not None and (at - now).total_seconds() <= ahead_s


def _limit_near(session: Session, now: datetime, ahead_s: float) -> bool:
    """Of a start that waits for its car; past the limit too, until the vendor has said what came of it."""
    if session.state != State.PENDING:
        return False
    begun_at = session.accepted_at or session.requested_at
    return (now - begun_at).total_seconds() >= session.station.start_limit_s - ahead_s
