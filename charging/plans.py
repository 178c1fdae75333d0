"""Scheduled starts: a plan says when, in the site's zone; each of its times is one row that starts a session once, or
says why not. A plan spends no request before its time."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from charging import admission, starts
from charging.models import PlannedStart, Session, StartPlan
from charging.models.session import Origin
from fleet.models import Connector, Station
from lib import clock_times
from people import audit
from people.actor import Actor, System

FARTHEST = timedelta(days=366)  # a later date is a slip of the finger
TRY_EVERY = timedelta(seconds=30)  # wall: a station that is taken or closed is tried again after this long
Outcome = PlannedStart.Outcome


class PlanRefused(Exception):
    """The plan has no time to come, or names what is not there; its words say what to change."""


def create(
    *,
    actor: Actor,
    station: Station,
    connector_number: int | None,
    reference: str,
    on_date: date | None,
    weekdays: Sequence[int],
    at_time: time,
    patience_minutes: int,
    now: datetime,
) -> StartPlan:
    """Once on `on_date`, or on `weekdays`. Raises PlanRefused, admission.NoSuchConnector."""
    connector = None
    if connector_number is not None:
        connector = Connector.objects.filter(station=station, number=connector_number).first()
        if connector is None:
            raise admission.NoSuchConnector(connector_number)
    if on_date is not None and on_date > (now + FARTHEST).date():
        raise PlanRefused(_("That is more than a year away. Choose an earlier date."))
    days = sorted(set(weekdays)) if on_date is None else []
    next_at = clock_times.next_time(on_date=on_date, weekdays=days, at_time=at_time, zone=station.site.zone, after=now)
    if next_at is None:
        raise PlanRefused(_("That moment has passed. Choose a later one."))
    with transaction.atomic():
        plan = StartPlan.objects.create(
            organisation_id=station.organisation_id,
            site_id=station.site_id,
            station=station,
            connector=connector,
            reference=reference.strip()[:120],
            on_date=on_date,
            weekdays=days,
            at_time=at_time,
            patience_minutes=patience_minutes,
            requested_by_id=actor.user_id,
            requested_by_label=actor.label[:160],
            created_at=now,
            next_at=next_at,
        )
        audit.record(actor=actor, verb="plan.created", subject=str(station), now=now, plan=str(plan.public_id))
    return plan


def cancel(*, actor: Actor, plan: StartPlan, now: datetime) -> StartPlan:
    """No more starts of it; one that waits is given up. A second call changes nothing."""
    with transaction.atomic():
        row = StartPlan.objects.select_for_update().get(pk=plan.pk)
        if row.cancelled_at is None:
            row.cancelled_at, row.next_at = now, None
            row.save()
            waiting = PlannedStart.objects.filter(plan=row, outcome=Outcome.WAITING)
            waiting.update(outcome=Outcome.MISSED, reason=_("The plan was cancelled."), try_at=None, settled_at=now)
            audit.record(actor=actor, verb="plan.cancelled", subject=str(row.station), now=now, plan=str(row.public_id))
    return row


def fall_due(now: datetime) -> int:
    """Write down the times that have come. After an outage, those whose patience is over are missed."""
    ids = list(StartPlan.objects.filter(next_at__lte=now).values_list("pk", flat=True)[:200])
    return sum(_fall_due(plan_id, now) for plan_id in ids)


def start_due(now: datetime) -> list[Session]:
    """Try the planned starts whose turn it is; the sessions that were written down, for a worker to send."""
    ids = list(PlannedStart.objects.filter(try_at__lte=Now()).values_list("pk", flat=True)[:200])
    return [session for session in (_try(planned_id, now) for planned_id in ids) if session is not None]


def realign(now: datetime) -> int:
    """A site whose zone was changed, or a station that moved, moves the times to come of its plans. Where that leaves
    none, because by the other clock it has passed, the plan ends as missed."""
    plans = StartPlan.objects.filter(next_at__gt=now).select_related("station__site")
    return sum(_realign(plan, now) for plan in plans)


@transaction.atomic
def _realign(plan: StartPlan, now: datetime) -> int:
    next_at = _next(plan, now)
    if (next_at, plan.station.site_id) == (plan.next_at, plan.site_id):
        return 0
    mine = StartPlan.objects.filter(pk=plan.pk, next_at=plan.next_at)
    moved = mine.update(next_at=next_at, site_id=plan.station.site_id)
    if moved and plan.next_at is not None and next_at is None:
        reason = _("By the clock of the site as it is now, that moment had passed already.")
        missed = {"outcome": Outcome.MISSED, "settled_at": now, "reason": reason}
        PlannedStart.objects.get_or_create(plan=plan, due_at=plan.next_at, defaults=missed)
    return moved


def _next(plan: StartPlan, after: datetime) -> datetime | None:
    zone = plan.station.site.zone
    return clock_times.next_time(
        on_date=plan.on_date, weekdays=plan.weekdays, at_time=plan.at_time, zone=zone, after=after
    )


def _fall_due(plan_id: int, now: datetime) -> int:
    written = 0
    with transaction.atomic():
        plan = StartPlan.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=plan_id).first()
        while plan is not None and plan.next_at is not None and plan.next_at <= now:
            missed = now - plan.next_at > timedelta(minutes=plan.patience_minutes)
            late = {"outcome": Outcome.MISSED, "settled_at": now, "reason": _("Nothing was running at its time.")}
            values = late if missed else {"try_at": Now()}
            _row, made = PlannedStart.objects.get_or_create(plan=plan, due_at=plan.next_at, defaults=values)
            written += made
            plan.next_at = _next(plan, plan.next_at)
            plan.save(update_fields=["next_at"])
    return written


def _try(planned_id: int, now: datetime) -> Session | None:
    """The row and its session are written in one transaction: a crash starts none or one, never two."""
    with transaction.atomic():
        waiting = PlannedStart.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            pk=planned_id, outcome=Outcome.WAITING
        )
        row = waiting.select_related("plan__station__site", "plan__connector").first()
        if row is None:
            return None
        try:
            row.session = _start(row.plan, now)
        except (
            admission.StationBusy,
            admission.StationBlocked,
            admission.StationUnavailable,
            admission.NoSuchConnector,
        ) as error:
            _put_off(row, str(error), now)
        else:
            row.outcome, row.reason, row.try_at, row.settled_at = Outcome.STARTED, "", None, now
        row.save()
    return row.session


def _start(plan: StartPlan, now: datetime) -> Session:
    return starts.request_start(
        actor=System(plan.organisation_id, _("Plan of %(who)s") % {"who": plan.requested_by_label}),
        station=plan.station,
        connector_number=plan.connector.number if plan.connector else None,
        reference=plan.reference,
        origin=Origin.PLAN,
        now=now,
    )


def _put_off(row: PlannedStart, why: str, now: datetime) -> None:
    row.reason = why[:500]
    row.try_at = Now() + TRY_EVERY
    if now - row.due_at >= timedelta(minutes=row.plan.patience_minutes):
        row.outcome, row.try_at, row.settled_at = Outcome.MISSED, None, now
