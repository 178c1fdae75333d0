"""Starting a session: the wish is written down, sent once, and its outcome told for what it is.

An unknown start is never repeated (contract: no idempotency key); it blocks its connector for the start limit and is
settled by its own webhook or by a person (decisions); an exception only hints at it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

import eevion
from charging import admission, attempts, observing, session_rules, settling, timeline
from charging.models import Session
from charging.models.session import OPEN, Origin, State
from charging.stop_rules import Rule
from fleet import gateway, hooks
from fleet.models import Station
from fleet.models.message import HookKind, HookToken
from lib import clock, outage
from people import audit
from people.actor import Doer

ON_ITS_WAY = (State.REQUESTED, State.UNKNOWN, State.PENDING)
SECOND_CLICK = timedelta(seconds=5)  # wall: so soon nobody fills the form for another car


def request_start(
    *,
    actor: Doer,
    station: Station,
    connector_number: int | None,
    reference: str,
    origin: Origin,
    now: datetime,
    stop_at: Sequence[Rule] = (),
    with_defaults: bool = True,
) -> Session:
    """Write the start down, due at once. Without a number it takes the lowest free connector. `stop_at` are stop rules
    beside the defaults of station and site, and instead of those of the same kind; without defaults they are all.

    The same start again, by its reference, returns the open session: see _repeated. Raises admission.StationBusy,
    StationBlocked, StationUnavailable, NoSuchConnector.
    """
    try:
        with transaction.atomic():
            session, is_new = _write(actor, station, connector_number, reference.strip()[:120], origin, now)
            if is_new:
                session_rules.begin(session, stop_at, actor.label, now, with_defaults=with_defaults)
            return session
    except admission.StationBusy as busy:
        Session.objects.filter(pk=busy.session.pk).update(hurry=True)
        raise
    except IntegrityError as error:
        holder = Session.objects.filter(station=station, holds_connector=True).first()
        if holder is None:
            raise
        raise admission.StationBusy(holder) from error


def send_start(session_id: int, now_fn: Callable[[], datetime]) -> Session | None:
    """Send a due start and take its outcome. None when it is not due or another worker has it.

    Nothing sent: due again after a pause, and failed once the station's start limit (wall time here) has passed.
    """
    session = attempts.pick(session_id, state=State.REQUESTED)
    if session is None:
        return None
    try:
        answer = attempts.call(
            session,
            lane=gateway.Lane.PEOPLE if session.origin == Origin.PERSON else gateway.Lane.API,
            why=f"start session {session.pk}",
            endpoint="POST session",
            patience_s=attempts.PATIENCE_S[session.origin],
            request=partial(_send, session, now_fn),
            state=State.REQUESTED,
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
    for session in lost:
        _settle(session, now, partial(_left_behind, lease=session.claimed_until))
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
    actor: Doer,
    station: Station,
    number: int | None,
    reference: str,
    origin: Origin,
    now: datetime,
) -> tuple[Session, bool]:
    """The session, and whether it was written just now; its stop rules are the caller's to write."""
    place = Station.objects.select_for_update(of=("self",)).select_related("site", "tariff").get(pk=station.pk)
    again = _repeated(actor, place, number, reference, origin, now)
    if again is not None:
        return again, False
    admission.check(place)
    connector = admission.choose(place, number, now)
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
    return session, True


def _repeated(
    actor: Doer, place: Station, number: int | None, reference: str, origin: Origin, now: datetime
) -> Session | None:
    """The open session that this start only repeats. A program repeats until it is answered; a person's second click
    comes while the first is on its way, later it is another wish; a time of a plan is written once and repeats nothing.
    """
    same = Session.objects.filter(station=place, reference=reference, state__in=OPEN).order_by("id")
    same = same.exclude(state=State.UNKNOWN, holds_connector=False)
    if origin == Origin.API:
        return same.first() if reference else None
    if number is not None:
        same = same.filter(connector__number=number)
    clicked = same.filter(state__in=ON_ITS_WAY) if origin == Origin.PERSON else same.none()
    if not reference:  # tells nothing by itself
        since = now - SECOND_CLICK * clock.speed()
        return clicked.filter(requested_by=actor.user_id, requested_at__gt=since).first()
    again, there = clicked.first(), same.first()
    if again is None and there is not None:
        raise admission.taken(there, now)
    return again


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
    """Take the outcome, also when the database restarts just now: what was answered is not asked again."""
    return outage.outlast(partial(_taken, session, now, take))


def _taken(session: Session, now: datetime, take: Callable[[Session, datetime], None]) -> Session:
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
    observing.accepted(row, now)


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
    """Also after the sweep took the sender for dead: what was refused did not begin."""
    row.claimed_until = None
    if row.state not in (State.REQUESTED, State.UNKNOWN):
        return
    words = _("Refused by the vendor: %(said)s") % {"said": error.message}
    if error.is_auth:
        words += " " + _("Check the API key in the account's settings.")
    elif error.is_unknown:
        words += " " + _("Check the station id.")
    is_evidence = observing.is_evidence(error)
    _fail(row, now, words, {observing.REFUSED: error.code} if is_evidence else None)
    if is_evidence:
        observing.refused(row, now, now)


def _fail(row: Session, now: datetime, words: str, data: dict[str, Any] | None = None) -> None:
    row.error = words[:500]
    settling.move(row, State.FAILED, now)
    row.final_at = now
    timeline.note(row, kind="failed", text=words, now=now, data=data)


def _left_behind(row: Session, now: datetime, lease: datetime | None) -> None:
    if row.claimed_until == lease:  # else its sender has come back just now
        _unknown(row, now, _("the sender stopped in the middle of the request."))


def _unknown(row: Session, now: datetime, why: str) -> None:
    row.claimed_until = None
    if row.state != State.REQUESTED:
        return
    settling.move(row, State.UNKNOWN, now)
    row.due_at = None
    row.blocked_until = now + timedelta(seconds=row.station.start_limit_s)
    row.error = (_("No answer to the start: %(why)s It may have begun.") % {"why": why})[:500]
    timeline.note(row, kind="unknown", text=row.error, now=now)
