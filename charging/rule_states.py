"""How the stop rules of a session stand, for pages and the API: waiting, suspected, fired, or not reached.

Whether a rule is met is decided in stop_rules; what a met one does, in rule_watch.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from charging import rule_watch, session_rules, stop_rules
from charging.models import Session, StopRule
from charging.models.session import OPEN


class Standing(StrEnum):
    WAITING = "waiting"
    SUSPECTED = "suspected"  # met by estimate; a reading is asked for
    FIRED = "fired"  # it asked for the stop
    NOT_REACHED = "not_reached"  # the session ended before


@dataclass(frozen=True)
class RuleState:
    """`words` is the rule (`at 20 kWh`), `why` what is known of it: while it waits the figures by now, once it fired
    the sentence of the timeline. `expected_at` only where it can be told and has not come."""

    row: StopRule
    words: str
    standing: Standing
    why: str
    expected_at: datetime | None


def of(session: Session, now: datetime) -> list[RuleState]:
    """In the order of the rules; four queries at most, and two more where a rule's minutes run."""
    rows = list(session_rules.of(session))
    if not rows:
        return []
    reasons = _reasons(session) if any(row.fired_at for row in rows) else {}
    return [
        _state(session, row, verdict, reasons.get(row.kind, ""))
        for row, verdict in rule_watch.verdicts(session, rows, now)
    ]


def _state(session: Session, row: StopRule, verdict: stop_rules.Verdict, reason: str) -> RuleState:
    words = stop_rules.said(session_rules.rule_of(row), session.currency)
    if row.fired_at is not None:
        return RuleState(row, words, Standing.FIRED, reason or verdict.why, None)
    if session.state not in OPEN:
        return RuleState(row, words, Standing.NOT_REACHED, "", None)
    standing = Standing.WAITING if row.suspected_at is None else Standing.SUSPECTED
    return RuleState(row, words, standing, verdict.why, None if verdict.fires else verdict.at)


def _reasons(session: Session) -> dict[str, str]:
    """By kind what the timeline said when a rule fired: the first of its sentences, for later ones tell of repeats."""
    told = session.events.filter(kind="rule", data__has_key="rule").order_by("-occurred_at", "-id")
    return {event.data["rule"]: event.text for event in told}
