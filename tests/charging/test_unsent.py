"""A start that no worker takes is shown, and given up before another car can stand there."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from charging import attention, starts, tasks, unsent
from charging.models import Session
from charging.models.session import State
from fleet.models import Station
from people.models import Membership
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation), start_limit_s=120)


def waiting(station: Station, seconds: float, **fields: object) -> Session:
    session = factories.session(station, state=State.REQUESTED, connector=station.connectors.get(number=1), **fields)
    Session.objects.filter(pk=session.pk).update(due_at=Now() - timedelta(seconds=seconds))
    return session


@pytest.mark.parametrize(("seconds", "shown"), [(5, False), (60, True)])
def test_it_is_shown_after_a_moment(owner: Membership, station: Station, seconds: float, shown: bool) -> None:
    session = waiting(station, seconds)
    items = attention.items(factories.actor(owner))
    assert [item.subject for item in items] == ([session.place] if shown else [])


@pytest.mark.parametrize(
    ("seconds", "fields", "state"),
    [
        (119, {}, State.REQUESTED),
        (121, {}, State.FAILED),
        (121, {"claimed_until": NOW}, State.REQUESTED),  # it is being sent: the sweep of stale ones tells
        (-20, {"attempts": 9}, State.REQUESTED),  # it waits between two tries
    ],
)
def test_it_is_given_up_after_the_start_limit(
    station: Station, seconds: float, fields: dict[str, object], state: State
) -> None:
    session = waiting(station, seconds, **fields)
    assert unsent.give_up(NOW) == (state == State.FAILED)
    session.refresh_from_db()
    assert (session.state, session.holds_connector, session.final_at is None) == (
        state,
        state != State.FAILED,
        state != State.FAILED,
    )


def test_the_sweep_gives_up_before_it_sends(station: Station) -> None:
    session = waiting(station, 3600)
    tasks.sweep()
    session.refresh_from_db()
    assert session.error.startswith("Given up, nothing was started: it waited too long")
    assert list(session.events.values_list("kind", flat=True)) == ["failed"]
    assert starts.send_start(session.pk, lambda: NOW) is None
    assert station.connectors.get(number=1).session_state == ""
