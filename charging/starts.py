"""Starting a session: the wish is written down, sent once, and its outcome told for what it is.

An unknown start is never repeated (contract: no idempotency key); it blocks its connector for the start limit and is
settled by its own webhook, by an exception that names it, or by a person.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging import attempts, settling, timeline
from charging.models import Session
from charging.models.session import LIVE, OPEN, Origin, State, StopState
from fleet import gateway, hooks
from fleet.models import Connector, Station, StationSetting
from fleet.models.message import HookKind, HookToken
from fleet.models.station import CommandKind, Lifecycle
from people import audit
from people.actor import Actor

CLOSED = (eevion.PriorityStatus.UNAVAILABLE, eevion.PriorityStatus.OUT_OF_SERVICE)
Decision = Literal["never_started", "closed"]
LOST_AFTER = 2  # reads in a row without an answer; then a person may close the session


class StationBusy(Exception):
    """Another session holds the connector; it is read next, for it may be over."""

    def __init__(self, session: Session) -> None:
        super().__init__(_("Another session is going on there. It ends when its cable is unplugged."))
        self.session = session


class StationBlocked(Exception):
    """A start whose answer was lost may still hold the connector."""

    def __init__(self, until: datetime) -> None:
        super().__init__(_("An earlier start got no answer and may still begin. Wait for it, or decide it first."))
        self.until = until


class StationUnavailable(Exception):
    """No request is spent on a station that we know cannot start."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoSuchConnector(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(_("The station has no connector %(number)s. Choose one of its own.") % {"number": number})
        self.number = number


class NothingToDecide(Exception):
    """Only a start without an answer can be decided."""


def request_start(
    *, actor: Actor, station: Station, connector_number: int | None, reference: str, origin: Origin, now: datetime
) -> Session:
    """Write the start down, due at once. Without a number it takes the lowest free connector.

    The same reference on the same station while one is open returns that session. Raises StationBusy, StationBlocked,
    StationUnavailable, NoSuchConnector.
    """
    try:
        with transaction.atomic():
            return _write(actor, station, connector_number, reference.strip()[:120], origin, now)
    except StationBusy as busy:
        Session.objects.filter(pk=busy.session.pk).update(hurry=True)
        raise
    except IntegrityError as error:
        holder = Session.objects.filter(station=station, holds_connector=True).first()
        if holder is None:
            raise
        raise StationBusy(holder) from error


def decide(*, actor: Actor, session: Session, decision: Decision, now: datetime) -> Session:
    """A person says what the vendor does not: an unknown start never happened, or a session that cannot be read any
    more is over, with the last figures known and not confirmed. The vendor may still prove otherwise. Raises
    NothingToDecide."""
    with transaction.atomic():
        row = Session.objects.select_for_update().get(pk=session.pk)
        if decision == "never_started" and row.state == State.UNKNOWN:
            settling.move(row, State.ABANDONED, now)
            text = _("Decided: it never started.")
        elif decision == "closed" and is_lost(row):
            _close(row, now)
            text = _("Decided: it is over. Its figures are the last that were read, not confirmed.")
        else:
            raise NothingToDecide(_("There is nothing to decide here any more. Reload the page to see how it stands."))
        row.save()
        timeline.note(row, kind="decided", text=text, now=now, actor_label=actor.label, data={"decision": decision})
        audit.record(actor=actor, verb="session.decided", subject=str(row.public_id), now=now, decision=decision)
        settling.report(row, now)
    return row


def is_lost(session: Session) -> bool:
    """The vendor was asked in vain more than once, so that a person may close it."""
    return session.state in LIVE and session.read_failures >= LOST_AFTER


def _close(row: Session, now: datetime) -> None:
    """Energy that flowed belongs to a completed session; one that never charged failed."""
    row.stop_state, row.due_at, row.hurry = StopState.NONE, None, False
    if row.energy_kwh:
        row.completed_at = row.completed_at or now
        settling.move(row, State.COMPLETED, now)
    else:
        settling.move(row, State.FAILED, now)


