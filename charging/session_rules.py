"""Stop rules as rows: the defaults of stations and sites, what a station will have none of, the copies at a session,
and what people change.

Whether a rule is met is decided in stop_rules; what happens then, in rule_watch.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import models, transaction
from django.utils.translation import gettext as _

from charging import stop_rules, timeline
from charging.models import Session, StopRule
from charging.models.session import LIVE, OPEN
from charging.models.stop_rule import RuleKind
from charging.stop_rules import Rule
from fleet.models import Site, Station
from people import audit
from people.actor import Actor

Owner = Session | Station | Site


class SessionOver(Exception):
    """The session has ended; there is nothing left that a rule could stop."""

    def __init__(self) -> None:
        super().__init__(_("The session is over. Stop rules can be changed only while it runs."))


def rule_of(row: StopRule) -> Rule:
    """The plain value that stop_rules decides about."""
    return Rule(row.kind, row.created_at, row.amount, row.for_minutes, row.at_time)


def of(owner: Owner) -> models.QuerySet[StopRule]:
    """The rules of a session, or the defaults of a station or site, in the order of the kinds' list."""
    return StopRule.objects.filter(is_none=False, **_belongs(owner)).order_by("id")


def refused(station: Station) -> list[str]:
    """The kinds that the station will have none of, whatever its site says, in the order of the kinds' list."""
    kinds = set(StopRule.objects.filter(station=station, is_none=True).values_list("kind", flat=True))
    return [kind for kind in RuleKind.values if kind in kinds]


def at_start(station: Station) -> list[StopRule]:
    """What a start there takes over: of each kind the station's default, else the site's, unless the station will have
    none. One query."""
    found = StopRule.objects.filter(models.Q(station=station) | models.Q(site_id=station.site_id))
    by_kind = {rule.kind: rule for rule in found.order_by(models.F("station").asc(nulls_first=True), "id")}
    return sorted((rule for rule in by_kind.values() if not rule.is_none), key=lambda rule: rule.pk)


def begin(session: Session, given: Sequence[Rule], given_by: str, now: datetime, *, with_defaults: bool = True) -> None:
    """In the transaction that writes a start down: the rules given with it, and the defaults of other kinds. They are
    copies: a later change of a default leaves the session alone."""
    rules = [(rule, given_by) for rule in given]
    kinds = {rule.kind for rule in given}
    for row in at_start(session.station) if with_defaults else ():
        if row.kind not in kinds:
            name = session.site if row.station_id is None else session.station
            rules.append((rule_of(row), _("default of %(name)s") % {"name": name}))
    text = _("Stop rules: %(rules)s.") % {"rules": in_words((rule for rule, _by in rules), session.currency)}
    if not rules:
        if with_defaults:
            return
        text = _("No stop rule: the start asked for none, and the defaults do not hold.")
    _write(session, rules, now)
    timeline.note(session, kind="rule", text=text, now=now)


def replace(*, actor: Actor, owner: Owner, rules: Sequence[Rule], now: datetime, none: Collection[str] = ()) -> bool:
    """Make these the owner's rules, at most one of a kind. A rule that stays as it was keeps what became of it. `none`:
    kinds that a station will have none of.

    False: nothing was to change. Raises SessionOver.
    """
    with transaction.atomic():
        _lock(owner)
        rows = StopRule.objects.filter(**_belongs(owner))
        before = {row.kind: None if row.is_none else rule_of(row).terms for row in rows}
        wanted = {rule.kind: rule for rule in rules}
        after = dict.fromkeys(none) | {kind: rule.terms for kind, rule in wanted.items()}
        if before == after:
            return False
        kept = {kind for kind, terms in before.items() if kind in after and after[kind] == terms}
        rows.exclude(kind__in=kept).delete()
        _write(owner, [(rule, actor.label) for kind, rule in wanted.items() if kind not in kept], now)
        refusals = [kind for kind, terms in after.items() if terms is None]
        _refuse(owner, [kind for kind in refusals if kind not in kept], actor, now)
        _tell(actor, owner, list(wanted.values()), refusals, now)
    return True


def add(*, actor: Actor, session: Session, rules: Sequence[Rule], now: datetime) -> bool:
    """Give a session these rules beside those that it has; one of the same kind is replaced. Raises SessionOver."""
    kinds = {rule.kind for rule in rules}
    others = [rule_of(row) for row in of(session) if row.kind not in kinds]
    return replace(actor=actor, owner=session, rules=[*others, *rules], now=now)


def remove(*, actor: Actor, session: Session, kind: str, now: datetime) -> bool:
    """False: it had none of that kind. Raises SessionOver."""
    others = [rule_of(row) for row in of(session) if row.kind != kind]
    return replace(actor=actor, owner=session, rules=others, now=now)


def in_words(rules: Iterable[Rule], currency: str) -> str:
    return "; ".join(stop_rules.said(rule, currency) for rule in rules)


def _belongs(owner: Owner) -> dict[str, Owner]:
    return {owner._meta.model_name or "": owner}


def _lock(owner: Owner) -> None:
    """A session's rules change while it is open, and its row is written so that pages see it."""
    if not isinstance(owner, Session):
        return
    row = Session.objects.select_for_update().get(pk=owner.pk)
    if row.state not in OPEN:
        raise SessionOver
    row.hurry = row.hurry or row.state in LIVE
    row.save(update_fields=["hurry"])


def _write(owner: Owner, rules: Iterable[tuple[Rule, str]], now: datetime) -> None:
    StopRule.objects.bulk_create(
        StopRule(
            kind=rule.kind,
            amount=rule.amount,
            for_minutes=rule.for_minutes,
            at_time=rule.at_time,
            created_at=now,
            created_by_label=label[:160],
            **_belongs(owner),
        )
        for rule, label in rules
    )


def _refuse(owner: Owner, kinds: Iterable[str], actor: Actor, now: datetime) -> None:
    label, belongs = actor.label[:160], _belongs(owner)
    StopRule.objects.bulk_create(
        StopRule(kind=kind, is_none=True, created_at=now, created_by_label=label, **belongs) for kind in kinds
    )


def _tell(actor: Actor, owner: Owner, rules: Sequence[Rule], refusals: Sequence[str], now: datetime) -> None:
    currency = owner.site.currency if isinstance(owner, Station) else owner.currency
    words = "; ".join(filter(None, (in_words(rules, currency), *map(stop_rules.said_none, refusals))))
    if isinstance(owner, Session):
        text = _("Stop rules: %(rules)s.") % {"rules": words} if words else _("No stop rule any more.")
        timeline.note(owner, kind="rule", text=text, now=now, actor_label=actor.label)
    subject = str(owner.public_id if isinstance(owner, Session) else owner)
    audit.record(actor=actor, verb="stop_rules.changed", subject=subject, now=now, rules=words)
