"""Past sessions from a session file into the books: each good row once, each bad row named.

What a file says is final.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.utils.translation import gettext as _

from charging.models import Session
from charging.models.session import Origin, State
from charging.session_file import BadRow, BadValue, Row
from fleet.models import Station
from people.models import Organisation

BATCH_ROWS = 1000


@dataclass
class Outcome:
    """What came of a file: rows stored now, rows that were there already, rows that could not be stored."""

    created: int = 0
    known: int = 0
    bad: list[BadRow] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.created + self.known


@dataclass
class _Places:
    """The organisation's stations by the vendor's id; None where two accounts have a station of that id."""

    stations: dict[str, Station | None]
    connectors: dict[tuple[int, int], int]


def save(
    organisation: Organisation,
    rows: Iterator[Row | BadRow],
    *,
    now: datetime,
    progress: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Store what is new, in batches; a session is known by its station and the file's session_id."""
    places, outcome = _places(organisation), Outcome()
    while batch := list(islice(rows, BATCH_ROWS)):
        _save_batch(batch, places, outcome, now)
        progress(outcome)
    return outcome


def _save_batch(batch: list[Row | BadRow], places: _Places, outcome: Outcome, now: datetime) -> None:
    sessions: dict[tuple[int, str], Session] = {}
    for row in batch:
        try:
            if isinstance(row, BadRow):
                raise BadValue(row.why)
            session = _session(row, places, now)
        except BadValue as bad:
            outcome.bad.append(BadRow(row.line, str(bad)))
            continue
        key = (session.station_id, str(session.vendor_session_id))
        outcome.known += key in sessions
        sessions.setdefault(key, session)
    names = [name for _station, name in sessions]
    there = set(
        Session.objects.filter(
            station_id__in={station for station, _name in sessions}, vendor_session_id__in=names
        ).values_list("station_id", "vendor_session_id")
    )
    fresh = [session for key, session in sessions.items() if key not in there]
    Session.objects.bulk_create(fresh, ignore_conflicts=True)
    outcome.created += len(fresh)
    outcome.known += len(sessions) - len(fresh)


def _places(organisation: Organisation) -> _Places:
    places = _Places({}, {})
    stations = Station.objects.filter(organisation=organisation).select_related("site").prefetch_related("connectors")
    for station in stations:
        places.stations[station.vendor_id] = None if station.vendor_id in places.stations else station
        places.connectors |= {(station.pk, connector.number): connector.pk for connector in station.connectors.all()}
    return places


def _session(row: Row, places: _Places, now: datetime) -> Session:
    station = _station(row, places)
    connector_id = None
    if row.connector is not None:
        connector_id = places.connectors.get((station.pk, row.connector))
        if connector_id is None:
            raise BadValue(
                _("station %(id)s has no connector %(number)s") % {"id": row.station, "number": row.connector}
            )
    return Session(
        organisation_id=station.organisation_id,
        site_id=station.site_id,
        station=station,
        connector_id=connector_id,
        reference=row.reference,
        origin=Origin.IMPORT,
        state=State.COMPLETED,
        vendor_session_id=f"import:{row.session_id}",
        holds_connector=False,
        energy_kwh=row.energy_kwh,
        duration_s=row.duration_s,
        cost=row.cost,
        currency=row.currency or station.site.currency,
        requested_at=row.started_at,
        accepted_at=row.started_at,
        started_at=row.started_at,
        charging_ended_at=None if row.charging_s is None else row.started_at + timedelta(seconds=row.charging_s),
        completed_at=row.ended_at,
        ended_at=row.ended_at,
        final_at=now,
    )


def _station(row: Row, places: _Places) -> Station:
    if row.station not in places.stations:
        raise BadValue(_("station %(id)s is not known; add it first") % {"id": row.station})
    station = places.stations[row.station]
    if station is None:
        raise BadValue(_("station %(id)s exists in several accounts") % {"id": row.station})
    return station
