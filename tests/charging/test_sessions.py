"""A session from wish to final figures, without the vendor: what is written, refused, moved and kept."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from charging import sessions, settling
from charging.models import Reading, Session, SessionEvent
from charging.models.session import ENDED, MOVES, OPEN, Origin, State
from eevion.sessions import SessionDocument, read_session
from fleet.models import Connector, StationSetting
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def start(station: Any, number: int | None = 1, reference: str = "driver-a", origin: Origin = Origin.PERSON) -> Session:
    actor = factories.actor(factories.member(organisation=station.organisation))
    return sessions.request_start(
        actor=actor, station=station, connector_number=number, reference=reference, origin=origin, now=NOW
    )


def document(**keys: Any) -> SessionDocument:
    return read_session({"sessionID": "ses_1", "status": "charging", **keys})


def test_a_start_is_written_down_before_anything_is_sent() -> None:
    station = factories.station(tariff=None)
    station.tariff = factories.tariff(station.account, price_per_kwh=Decimal("0.3500"))
    station.save()
    session = start(station)
    assert (session.state, session.connector.number, session.holds_connector) == (State.REQUESTED, 1, True)
    assert session.due_at is not None
    assert session.tariff["price_per_kwh"] == "0.3500"
    connector = Connector.objects.get(station=station, number=1)
    assert (connector.session_state, connector.busy_since) == (State.REQUESTED, NOW)
    assert list(session.events.values_list("kind", flat=True)) == ["requested"]


def test_without_a_number_the_lowest_free_connector_is_taken() -> None:
    station = factories.station(connectors=2)
    taken = [start(station, None, f"driver-{n}").connector.number for n in (1, 2)]
    assert taken == [1, 2]
    with pytest.raises(sessions.StationBusy):
        start(station, None, "driver-3")


def test_to_a_program_the_same_reference_returns_the_open_session() -> None:
    station = factories.station()
    assert start(station, origin=Origin.API).pk == start(station, 2, origin=Origin.API).pk


@pytest.mark.parametrize("number", [None, 1])
@pytest.mark.parametrize("reference", ["driver-a", ""])
def test_a_second_click_returns_the_start_that_is_on_its_way(number: int | None, reference: str) -> None:
    station = factories.station()
    clicks = {
        "actor": factories.actor(factories.member(organisation=station.organisation)),
        "station": station,
        "connector_number": number,
        "reference": reference,
        "origin": Origin.PERSON,
    }
    first = sessions.request_start(**clicks, now=NOW)
    assert sessions.request_start(**clicks, now=NOW + timedelta(seconds=1)) == first


def test_two_cars_without_a_reference_are_two_starts() -> None:
    station = factories.station()
    actor = factories.actor(factories.member(organisation=station.organisation))
    numbers = [
        sessions.request_start(
            actor=actor, station=station, connector_number=None, reference="", origin=Origin.PERSON, now=at
        ).connector.number
        for at in (NOW, NOW + timedelta(minutes=1))
    ]
    assert numbers == [1, 2]


def test_the_same_reference_at_another_connector_is_another_start() -> None:
    station = factories.station()
    assert start(station, 1).connector.number == 1
    assert start(station, 2).connector.number == 2


@pytest.mark.parametrize("number", [None, 1])
@pytest.mark.parametrize("state", [State.CHARGING, State.STOPPED])
def test_a_person_hears_that_the_reference_is_in_session_there(state: State, number: int | None) -> None:
    station = factories.station()
    first = factories.session(
        station, connector=station.connectors.get(number=1), reference="driver-a", state=state, vendor_session_id="s"
    )
    with pytest.raises(sessions.StationBusy) as caught:
        start(station, number)
    assert (caught.value.session, Session.objects.count()) == (first, 1)


def test_a_busy_connector_names_its_session_and_has_it_read_next() -> None:
    station = factories.station()
    first = start(station)
    with pytest.raises(sessions.StationBusy) as caught:
        start(station, 1, "driver-b")
    assert caught.value.session.pk == first.pk
    first.refresh_from_db()
    assert first.hurry is True


def test_an_unknown_start_blocks_its_connector() -> None:
    station = factories.station()
    until = NOW + timedelta(minutes=5)
    connector = station.connectors.get(number=1)
    factories.session(station, state=State.UNKNOWN, connector=connector, blocked_until=until)
    with pytest.raises(sessions.StationBlocked) as caught:
        start(station)
    assert caught.value.until == until


@pytest.mark.parametrize(
    "fields", [{"lifecycle": "planned"}, {"lifecycle": "decommissioned"}, {"offline_since": NOW}, {"fault_since": NOW}]
)
def test_no_request_is_spent_on_a_station_that_cannot_start(fields: dict[str, Any]) -> None:
    station = factories.station(**fields)
    with pytest.raises(sessions.StationUnavailable):
        start(station)
    assert Session.objects.filter(station=station).count() == 0


def test_a_station_closed_by_command_is_unavailable() -> None:
    station = factories.station()
    StationSetting.objects.create(station=station, kind="priorityStatus", finished_value="outOfService")
    with pytest.raises(sessions.StationUnavailable):
        start(station)


def test_a_connector_that_is_not_there() -> None:
    with pytest.raises(sessions.NoSuchConnector):
        start(factories.station(connectors=1), 2)


def test_a_reading_fills_what_it_says_and_leaves_the_rest() -> None:
    session = factories.session(state=State.PENDING, vendor_session_id="ses_1")
    sessions.apply(session=session, document=document(energy=Decimal("1.5"), power=Decimal("7.2")), now=NOW, via="read")
    after = sessions.apply(session=session, document=document(energy=None, cost=Decimal("0.53")), now=NOW, via="read")
    assert (after.state, after.energy_kwh, after.power_kw, after.cost) == (
        State.CHARGING,
        Decimal("1.500"),
        Decimal("7.200"),
        Decimal("0.5300"),
    )


@pytest.mark.parametrize(
    ("status", "power_kw"),
    [("suspended", None), ("stopped", None), ("completed", None), ("stopping", Decimal("7.2")), (None, Decimal("7.2"))],
)
def test_the_power_of_a_session_that_takes_no_energy_any_more_is_not_said(
    status: str | None, power_kw: Decimal | None
) -> None:
    session = factories.session(vendor_session_id="ses_1", energy_kwh=Decimal(5), power_kw=Decimal("7.2"))
    after = sessions.apply(session=session, document=document(status=status), now=NOW, via="read")
    assert (after.power_kw, after.energy_kwh) == (power_kw, Decimal(5))


def test_an_unchanged_document_extends_the_last_reading() -> None:
    session = factories.session(vendor_session_id="ses_1")
    later = NOW + timedelta(minutes=1)
    for now in (NOW, later):
        sessions.apply(session=session, document=document(energy=Decimal(1)), now=now, via="read")
    assert list(Reading.objects.filter(session=session).values_list("received_at", "confirmed_at")) == [(NOW, later)]


def test_energy_never_shrinks_on_a_live_session() -> None:
    session = factories.session(vendor_session_id="ses_1", energy_kwh=Decimal(5))
    after = sessions.apply(session=session, document=document(energy=Decimal(4)), now=NOW, via="read")
    assert after.energy_kwh == Decimal(5)
    assert SessionEvent.objects.filter(session=session, kind="odd").count() == 1


def test_an_unknown_status_leaves_the_state() -> None:
    session = factories.session(vendor_session_id="ses_1")
    after = sessions.apply(session=session, document=document(status="paused"), now=NOW, via="read")
    assert after.state == State.CHARGING


def test_a_forbidden_move_is_noted_and_not_made() -> None:
    session = factories.session(vendor_session_id="ses_1")
    after = sessions.apply(session=session, document=document(status="pending"), now=NOW, via="read")
    assert after.state == State.CHARGING
    assert SessionEvent.objects.filter(session=session, kind="odd").count() == 1


def test_completion_by_a_read_is_final_and_frees_the_connector() -> None:
    station = factories.station()
    connector = station.connectors.get(number=1)
    session = factories.session(station, connector=connector, vendor_session_id="ses_1")
    done = document(
        status="completed", energy=Decimal("7.125"), cost=Decimal("2.49"), completedAt="2026-06-01T15:30:00Z"
    )
    after = sessions.apply(session=session, document=done, now=NOW, via="read")
    assert (after.state, after.final_at, after.energy_kwh) == (State.COMPLETED, NOW, Decimal("7.125"))
    assert after.ended_at == after.completed_at == NOW - timedelta(minutes=30)
    connector.refresh_from_db()
    assert (after.holds_connector, connector.session_state, connector.busy_since) == (False, "", None)


def test_a_completion_that_was_not_read_is_not_final() -> None:
    session = factories.session(vendor_session_id="ses_1")
    after = sessions.apply(session=session, document=document(status="completed"), now=NOW, via="webhook")
    assert (after.state, after.final_at) == (State.COMPLETED, None)


def test_final_figures_stay() -> None:
    session = factories.session(vendor_session_id="ses_1")
    done = {"status": "completed", "energy": Decimal(7)}
    sessions.apply(session=session, document=document(**done), now=NOW, via="read")
    sessions.apply(session=session, document=document(**{**done, "energy": Decimal(9)}), now=NOW, via="read")
    session.refresh_from_db()
    assert session.energy_kwh == Decimal(7)
    assert Reading.objects.filter(session=session).count() == 2


def test_an_expired_session_that_charged_after_all_lives_again() -> None:
    station = factories.station()
    connector = station.connectors.get(number=1)
    session = factories.session(
        station, state=State.EXPIRED, connector=connector, vendor_session_id="ses_1", final_at=NOW
    )
    after = sessions.apply(session=session, document=document(), now=NOW, via="read")
    assert (after.state, after.holds_connector, after.final_at, after.ended_at) == (State.CHARGING, True, None, None)


def test_another_sessions_document_changes_nothing() -> None:
    session = factories.session(vendor_session_id="ses_9", energy_kwh=Decimal(1))
    after = sessions.apply(session=session, document=document(energy=Decimal(5)), now=NOW, via="read")
    assert (after.vendor_session_id, after.energy_kwh) == ("ses_9", Decimal(1))


def test_a_person_decides_an_unknown_start() -> None:
    station = factories.station()
    connector = station.connectors.get(number=1)
    session = factories.session(station, state=State.UNKNOWN, connector=connector)
    actor = factories.actor(factories.member(organisation=station.organisation))
    after = sessions.decide(actor=actor, session=session, decision="never_started", now=NOW)
    assert (after.state, after.holds_connector, after.ended_at) == (State.ABANDONED, False, NOW)
    with pytest.raises(sessions.NothingToDecide):
        sessions.decide(actor=actor, session=session, decision="never_started", now=NOW)


@pytest.mark.parametrize(
    ("figures", "state"),
    [
        ({"energy_kwh": Decimal(3)}, State.COMPLETED),
        ({"cost": Decimal("1.00")}, State.COMPLETED),
        ({"energy_kwh": Decimal(0), "cost": Decimal(0)}, State.ABANDONED),
        ({}, State.ABANDONED),
    ],
    ids=["energy", "money", "nothing", "silence"],
)
def test_a_person_closes_a_session_that_cannot_be_read(figures: dict[str, Decimal], state: State) -> None:
    station = factories.station()
    connector = station.connectors.get(number=1)
    session = factories.session(station, connector=connector, vendor_session_id="ses_1", read_failures=2, **figures)
    actor = factories.actor(factories.member(organisation=station.organisation))
    after = sessions.decide(actor=actor, session=session, decision="closed", now=NOW)
    assert (after.state, after.holds_connector, after.ended_at, after.final_at) == (state, False, NOW, None)
    with pytest.raises(sessions.NothingToDecide):
        sessions.decide(actor=actor, session=session, decision="closed", now=NOW)


def test_a_session_that_can_be_read_is_not_closed_by_a_person() -> None:
    session = factories.session(vendor_session_id="ses_1", read_failures=1)
    actor = factories.actor(factories.member(organisation=session.organisation))
    with pytest.raises(sessions.NothingToDecide):
        sessions.decide(actor=actor, session=session, decision="closed", now=NOW)


def test_a_stop_is_written_down_once() -> None:
    session = factories.session(vendor_session_id="ses_1")
    actor = factories.actor(factories.member(organisation=session.organisation))
    for _ in (1, 2):
        after = sessions.request_stop(actor=actor, session=session, now=NOW)
    assert (after.stop_state, after.due_at is not None) == ("wanted", True)
    assert SessionEvent.objects.filter(session=session, kind="stop").count() == 1


@pytest.mark.parametrize("state", [State.REQUESTED, State.UNKNOWN, State.STOPPED, *ENDED])
def test_what_cannot_be_stopped(state: State) -> None:
    session = factories.session(state=state)
    actor = factories.actor(factories.member(organisation=session.organisation))
    with pytest.raises(sessions.NotStoppable):
        sessions.request_stop(actor=actor, session=session, now=NOW)


@pytest.mark.parametrize(("status", "again"), [("charging", "wanted"), ("stopping", "sent"), ("completed", "sent")])
def test_an_unknown_stop_is_settled_by_what_the_session_does(status: str, again: str) -> None:
    session = factories.session(vendor_session_id="ses_1", stop_state="unknown")
    after = sessions.apply(session=session, document=document(status=status), now=NOW, via="read")
    assert (after.stop_state, after.due_at is not None) == (again, again == "wanted")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_every_move_of_the_table_and_no_other(state: State, to: State) -> None:
    """Each row that a move leaves is one the database accepts."""
    session = factories.session(state=state, final_at=NOW if state in ENDED else None)
    if to not in MOVES[state]:
        with pytest.raises(settling.ForbiddenMove):
            settling.move(session, to, NOW)
        return
    settling.move(session, to, NOW)
    session.save()
    session.refresh_from_db()
    assert (session.state, session.ended_at) == (to, None if to in OPEN else NOW)
