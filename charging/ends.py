"""How sessions end where nobody says so: start windows that lapse, sessions that never end, idle time and its cause.

A reading ends a session, never a clock alone; and nothing is billed that was not read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging import decisions, settling, timeline
from charging.models import Session, SessionEvent
from charging.models.session import LIVE, State, StopState

LOOK_EVERY = timedelta(seconds=15)  # wall: how often a lapsed start window asks for a reading
FOLLOW_FOR = timedelta(hours=1)  # business: for so long a car may still be plugged into an expired start
FOLLOW_EVERY = timedelta(seconds=60)  # wall
REAP_AFTER = timedelta(hours=1)  # business: a session that nobody knows and that cost nothing is closed then
HEARD_WITHIN = timedelta(minutes=5)  # wall: the vendor answers others of the account
LONG_IDLE = timedelta(hours=12)
NO_PROGRESS = timedelta(hours=6)
TOO_LONG = timedelta(hours=72)


class IdleCause(models.TextChoices):
    CAR = "car", gettext_lazy("the car takes no energy")
    CHARGER = "charger", gettext_lazy("the charger gives no energy")
    STOP = "stop", gettext_lazy("a stop was asked for")
    NOT_REPORTED = "", gettext_lazy("cause not reported")


# What the vendor may say (contract: assumed, after OCPP's SuspendedEV and SuspendedEVSE and its stop reasons).
CAUSES = {
    "SuspendedEV": IdleCause.CAR,
    "StoppedByEV": IdleCause.CAR,
    "EVDisconnected": IdleCause.CAR,
    "SuspendedEVSE": IdleCause.CHARGER,
    "Faulted": IdleCause.CHARGER,
    "PowerLoss": IdleCause.CHARGER,
    "EmergencyStop": IdleCause.CHARGER,
    "Remote": IdleCause.STOP,
    "Local": IdleCause.STOP,
}
IDLE = (State.SUSPENDED, State.STOPPED)


@dataclass(frozen=True)
class IdleSpan:
    """Plugged in without energy, business time; `end_at` None: it goes on."""

    begin_at: datetime
    end_at: datetime | None
    cause: IdleCause

    def duration_s(self, now: datetime) -> int:
        return max(0, int(((self.end_at or now) - self.begin_at).total_seconds()))


@dataclass(frozen=True)
class Finding:
    """Why a session seems never to end, and what a person can do: "stop", "decide" or "" (only look)."""

    kind: str
    text: str
    action: str


def idle_spans(events: Iterable[SessionEvent]) -> list[IdleSpan]:
    """From the state changes of a timeline, oldest first. Power is never looked at: none said is not zero."""
    spans: list[IdleSpan] = []
    for event in events:
        if event.kind != "state" or "state" not in event.data:
            continue
        if spans and spans[-1].end_at is None:
            spans[-1] = IdleSpan(spans[-1].begin_at, event.occurred_at, spans[-1].cause)
        if event.data["state"] in IDLE:
            cause = CAUSES.get(event.data.get("reason") or "", IdleCause.NOT_REPORTED)
            spans.append(IdleSpan(event.occurred_at, None, cause))
    return spans


def idle_cause(session: Session) -> IdleCause:
    """Of the idle time that is going on or ended the session: by the vendor's word alone, never guessed."""
    return CAUSES.get(session.status_reason or session.end_reason, IdleCause.NOT_REPORTED)


def explain(session: Session, now: datetime, unchanged_since: datetime | None = None) -> Finding | None:
    """Why a live session seems not to end; None where it runs as sessions do. Pure. `unchanged_since`: its energy is
    the same since then."""
    if session.state not in LIVE:
        return None
    begun_at = session.started_at or session.requested_at
    if decisions.is_lost(session):
        text = _("The vendor no longer answers about it. Its figures are the last that were read.")
        return Finding("lost", text, "decide")
    if session.state == State.STOPPED and session.charging_ended_at and now - session.charging_ended_at > LONG_IDLE:
        text = _("Energy ended long ago and the cable is still in. It ends when somebody unplugs the car.")
        return Finding("long_idle", text, "")
    if now - begun_at > TOO_LONG:
        text = _("It has been open for more than three days. Stop it, or look at the station.")
        return Finding("too_long", text, "stop")
    if session.state == State.CHARGING and unchanged_since is not None and now - unchanged_since > NO_PROGRESS:
        text = _(
            "The vendor says that it charges, yet its energy has not grown for hours. Stop it, or look at the car."
        )
        return Finding("no_progress", text, "stop")
    return None


# --- the reaper: each is one step of the sweep; running any of them twice at once is harmless -----------------------
def look_at_lapsed_starts(now: datetime) -> int:
    """A start window that is over asks for a reading; settling ends the session if that still says pending."""
    limit = ExpressionWrapper(F("station__start_limit_s") * timedelta(seconds=1), output_field=models.DurationField())
    lapsed = Session.objects.filter(state=State.PENDING, hurry=False, accepted_at__lte=now - limit)
    return _hurry(lapsed.filter(_not_read_for(LOOK_EVERY)))


def follow_given_up(now: datetime) -> int:
    """Ended by us and not by the vendor: a car may still charge, which is found by reading on for a while."""
    given_up = (State.EXPIRED, State.ABANDONED, State.COMPLETED)
    open_there = Session.objects.filter(state__in=given_up, final_at=None, vendor_session_id__isnull=False)
    recent = open_there.filter(_not_read_for(FOLLOW_EVERY), ended_at__gte=now - FOLLOW_FOR, hurry=False)
    return _hurry(recent)


def reap(now: datetime) -> int:
    """Close what nobody knows any more and what cost nothing; where there is money or energy a person decides. A vendor
    that answers nothing at all says nothing about a session."""
    heard = {"station__account__last_answer_at__gte": Now() - HEARD_WITHIN, "station__account__key_refused_at": None}
    worthless = Q(energy_kwh=None) | Q(energy_kwh=0), Q(cost=None) | Q(cost=0)
    lost = Session.objects.filter(
        *worthless, **heard, state__in=LIVE, read_failures__gte=decisions.LOST_AFTER, requested_at__lte=now - REAP_AFTER
    )
    closed = 0
    for session_id in list(lost.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            row = Session.objects.select_for_update().get(pk=session_id)
            if not decisions.is_lost(row) or row.energy_kwh or row.cost:
                continue
            row.stop_state, row.due_at, row.hurry = StopState.NONE, None, False
            row.error = _("The vendor no longer answers about it, and no energy was ever read.")
            settling.move(row, State.ABANDONED, now)  # not failed, which is final: it may have charged after all
            row.save()
            timeline.note(row, kind="reaped", text=row.error, now=now)
            settling.report(row, now)
            closed += 1
    return closed


def _not_read_for(span: timedelta) -> Q:
    return Q(read_at=None) | Q(read_at__lt=Now() - span)


def _hurry(found: models.QuerySet[Session]) -> int:
    return Session.objects.filter(pk__in=list(found.values_list("pk", flat=True)[:200])).update(hurry=True)
