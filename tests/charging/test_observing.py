"""What sessions tell of commands, told when it happens or found later: the same in every order of arrival."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

import eevion
from charging import observing, settling, starts
from charging.models import Session
from charging.models.session import State
from eevion.sessions import read_session, read_started
from fleet.models import Command, CommandItem, Station
from fleet.models.command import ItemState
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
S = ItemState


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def finished(station: Station, kind: str, value: str, before: str | None = None, minutes: float = 0) -> CommandItem:
    command = Command.objects.create(
        organisation=station.organisation, requested_by_label="test", requested_at=NOW, values={kind: value}
    )
    return CommandItem.objects.create(
        command=command, station=station, kind=kind, wanted_value=value, value_before=before, state=S.FINISHED,
        sent_at=at(minutes - 1), finished_at=at(minutes), look_due=True,
    )  # fmt: skip


def requested(station: Station, minutes: float) -> Session:
    return factories.session(station, state=State.REQUESTED, requested_at=at(minutes), connector=None)


def accept(session: Session, minutes: float) -> None:
    answer = read_started({"sessionID": f"ses_{session.pk}", "stationId": "HC-1", "status": "pending"})
    starts._settle(session, at(minutes), partial(starts._accepted, answer=answer))


def refuse(session: Session, minutes: float, *, status: int = 422, code: str | None = "unavailable") -> None:
    error = eevion.Rejected("no", status=status, code=code)
    starts._settle(session, at(minutes), partial(starts._rejected, error=error))


def end(session: Session, cost: str, *, begins: float = 5, ends: float = 65, **said: Any) -> Session:
    """The vendor's last word: 10 kWh in an hour."""
    document = read_session(
        {"sessionID": f"ses_{session.pk}", "status": "completed", "energy": Decimal(10), "duration": 3600,
         "cost": Decimal(cost), "currency": "CAD", "startedAt": at(begins).isoformat(),
         "completedAt": at(ends).isoformat()} | said
    )  # fmt: skip
    return settling.apply(session=session, document=document, now=at(ends + 1), via="read")


def state(row: CommandItem) -> str:
    row.refresh_from_db()
    return row.state


