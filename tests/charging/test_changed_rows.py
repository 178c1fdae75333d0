"""No change is missed, however writers overlap: docs/algorithms/changed_rows.md."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from charging import changes
from charging.models import Session
from charging.models.session import State
from people.actor import Actor
from reporting import rollups
from reporting.models import DayRollup
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow() -> Iterator[Any]:
    """A second writer, whose transaction stays open until the test commits it."""
    other = connection.copy()
    other.set_autocommit(False)
    yield other
    other.close()


def write(writer: Any, pk: int) -> None:
    with writer.cursor() as cursor:
        cursor.execute("UPDATE charging_session SET energy_kwh = 1 WHERE id = %s", [pk])


def seen(actor: Actor, since: int) -> set[int]:
    return set(changes.changed(actor, since).values_list("pk", flat=True))


def test_a_slow_writer_is_found_after_a_fast_one(slow: Any) -> None:
    owner = factories.member()
    actor, station = factories.actor(owner), factories.station(factories.site(owner.organisation))
    early, late = factories.session(station).pk, factories.session(station).pk
    first = changes.version()
    write(slow, early)
    Session.objects.filter(pk=late).update(energy_kwh=Decimal(2))  # a younger transaction, committed at once

    second = changes.version()
    assert seen(actor, first) == {late}
    slow.commit()
    third = changes.version()
    assert seen(actor, second) == {early, late}  # late a second time: the mark did not pass the open transaction
    assert seen(actor, third) == set()


def test_a_savepoint_carries_the_id_of_its_transaction(slow: Any) -> None:
    session = factories.session()
    with slow.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        whole = cursor.fetchone()[0]
        cursor.execute("SAVEPOINT a")
    write(slow, session.pk)
    slow.commit()
    assert Session.objects.get(pk=session.pk).changed_xid == whole


def test_what_was_rolled_back_is_never_sent(slow: Any) -> None:
    owner = factories.member()
    actor, station = factories.actor(owner), factories.station(factories.site(owner.organisation))
    session = factories.session(station)
    since = changes.version()
    write(slow, session.pk)
    slow.rollback()
    assert seen(actor, since) == set()


def test_the_rollup_leaves_an_open_transaction_to_its_next_fill(slow: Any) -> None:
    ended = {
        "state": State.COMPLETED, "ended_at": factories.NOW, "completed_at": factories.NOW,
        "final_at": factories.NOW, "energy_kwh": Decimal(5), "cost": Decimal(2),
    }  # fmt: skip
    station = factories.station()
    slow_one, fast_one = (factories.session(station, **ended) for _ in range(2))
    rollups.fill(factories.NOW)
    write(slow, slow_one.pk)  # corrected to 1 kWh, not committed
    Session.objects.filter(pk=fast_one.pk).update(energy_kwh=Decimal(7))
    rollups.fill(factories.NOW)
    slow.commit()
    rollups.fill(factories.NOW)
    assert DayRollup.objects.get(site=station.site).energy_kwh == Decimal(8)
