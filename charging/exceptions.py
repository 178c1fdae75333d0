"""The vendor's exceptions, by webhook and by list, into one row each: opened, and cleared by its own word.

What a fault or an open offline exception means for a connector's state is fleet's to derive.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

import eevion
from charging import timeline
from charging.models import Session, StationException
from charging.models.session import LIVE, State
from eevion import ExceptionType
from fleet import gateway, notices, stations
from fleet.models import Account, Connector, Station

LOOK_BACK = timedelta(hours=24)  # overlapping: one that was missed is found by the next list
PAGES = 50
# Longer than the readers' own slots are apart at 60 a window: with every shared slot busy, a list still comes through.
PATIENCE_S = 15.0


def apply(*, account: Account, payload: eevion.StationException, now: datetime) -> StationException:
    """Write down an exception, in any order and as often as it comes. One that was cleared stays cleared."""
    with transaction.atomic():
        # One writer an account, so that the same exception by webhook and by list makes one row without an error.
        Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
        station = _station(account, payload, now)
        known = StationException.objects.filter(account=account, vendor_exception_id=payload.exception_id[:120])
        row = known.first()
        is_new = row is None
        if row is None:
            row = StationException(
                organisation_id=account.organisation_id,
                account=account,
                vendor_exception_id=payload.exception_id[:120],
                received_at=now,
            )
        _fill(row, payload, station)
        row.save()
        _tell_fleet(row)
        if is_new:
            _tell_session(row, payload.session_id, now)
    return row


def list_all(account: Account, now: datetime) -> int:
    """Read the exceptions of the last 24 hours, page by page. Returns how many; raises what the gateway raises."""
    cursor, count = None, 0
    for _page in range(PAGES):
        page = gateway.call(
            account=account,
            lane=gateway.Lane.READS,
            why="list exceptions",
            endpoint="GET exceptions",
            patience_s=PATIENCE_S,
            request=partial(_page_of, now - LOOK_BACK, cursor),
        )
        for payload in page.exceptions:
            apply(account=account, payload=payload, now=now)
        count += len(page.exceptions)
        if page.next_cursor is None or page.next_cursor == cursor:
            return count
        cursor = page.next_cursor
    return count


def _page_of(since: datetime, cursor: str | None, client: eevion.Client) -> eevion.ExceptionPage:
    return client.list_exceptions(since=since, cursor=cursor)


def _station(account: Account, payload: eevion.StationException, now: datetime) -> Station | None:
    if not payload.station_id:
        return None
    station = Station.objects.filter(account=account, vendor_id=payload.station_id).first()
    if station is None:
        notices.unknown_station(account=account, vendor_id=payload.station_id, seen_in="exceptions", now=now)
    return station


def _fill(row: StationException, payload: eevion.StationException, station: Station | None) -> None:
    """What is not said leaves what was."""
    said = {
        "vendor_station_id": payload.station_id and payload.station_id[:100],
        "type": payload.type.value if payload.type else (payload.type_text or "")[:60],
        "severity": payload.severity and payload.severity[:20],
        "error_code": payload.error_code and payload.error_code[:100],
        "message": payload.message,
        "started_at": payload.started_at,
        "cleared_at": payload.cleared_at,
    }
    for name, value in said.items():
        if value:
            setattr(row, name, value)
    row.document = eevion.dump(payload.raw)
    if station is not None:
        row.station, row.site_id = station, station.site_id
        row.connector = Connector.objects.filter(station=station, number=payload.connector_id or 0).first()
        if payload.session_id:
            row.session = Session.objects.filter(station=station, vendor_session_id=payload.session_id).first()


def _tell_fleet(row: StationException) -> None:
    """The oldest exception that is still open counts; with none open the fault is over."""
    if row.station_id is None:
        return
    same = StationException.objects.filter(station_id=row.station_id, type=row.type, cleared_at=None)
    if row.type == ExceptionType.STATION_OFFLINE:
        oldest = same.order_by("started_at", "id").first()
        stations.report(station_id=row.station_id, offline_since=_since(oldest))
    elif row.type == ExceptionType.CONNECTOR_FAULTED:
        oldest = same.filter(connector=row.connector).order_by("started_at", "id").first()
        stations.report(
            station_id=row.station_id,
            connector_id=row.connector_id,
            fault_code=(oldest.error_code or oldest.type) if oldest else "",
            fault_since=_since(oldest),
        )


def _since(row: StationException | None) -> datetime | None:
    return (row.started_at or row.received_at) if row else None


def _tell_session(row: StationException, vendor_session_id: str | None, now: datetime) -> None:
    """A known session is read next. An unknown start at that station is shown what might be its id, no more: the
    session could be somebody else's."""
    if row.station_id is None or not vendor_session_id:
        return
    if row.session is not None:
        text = _("The vendor reports %(type)s: %(message)s") % {"type": row.type, "message": row.message or "–"}
        timeline.note(row.session, kind="exception", text=text, now=now)
        Session.objects.filter(pk=row.session.pk, state__in=LIVE).update(hurry=True)
        return
    for session in Session.objects.filter(station_id=row.station_id, state=State.UNKNOWN):
        text = _("An exception at this station (%(type)s) names session %(id)s. It may be this start.")
        data = {"vendor_session_id": vendor_session_id}
        timeline.note(
            session, kind="exception", text=text % {"type": row.type, "id": vendor_session_id}, now=now, data=data
        )
