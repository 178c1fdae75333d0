"""Stations and their connectors: made, changed, and told what charging sees of them.

Reading a list of ids or a CSV lives in fleet/imports.py; commands to stations in fleet/commands.py.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any, Final

from django.db import models, transaction
from django.db.models.functions import Greatest

from fleet import connector_state
from fleet.models import Connector, Station, StationSetting, UnknownStation
from fleet.models.station import CommandKind
from people import audit
from people.actor import Actor


class FewerConnectors(Exception):
    """A connector that exists stays: sessions of the past hang on it."""


class Unset(Enum):
    token = 0


UNSET: Final = Unset.token
Moment = datetime | None | Unset


def report(
    *,
    station_id: int | None = None,
    connector_id: int | None = None,
    seen_at: Moment = UNSET,
    session_state: str | Unset = UNSET,
    busy_since: Moment = UNSET,
    blocked_until: Moment = UNSET,
    fault_code: str | Unset = UNSET,
    fault_since: Moment = UNSET,
    offline_since: Moment = UNSET,
) -> None:
    """Charging tells what happens at a connector, or with connector_id None at the station as a whole.

    Keywords that are not given stay untouched; `seen_at` never goes back. A session that names no connector has none
    to hold, so session_state, busy_since and blocked_until are then no news about any; offline is always the station's.
    """
    fault = {"fault_code": fault_code, "fault_since": fault_since}
    if connector_id is None:
        rows = Station.objects.filter(pk=station_id or 0)
        _write(rows, seen_at, fault | {"offline_since": offline_since})
        return
    held = {"session_state": session_state, "busy_since": busy_since, "blocked_until": blocked_until}
    _write(Connector.objects.filter(pk=connector_id), seen_at, held | fault)
    if offline_since is not UNSET:
        _write(Station.objects.filter(connectors=connector_id), UNSET, {"offline_since": offline_since})


def _write(rows: models.QuerySet[Any], seen_at: Moment, values: dict[str, Any]) -> None:
    changes = {name: value for name, value in values.items() if value is not UNSET}
    if isinstance(seen_at, datetime):
        changes["last_seen_at"] = Greatest(models.F("last_seen_at"), models.Value(seen_at))
    if changes:
        rows.update(**changes)


def create(*, actor: Actor, station: Station, connectors: int, now: datetime) -> Station:
    """Save a new station with its connectors 1 to n, and note it. An id offered for adoption is offered no longer."""
    with transaction.atomic():
        create_many(stations=[(station, connectors)])
        audit.record(actor=actor, verb="station.created", subject=str(station), now=now, site=str(station.site))
    return station


def create_many(*, stations: Iterable[tuple[Station, int]]) -> list[Station]:
    """Save new stations, each with its number of connectors, all or none."""
    wanted = list(stations)
    with transaction.atomic():
        rows = Station.objects.bulk_create(station for station, _ in wanted)
        Connector.objects.bulk_create(
            Connector(station=row, number=number)
            for row, (_, count) in zip(rows, wanted, strict=True)
            for number in range(1, count + 1)
        )
        ids = [row.vendor_id for row in rows]
        accounts = {row.account_id for row in rows}
        UnknownStation.objects.filter(account_id__in=accounts, vendor_id__in=ids).delete()
    return rows


def change(*, actor: Actor, station: Station, connectors: int, now: datetime) -> Station:
    """Save a changed station; connectors may be added. Raises FewerConnectors."""
    with transaction.atomic():
        present = Connector.objects.filter(station=station).aggregate(last=models.Max("number"))["last"] or 0
        if connectors < present:
            raise FewerConnectors(present)
        station.save()
        Connector.objects.bulk_create(Connector(station=station, number=n) for n in range(present + 1, connectors + 1))
        audit.record(actor=actor, verb="station.changed", subject=str(station), now=now)
    return station


def with_states(stations: models.QuerySet[Station]) -> models.QuerySet[Station]:
    """The same stations with what `states` needs, in a fixed number of queries."""
    return stations.select_related("site", "tariff", "account").prefetch_related("connectors", "settings")


def states(station: Station, now: datetime) -> list[tuple[Connector, connector_state.ConnectorState]]:
    """Each connector with its derived state; the station comes from `with_states`."""
    setting = next((row for row in station.settings.all() if row.kind == CommandKind.PRIORITY_STATUS), None)
    return [
        (connector, connector_state.derive(facts(connector, setting), now))
        for connector in sorted(station.connectors.all(), key=lambda row: row.number)
    ]


def last_seen_at(station: Station) -> datetime | None:
    """The last sign of life of the station or of any of its connectors; the station comes from `with_states`."""
    moments = (station.last_seen_at, *(connector.last_seen_at for connector in station.connectors.all()))
    return max((at for at in moments if at is not None), default=None)


def facts(connector: Connector, setting: StationSetting | None) -> connector_state.Facts:
    """What the table of states looks at: the connector, its station, and the station's own priorityStatus setting."""
    station = connector.station
    seen = [at for at in (station.last_seen_at, connector.last_seen_at) if at is not None]
    return connector_state.Facts(
        lifecycle=station.lifecycle,
        session_state=connector.session_state,
        busy_since=connector.busy_since,
        blocked_until=connector.blocked_until,
        fault_code=connector.fault_code,
        fault_since=connector.fault_since,
        station_fault_code=station.fault_code,
        station_fault_since=station.fault_since,
        offline_since=station.offline_since,
        priority_status=setting.finished_value if setting else None,
        priority_finished_at=setting.finished_at if setting else None,
        last_seen_at=max(seen, default=None),
    )
