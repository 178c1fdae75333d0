"""Watches the stop rules of sessions that run: suspects by estimate, has it read, asks for the stop by what was read.

Whether a rule is met is decided in stop_rules; sending the stop and its outcome live in stops.
docs/algorithms/stop_rules.md
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Prefetch, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from charging import estimates, session_rules, silence, stop_rules, stops, timeline
from charging.models import Reading, Session, StopRule
from charging.models.session import State, StopState
from charging.models.stop_rule import WITH_MINUTES, RuleKind
from charging.stop_rules import Facts, Sample, Verdict
from people.actor import System

ASK_AGAIN_S = 5  # wall: between two readings that a suspicion asks for
REPEAT_AFTER = tuple(timedelta(minutes=n) for n in (1, 2, 5, 15, 30))  # business time; then a person must see to it
MOST_SAMPLES = 2000
ENERGY_BEGAN = (State.CHARGING, State.SUSPENDED, State.STOPPING, State.STOPPED)


def look(now: datetime) -> list[int]:
    """Look at every rule that may still fire, and at the refused stops of those that did. Returns the sessions whose
    stop was asked for. A second call, or another worker's, does nothing more."""
    waiting = StopRule.objects.filter(fired_at=None)
    found = _running().filter(stop_state__in=("", StopState.REFUSED), stop_rules__in=waiting).distinct()
    sessions = list(found.prefetch_related(Prefetch("stop_rules", waiting.order_by("id"))))
    latest = _latest(session.pk for session in sessions)
    asked = [
        session.pk
        for session in sessions
        if _look_at(session, list(session.stop_rules.all()), latest.get(session.pk), now)
    ]
    return asked + _repeat_refused(now)


def verdicts(session: Session, rows: Sequence[StopRule], now: datetime) -> list[tuple[StopRule, Verdict]]:
    """What each rule of a session says now, by estimate, for people."""
    facts = _facts_for(session, rows, _latest([session.pk]).get(session.pk), now)
    return [(row, _judge(row, facts, now)) for row in rows]


# --- one session ------------------------------------------------------------------------------------------------------
def _look_at(session: Session, rows: Sequence[StopRule], last: Reading | None, now: datetime) -> bool:
    facts = _facts_for(session, rows, last, now)
    if any(_judge(row, facts.as_read(), now).fires for row in rows):
        return _fire(session.pk, now)
    suspected = {row.pk for row in rows if _judge(row, facts, now).fires}
    fresh = [row.pk for row in rows if row.suspected_at is None and row.pk in suspected]
    denied = [row.pk for row in rows if row.suspected_at is not None and row.pk not in suspected]
    for pks, suspected_at in ((fresh, now), (denied, None)):
        if pks:
            StopRule.objects.filter(pk__in=pks, fired_at=None).update(suspected_at=suspected_at)
    if suspected:
        _ask_for_reading(session.pk)
    return False


def _judge(row: StopRule, facts: Facts, now: datetime) -> Verdict:
    return stop_rules.verdict(session_rules.rule_of(row), facts, now)


def _ask_for_reading(session_id: int) -> None:
    """Not while one has just come: figures that stand still at the vendor must not eat the requests of others."""
    old = Q(read_at=None) | Q(read_at__lte=Now() - timedelta(seconds=ASK_AGAIN_S))
    Session.objects.filter(old, pk=session_id, hurry=False).update(hurry=True)


def _fire(session_id: int, now: datetime) -> bool:
    """Decided once more with the row locked, so that it happens once and by what is true then."""
    with transaction.atomic():
        session = Session.objects.select_for_update(of=("self",)).select_related("site").get(pk=session_id)
        rows = list(session.stop_rules.select_for_update().filter(fired_at=None).order_by("id"))
        facts = _facts_for(session, rows, _latest([session_id]).get(session_id), now).as_read()
        met = [(row, verdict) for row in rows if (verdict := _judge(row, facts, now)).fires]
        if not met or session.stop_state in stops.ASKED:
            return False
        row, verdict = met[0]
        label = _label(session, row)
        if not _ask_to_stop(session, row, f"{label[:1].upper()}{label[1:]}: {verdict.why}.", now):
            return False
        row.fired_at, row.suspected_at = now, row.suspected_at or now
        row.save(update_fields=["fired_at", "suspected_at"])
    return True


def _ask_to_stop(session: Session, row: StopRule, text: str, now: datetime) -> bool:
    """Why, then the stop itself, on the session's timeline. False, and nothing written: it cannot be stopped now."""
    try:
        with transaction.atomic():
            timeline.note(session, kind="rule", text=text, now=now, data={"rule": row.kind})
            actor = System(session.organisation_id, _label(session, row))
            stops.request_stop(actor=actor, session=session, now=now)
    except stops.NotStoppable:
        return False
    return True


