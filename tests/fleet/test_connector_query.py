"""The table of connector states in SQL says what the one in Python says, over every combination of facts."""

from datetime import timedelta
from itertools import product

import pytest

from fleet import connector_query, stations
from fleet.connector_state import State
from fleet.models import Connector, Site, Station, StationSetting
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
LATER = NOW + timedelta(minutes=5)
SESSIONS = ("", "charging", "unknown")
SETTINGS = (None, "", "available", "outOfService")


@pytest.fixture
def everything() -> Site:
    """A station for each combination of its own facts, with a connector for each of theirs."""
    site = factories.site()
    account = factories.account(site.organisation)
    own = product(("active", "planned", "decommissioned"), SETTINGS, (None, NOW), (None, NOW))
    for lifecycle, value, offline_since, fault_since in own:
        row = factories.station(
            site, account=account, connectors=0, lifecycle=lifecycle, offline_since=offline_since,
            fault_since=fault_since,
        )  # fmt: skip
        StationSetting.objects.create(station=row, kind="priorityStatus", finished_value=value)
        StationSetting.objects.create(station=row, kind="setMessage", finished_value="Closed")
        theirs = product(SESSIONS, (None, NOW, LATER), (None, NOW))
        Connector.objects.bulk_create(
            Connector(station=row, number=n, session_state=state, blocked_until=until, fault_since=fault)
            for n, (state, until, fault) in enumerate(theirs, 1)
        )
    return site


def test_both_tables_say_the_same(everything: Site) -> None:
    derived = {
        connector.pk: str(state.state)
        for row in stations.with_states(Station.objects.all())
        for connector, state in stations.states(row, NOW)
    }
    said = connector_query.with_state(Connector.objects.all(), NOW)
    assert dict(said.values_list("pk", "derived")) == derived
    assert set(derived.values()) == {str(state) for state in State}


def test_a_filter_finds_just_the_stations_with_such_a_connector(everything: Site) -> None:
    for wanted in State:
        expected = {
            row.pk
            for row in stations.with_states(Station.objects.all())
            if any(state.state is wanted for _connector, state in stations.states(row, NOW))
        }
        found = connector_query.stations_in(Station.objects.all(), wanted, NOW)
        assert set(found.values_list("pk", flat=True)) == expected


def test_counts_are_by_site_and_what_needs_a_person_comes_first(everything: Site) -> None:
    other = factories.station(factories.site(), connectors=1)
    factories.station(factories.site(), connectors=0)
    found = connector_query.counts_by_site(Site.objects.all(), NOW)
    assert found[other.site_id] == [("no_news", 1)]
    assert sum(n for _state, n in found[everything.pk]) == Connector.objects.filter(station__site=everything).count()
    assert [state for state, _n in found[everything.pk]][:3] == ["faulted", "offline", "blocked"]
    assert set(found) == {other.site_id, everything.pk}
