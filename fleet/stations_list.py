"""The list of stations: which ones a filter means, and one page of them with what their connectors do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from fleet import connector_query, paging, stations
from fleet.connector_state import ConnectorState, State
from fleet.models import Connector, Station

PAGE = 100


@dataclass(frozen=True)
class Row:
    station: Station
    states: list[tuple[Connector, ConnectorState]]
    last_seen_at: datetime | None

    @property
    def worst(self) -> str:
        """The mark of the connector that needs a person first; of the record where there is none."""
        found = sorted((state for _connector, state in self.states), key=lambda state: state.rank)
        return found[0].mark if found else self.station.lifecycle


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    before: str
    after: str
    label: str


def matching(found: QuerySet[Station], wanted: Mapping[str, str], now: datetime) -> QuerySet[Station]:
    """Narrow by `site` (a key), `state` (of any connector) and `q` (part of id or name); what makes no sense is left
    out. `now` is business time."""
    if (site := wanted.get("site", "")).isdecimal() and len(site) < 18:
        found = found.filter(site_id=int(site))
    if text := wanted.get("q", "").replace("\0", "").strip()[:100]:
        found = found.filter(Q(vendor_id__icontains=text) | Q(name__icontains=text))
    if (state := wanted.get("state", "")) in set(State):
        found = connector_query.stations_in(found, State(state), now)
    return found


def page(found: QuerySet[Station], cursors: Mapping[str, str], now: datetime, *, size: int = PAGE) -> Page:
    """By station id. `cursors` may hold `before` or `after`."""
    read = paging.rising(stations.with_states(found), cursors, by="vendor_id", size=size)
    rows = [Row(row, stations.states(row, now), stations.last_seen_at(row)) for row in read.rows]
    return Page(rows, read.before, read.after, read.label)