def send_start(session_id: int, now_fn: Callable[[], datetime]) -> Session | None:
    """Send a due start and take its outcome. None when it is not due or another worker has it.

    Nothing sent: due again after a pause, and failed once the station's start limit (wall time here) has passed.
    """
    session = attempts.pick(session_id, state=State.REQUESTED)
    if session is None:
        return None
    try:
        answer = gateway.call(
            account=session.station.account,
            lane=gateway.Lane.PEOPLE if session.origin == Origin.PERSON else gateway.Lane.API,
            why=f"start session {session.pk}",
            endpoint="POST session",
            patience_s=attempts.PATIENCE_S[session.origin],
            request=partial(_send, session, now_fn),
        )
    except attempts.AlreadyTaken:
        return None
    except (gateway.NoSlot, eevion.NotSent, eevion.RateLimited) as error:
        return _settle(session, now_fn(), partial(_not_sent, error=error))
    except eevion.Rejected as error:
        return _settle(session, now_fn(), partial(_rejected, error=error))
    except eevion.OutcomeUnknown as error:
        return _settle(session, now_fn(), partial(_unknown, why=str(error)))
    return _settle(session, now_fn(), partial(_accepted, answer=answer))


def due(limit: int = 200) -> list[int]:
    """Starts that wait to be sent."""
    rows = Session.objects.filter(state=State.REQUESTED, due_at__lte=Now(), claimed_until=None)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:limit])


def settle_stale(now: datetime) -> int:
    """A worker died while it was sending: the start may have happened, so it is unknown, never repeated."""
    stale = Session.objects.filter(state=State.REQUESTED, claimed_until__lt=Now())
    lost = list(stale.select_related("station"))
    why = _("the sender stopped in the middle of the request.")
    for session in lost:
        _settle(session, now, partial(_unknown, why=why))
    return len(lost)


def release_blocks(now: datetime) -> int:
    """After the start limit an unknown start cannot begin: its connector is free, the session stays unknown."""
    over = Session.objects.filter(state=State.UNKNOWN, holds_connector=True, blocked_until__lte=now)
    ids = list(over.values_list("pk", flat=True))
    for session_id in ids:
        with transaction.atomic():
            row = Session.objects.select_for_update().get(pk=session_id)
            if row.state != State.UNKNOWN or not row.holds_connector:
                continue
            row.holds_connector = False
            row.save(update_fields=["holds_connector"])
            text = _("The start limit has passed: the connector is free again. Whether it started is still unknown.")
            timeline.note(row, kind="released", text=text, now=now)
            settling.report(row, now)
    return len(ids)


def _write(
    actor: Actor, station: Station, number: int | None, reference: str, origin: Origin, now: datetime
) -> Session:
    place = Station.objects.select_for_update(of=("self",)).select_related("site", "tariff").get(pk=station.pk)
    if reference:
        same = Session.objects.filter(station=place, reference=reference, state__in=OPEN).exclude(
            state=State.UNKNOWN, holds_connector=False
        )
        again = same.first()
        if again is not None:
            return again
    _check_station(place)
    connector = _choose(place, number, now)
    session = Session.objects.create(
        organisation_id=place.organisation_id,
        site=place.site,
        station=place,
        connector=connector,
        reference=reference,
        origin=origin,
        requested_by_id=actor.user_id,
        api_key_id=actor.api_key_id,
        currency=place.site.currency,
        requested_at=now,
        tariff=_price(place),
        due_at=Now(),
    )
    session.refresh_from_db(fields=["due_at"])
    timeline.note(session, kind="requested", text=_("Start requested."), now=now, actor_label=actor.label)
    audit.record(actor=actor, verb="session.requested", subject=str(place), now=now, session=str(session.public_id))
    settling.report(session, now)
    return session


def _check_station(station: Station) -> None:
    """Raises StationUnavailable."""
    if station.lifecycle != Lifecycle.ACTIVE:
        state = station.get_lifecycle_display().lower()
        raise StationUnavailable(_("This station is %(state)s. Make it active before starting.") % {"state": state})
    if station.offline_since:
        raise StationUnavailable(_("The station is offline. Try again when it is back."))
    if station.fault_since:
        raise StationUnavailable(_("The station reports a fault. Try again when it is cleared."))
    setting = StationSetting.objects.filter(station=station, kind=CommandKind.PRIORITY_STATUS).first()
    if setting is not None and setting.finished_value in CLOSED:
        raise StationUnavailable(_("The station was closed by a command. Set it available before starting."))


def _choose(station: Station, number: int | None, now: datetime) -> Connector | None:
    """Raises NoSuchConnector, StationUnavailable, StationBusy, StationBlocked. None: no connector is known."""
    all_of_it = list(Connector.objects.filter(station=station).order_by("number"))
    if number is not None and number not in {connector.number for connector in all_of_it}:
        raise NoSuchConnector(number)
    holders = list(Session.objects.filter(station=station, holds_connector=True).order_by("id"))
    for holder in holders:
        if holder.connector_id is None and (holder.state == State.UNKNOWN or not all_of_it):
            raise _taken(holder, now)
    held = {holder.connector_id: holder for holder in holders}
    wanted = [connector for connector in all_of_it if number in (None, connector.number)]
    sound = [connector for connector in wanted if not connector.fault_since]
    if wanted and not sound:
        raise StationUnavailable(_("The connector reports a fault. Choose another one."))
    for connector in sound:
        if connector.pk not in held:
            return connector
    if sound:
        raise _taken(held[sound[0].pk], now)
    return None