class TestStarts:
    def test_an_accepted_start_shows_that_it_is_available(self) -> None:
        station = factories.station()
        row, session = finished(station, "priorityStatus", "available"), requested(station, 5)
        accept(session, 6)
        row.refresh_from_db()
        evidence = f"Session ses_{session.pk}: the vendor accepted a start after it."
        assert (row.state, row.observed_at, row.evidence) == (S.OBSERVED, at(6), evidence)

    def test_a_refused_start_shows_that_it_is_closed(self) -> None:
        station = factories.station()
        row, session = finished(station, "priorityStatus", "outOfService"), requested(station, 5)
        refuse(session, 6)
        row.refresh_from_db()
        evidence = f"Session {str(session.public_id)[:8]}: the vendor refused a start after it."
        assert (row.state, row.observed_at, row.evidence) == (S.OBSERVED, at(6), evidence)

    def test_the_opposite_contradicts(self) -> None:
        opened, closed = factories.station(), factories.station()
        free, shut = finished(opened, "priorityStatus", "available"), finished(closed, "priorityStatus", "unavailable")
        refuse(requested(opened, 5), 6)
        accept(requested(closed, 5), 6)
        assert (state(free), state(shut)) == (S.CONTRADICTED, S.CONTRADICTED)

    @pytest.mark.parametrize(
        ("status", "code"), [(422, "offline"), (422, "faulted"), (409, None), (404, None), (401, None), (400, None)]
    )
    def test_a_refusal_for_another_cause_says_nothing(self, status: int, code: str | None) -> None:
        station = factories.station()
        row = finished(station, "priorityStatus", "available")
        refuse(requested(station, 5), 6, status=status, code=code)
        assert (observing.look(at(7)), state(row)) == (0, S.FINISHED)

    def test_what_was_requested_before_the_job_finished_says_nothing(self) -> None:
        station = factories.station()
        row = finished(station, "priorityStatus", "available", minutes=5)
        accept(requested(station, 4), 6)
        assert (observing.look(at(7)), state(row)) == (0, S.FINISHED)

    @pytest.mark.parametrize(("value", "answer"), [("available", accept), ("unavailable", refuse)])
    def test_evidence_that_came_before_the_word_of_the_job_is_found(self, value: str, answer: Any) -> None:
        station = factories.station()
        answer(requested(station, 5), 6)
        row = finished(station, "priorityStatus", value)  # the history brings it only now
        assert (state(row), observing.look(at(7)), state(row), observing.look(at(8))) == (
            S.FINISHED, 1, S.OBSERVED, 0,
        )  # fmt: skip

    def test_what_a_failed_command_overtook_is_judged_again(self) -> None:
        station = factories.station()
        row = finished(station, "priorityStatus", "unavailable")
        observing.look(at(1))
        newer = finished(station, "priorityStatus", "available", minutes=4)
        CommandItem.objects.filter(pk=newer.pk).update(state=S.ACCEPTED, finished_at=None, look_due=False)
        accept(requested(station, 5), 6)  # which may be the newer one's doing
        assert (observing.look(at(7)), state(row)) == (0, S.FINISHED)
        CommandItem.objects.filter(pk=newer.pk).update(state=S.FAILED, finished_at=at(8), look_due=True)
        assert (observing.look(at(9)), state(row)) == (1, S.CONTRADICTED)

    def test_each_is_looked_at_once_however_long_nothing_tells(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(3):
            finished(factories.station(), "priorityStatus", "available")
        observing.look(at(1))
        with django_assert_num_queries(1):
            assert observing.look(at(2)) == 0

    def test_a_start_that_its_webhook_proved_is_found_too(self) -> None:
        station = factories.station()
        row, session = finished(station, "priorityStatus", "available"), requested(station, 5)
        starts._settle(session, at(6), partial(starts._unknown, why="silence."))
        assert observing.look(at(7)) == 0
        accept(session, 8)
        assert state(row) == S.OBSERVED


def test_the_longest_id_that_is_read_is_kept() -> None:
    session = requested(factories.station(), 5)
    answer = read_started({"sessionID": "s" * 255, "stationId": "HC-1", "status": "pending"})
    starts._settle(session, at(6), partial(starts._accepted, answer=answer))
    session.refresh_from_db()
    assert (session.state, session.vendor_session_id) == (State.PENDING, "s" * 255)


class TestPrices:
    def station(self) -> Station:
        station = factories.station()
        factories.tariff(station.account, fee_id="new", price_per_kwh=Decimal("0.5"))
        factories.tariff(station.account, fee_id="old", price_per_kwh=Decimal("0.3"))
        return station

    def charging(self, station: Station) -> Session:
        return factories.session(station, requested_at=at(4))

    @pytest.mark.parametrize(
        ("cost", "to"),
        [("5.00", S.OBSERVED), ("5.01", S.OBSERVED), ("3.00", S.CONTRADICTED), ("4.00", S.FINISHED)],
    )
    def test_the_final_cost_tells(self, cost: str, to: str) -> None:
        station = self.station()
        row = finished(station, "tariffId", "new", "old")
        end(self.charging(station), cost)
        assert state(row) == to

    def test_the_sentence_names_all_three_amounts(self) -> None:
        station = self.station()
        row, session = finished(station, "tariffId", "new", "old"), self.charging(station)
        end(session, "5.00")
        row.refresh_from_db()
        sentence = f"Session ses_{session.pk} cost 5.00 CAD: 5.00 by the new tariff, 3.00 by the old one."
        assert (row.evidence, row.observed_at) == (sentence, at(65))

    @pytest.mark.parametrize(
        "said", [{"currency": "USD"}, {"startedAt": at(-1).isoformat()}, {"status": "failed"}, {"status": "charging"}]
    )
    def test_what_proves_nothing(self, said: dict[str, Any]) -> None:
        station = self.station()
        row = finished(station, "tariffId", "new", "old")
        end(self.charging(station), "5.00", **said)
        assert (observing.look(at(70)), state(row)) == (0, S.FINISHED)

    def test_a_session_that_began_by_the_old_price_says_nothing_of_the_new(self) -> None:
        station = self.station()
        row, session = finished(station, "tariffId", "new", "old", minutes=30), self.charging(station)
        end(session, "3.00")
        assert (observing.look(at(70)), state(row)) == (0, S.FINISHED)

    @pytest.mark.parametrize("order", list(permutations(["job", "new price", "old price"])))
    def test_every_order_of_arrival_ends_alike(self, order: tuple[str, ...]) -> None:
        station = self.station()
        cheap, dear = self.charging(station), self.charging(station)
        rows: list[CommandItem] = []
        for arrival in order:
            if arrival == "job":
                rows.append(finished(station, "tariffId", "new", "old"))
            else:
                end(dear if arrival == "new price" else cheap, "5.00" if arrival == "new price" else "3.00")
        observing.look(at(80))
        assert state(rows[0]) == S.OBSERVED