def _label(session: Session, row: StopRule) -> str:
    words = stop_rules.said(session_rules.rule_of(row), session.currency)
    return _("stop rule %(rule)s") % {"rule": words}


# --- a refused stop ---------------------------------------------------------------------------------------------------
def _repeat_refused(now: datetime) -> list[int]:
    """A stop that a rule asked for and the vendor refused is asked for again, ever more seldom, while a reading says
    that the session goes on and the rule is still met."""
    fired = StopRule.objects.filter(fired_at__isnull=False)
    refused = _running().filter(stop_state=StopState.REFUSED, stop_rules__in=fired).distinct()
    sessions = refused.prefetch_related(Prefetch("stop_rules", fired))
    return [row.pk for row in sessions if any(_repeat(row, rule, now) for rule in row.stop_rules.all())]


def _repeat(session: Session, row: StopRule, now: datetime) -> bool:
    if session.stop_requested_by != _label(session, row):
        return False
    times = session.events.filter(kind="rule", data__rule=row.kind).count()
    refused_at = session.events.filter(kind="stop").aggregate(at=models.Max("occurred_at"))["at"]
    last = _latest([session.pk]).get(session.pk)
    if not 1 <= times <= len(REPEAT_AFTER) or last is None or last.confirmed_at <= refused_at:
        return False
    facts = _facts_for(session, [row], last, now).as_read()
    if now < refused_at + REPEAT_AFTER[times - 1] or not _judge(row, facts, now).fires:
        return False
    text = _("The stop was refused and the session goes on: the rule asks again, time %(n)s.") % {"n": times + 1}
    return _ask_to_stop(session, row, text, now)


# --- what is known ----------------------------------------------------------------------------------------------------
def _running() -> models.QuerySet[Session]:
    found = Session.objects.filter(state__in=stops.STOPPABLE, vendor_session_id__isnull=False)
    return found.select_related("site").order_by("id")


def _latest(session_ids: Iterable[int]) -> dict[int, Reading]:
    """The latest reading of each: one query."""
    found = Reading.objects.filter(session__in=list(session_ids)).defer("document")
    newest = found.order_by("session_id", "-received_at", "-id").distinct("session_id")
    return {reading.session_id: reading for reading in newest}


def _facts_for(session: Session, rows: Sequence[StopRule], last: Reading | None, now: datetime) -> Facts:
    """With all that these rules look at: earlier readings only where the last one may end a span."""
    facts = _facts(session, last)
    lasting = [row for row in rows if row.kind in WITH_MINUTES and _judge(row, facts, now).at is not None]
    earlier = _samples(session, max(row.for_minutes or 0 for row in lasting), now) if lasting else None
    needs_beginning = any(row.kind == RuleKind.MINUTES for row in rows) and session.started_at is None
    return _facts(session, last, earlier, _first_energy(session) if needs_beginning else None)


def _facts(
    session: Session, last: Reading | None, samples: Sequence[Sample] | None = None, began_at: datetime | None = None
) -> Facts:
    horizon_s = silence.horizon_s(session)
    shown = None
    if last is not None:
        known = estimates.facts(session, last.measured_at, last.confirmed_at, horizon_s)
        shown = estimates.of(known, last.confirmed_at)
        samples = [_sample(last, horizon_s)] if samples is None else samples
    return Facts(
        zone=session.site.zone,
        currency=session.currency,
        energy=shown.energy if shown else None,
        cost=shown.cost if shown else None,
        cost_by_tariff=session.cost is None,
        began_at=session.started_at or began_at,
        samples=tuple(samples or ()),
        horizon_s=horizon_s,
    )


def _first_energy(session: Session) -> datetime | None:
    """Where the vendor does not say when energy began: the first reading that shows it has."""
    began = session.readings.filter(status__in=ENERGY_BEGAN).order_by("received_at", "id")
    return began.values_list("received_at", flat=True).first()


def _samples(session: Session, minutes: int, now: datetime) -> list[Sample]:
    """Readings as far back as the minutes reach, and a little further."""
    horizon_s = silence.horizon_s(session)
    span = timedelta(minutes=minutes, seconds=2 * horizon_s)
    recent = session.readings.filter(confirmed_at__gte=now - span).defer("document").order_by("-received_at", "-id")
    return [_sample(reading, horizon_s) for reading in reversed(recent[:MOST_SAMPLES])]


def _sample(reading: Reading, horizon_s: float) -> Sample:
    """A document that is confirmed again and again speaks no further than a horizon from the moment it names itself: a
    charger that has lost its connection goes on saying the same."""
    until_at = reading.confirmed_at
    if reading.measured_at is not None:
        until_at = min(until_at, reading.measured_at + timedelta(seconds=horizon_s))
    from_at = min(reading.measured_at or reading.received_at, reading.received_at)
    return Sample(from_at, max(from_at, until_at), reading.status, reading.power_kw, reading.energy_kwh)
