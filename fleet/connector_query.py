"""The published table of fleet/connector_state.py as SQL, so that a list can be filtered, counted and paged by state.

A test holds the two together over every combination of facts; detail, since and source are derived in Python only.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from fleet.connector_state import AVAILABLE, RANK, UNKNOWN_START, State
from fleet.models import Connector, Site, Station, StationSetting
from fleet.models.station import CommandKind


def stations_in(found: QuerySet[Station], state: State, now: datetime) -> QuerySet[Station]:
    """Those with at least one connector in this state; `now` is business time."""
    connectors = with_state(Connector.objects.filter(station=OuterRef("pk")), now)
    return found.filter(Exists(connectors.filter(derived=state)))


def counts_by_site(sites: QuerySet[Site], now: datetime) -> dict[int, list[tuple[str, int]]]:
    """Per site how many connectors are in each state that occurs, what needs a person first. One query."""
    here = with_state(Connector.objects.filter(station__site__in=sites.order_by()), now)
    rows = here.order_by().values_list("station__site_id", "derived").annotate(n=Count("pk"))
    found: dict[int, dict[str, int]] = {}
    for site_id, state, n in rows:
        found.setdefault(site_id, {})[state] = n
    return {site_id: list(_ranked(counted)) for site_id, counted in found.items()}


def _ranked(counted: dict[str, int]) -> Iterator[tuple[str, int]]:
    return ((str(state), counted[state]) for state in RANK if state in counted)


def with_state(connectors: QuerySet[Connector], now: datetime) -> QuerySet[Any]:
    """The same connectors with `derived`, the value of their State. The order of the lines is the table's."""
    settings = StationSetting.objects.filter(station=OuterRef("station"), kind=CommandKind.PRIORITY_STATUS)
    taken_out = settings.exclude(finished_value=None).exclude(finished_value__in=("", AVAILABLE))
    held_by_past_start = Q(session_state="", blocked_until__gt=now)
    table = (
        (Q(station__lifecycle=State.PLANNED), State.PLANNED),
        (Q(station__lifecycle=State.DECOMMISSIONED), State.DECOMMISSIONED),
        (Q(session_state=UNKNOWN_START) | held_by_past_start, State.BLOCKED),
        (~Q(session_state=""), State.IN_SESSION),
        (Exists(taken_out), State.UNAVAILABLE),
        (Q(fault_since__isnull=False) | Q(station__fault_since__isnull=False), State.FAULTED),
        (Q(station__offline_since__isnull=False), State.OFFLINE),
    )
    lines = [When(condition, then=Value(str(state))) for condition, state in table]
    return connectors.annotate(derived=Case(*lines, default=Value(str(State.NO_NEWS)), output_field=CharField()))