def _taken(holder: Session, now: datetime) -> StationBusy | StationBlocked:
    if holder.state == State.UNKNOWN and holder.blocked_until:
        return StationBlocked(max(holder.blocked_until, now))
    return StationBusy(holder)


def _price(station: Station) -> dict[str, Any] | None:
    """The tariff as it stands now; amounts as text, so that no digit is lost in JSON."""
    tariff = station.tariff
    if tariff is None:
        return None
    return {
        "fee_id": tariff.fee_id,
        "name": tariff.name,
        "currency": tariff.currency,
        "price_per_kwh": str(tariff.price_per_kwh),
        "price_per_minute": str(tariff.price_per_minute),
        "price_per_start": str(tariff.price_per_start),
    }


def _send(session: Session, now_fn: Callable[[], datetime], client: eevion.Client) -> eevion.SessionStarted:
    """Runs with a slot in hand. The claim and the attempt's own webhook URL are committed before a byte leaves."""
    with transaction.atomic():
        attempts.claim(session, state=State.REQUESTED)
        unused = session.token
        token, url = hooks.mint(account=session.station.account, kind=HookKind.SESSION, now=now_fn())
        Session.objects.filter(pk=session.pk).update(token=token)
        if unused is not None:
            HookToken.objects.filter(pk=unused.pk).delete()
    return client.start_session(
        station_id=session.station.vendor_id,
        webhook_url=url,
        connector_id=session.connector.number if session.connector else None,
        external_reference=session.reference or None,
    )


def _settle(session: Session, now: datetime, take: Callable[[Session, datetime], None]) -> Session:
    with transaction.atomic():
        row = Session.objects.select_for_update(of=("self",)).select_related("station").get(pk=session.pk)
        take(row, now)
        row.save()
        settling.report(row, now)
    return row


def _accepted(row: Session, now: datetime, answer: eevion.SessionStarted) -> None:
    """Also after the sweep took the sender for dead, or the webhook came first: a late success is a normal move."""
    if not settling.learn_vendor_id(row, answer.session_id, now):
        _unknown(row, now, _("it named a session that is known already."))
        return
    row.claimed_until = None
    if row.state not in (State.REQUESTED, State.UNKNOWN, State.ABANDONED):
        return
    settling.move(row, State.PENDING, now)
    row.accepted_at, row.due_at, row.attempts, row.error = now, None, 0, ""
    timeline.note(row, kind="accepted", text=_("Accepted by the vendor. Waiting for car or charger."), now=now)


def _not_sent(row: Session, now: datetime, error: Exception) -> None:
    if row.state != State.REQUESTED:
        return
    if row.claimed_until is None:
        row.attempts += 1  # no slot: the claim was not reached
    first = not row.error
    row.error = attempts.why_not_sent(error)[:500]
    attempts.put_back(row, wait_s=min(getattr(error, "wait_s", 0.0), 30.0))
    if attempts.waited_s(row.attempts) >= row.station.start_limit_s:
        last = _("Given up, nothing was started. %(error)s") % {"error": row.error}
        _fail(row, now, last)
    elif first:
        timeline.note(row, kind="delayed", text=row.error, now=now)


def _rejected(row: Session, now: datetime, error: eevion.Rejected) -> None:
    row.claimed_until = None
    if row.state != State.REQUESTED:
        return
    words = _("Refused by the vendor: %(said)s") % {"said": error.message}
    if error.is_auth:
        words += " " + _("Check the API key in the account's settings.")
    elif error.is_unknown:
        words += " " + _("Check the station id.")
    _fail(row, now, words)


def _fail(row: Session, now: datetime, words: str) -> None:
    row.error = words[:500]
    settling.move(row, State.FAILED, now)
    row.final_at = now
    timeline.note(row, kind="failed", text=words, now=now)


def _unknown(row: Session, now: datetime, why: str) -> None:
    row.claimed_until = None
    if row.state != State.REQUESTED:
        return
    settling.move(row, State.UNKNOWN, now)
    row.due_at = None
    row.blocked_until = now + timedelta(seconds=row.station.start_limit_s)
    row.error = (_("No answer to the start: %(why)s It may have begun.") % {"why": why})[:500]
    timeline.note(row, kind="unknown", text=row.error, now=now)
