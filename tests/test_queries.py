"""Every page and every list of the API asks the database as often for three rows of everything as for one.

The routes are those of test_access, so a new page is held to it without being named here.
"""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charging.models import Reading, SessionEvent
from charging.views import board_html
from fleet import commands
from lib import clock
from tests import factories, population
from tests.test_access import GATED, ROWS, World, ask, caller

pytestmark = pytest.mark.django_db
PAGES = [name for name in GATED if ROWS[name].method == "get" and ROWS[name].ok == 200]


def more(world: World) -> None:
    """Another one of everything: in the lists, and below the things that have a page of their own."""
    now = clock.now()
    station = population.at_site(world.owner, factories.site(world.organisation))
    population.beside(world.owner, station)
    population.beside(world.owner, world.station)
    neighbour = factories.station(world.site, account=world.account)
    factories.session(neighbour, connector=neighbour.connectors.get(number=1))
    factories.session(world.station, state=factories.State.COMPLETED)
    SessionEvent.objects.create(session=world.session, occurred_at=now, kind="state", text="moved")
    Reading.objects.create(
        session=world.session, received_at=now, confirmed_at=now, power_kw=7, document_sha256="0" * 64, document="{}"
    )
    actor = factories.actor(world.owner)
    commands.request(actor=actor, wishes=commands.for_all([world.station, neighbour], {"setMessage": "y"}), now=now)
    world.schedule.stations.add(neighbour)
    world.schedule.runs.create(due_at=now, outcome="missed", reason="late")
    world.command.items.create(station=neighbour, kind="setMessage", wanted_value="x")


def asked(client: Client, name: str, world: World) -> list[str]:
    row = ROWS[name]
    board_html.forget()  # what is kept for two seconds is asked each time here, however slow the machine
    with CaptureQueriesContext(connection) as queries:
        assert ask(client, name, row, *([row.names(world)] if row.names else [])) == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("name", PAGES)
def test_three_rows_cost_the_queries_of_one(name: str) -> None:
    world = World()
    more(world)
    client = caller(name, world.owner)
    asked(client, name, world)  # what is asked once and kept, is asked here
    one = asked(client, name, world)
    more(world)
    more(world)
    three = asked(client, name, world)
    assert len(three) == len(one), "\n".join(sql for sql in three if sql not in one)
