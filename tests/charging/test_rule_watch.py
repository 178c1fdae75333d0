"""Rules of running sessions: suspected by estimate, confirmed by a reading, fired once, and repeated when refused."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

import eevion
from charging import rule_watch, sessions, stops
from charging.models import Session, StopRule
from charging.models.session import State, StopState
from eevion.sessions import read_session
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def running(**fields: Any) -> Session:
    values = {"vendor_session_id": "ses_1", "started_at": NOW, "state": State.CHARGING} | fields
    return factories.session(**values)


def rule(session: Session, kind: str, amount: str | None = None, **fields: Any) -> StopRule:
    value = None if amount is None else Decimal(amount)
    return StopRule.objects.create(session=session, kind=kind, amount=value, created_at=NOW, **fields)


def reading(session: Session, at: datetime, **keys: Any) -> None:
    said = {"status": "charging", "updatedAt": at.isoformat(), "startedAt": NOW.isoformat()} | keys
    document = read_session({"sessionID": session.vendor_session_id, **said})
    sessions.apply(session=session, document=document, now=at, via="read")
    Session.objects.filter(pk=session.pk).update(read_at=Now() - MINUTE, hurry=False)


def told(session: Session, kind: str = "rule") -> list[str]:
    return list(session.events.filter(kind=kind).values_list("text", flat=True))


def after(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


# --- estimate, reading, stop ------------------------------------------------------------------------------------------
def test_an_estimate_only_asks_for_a_reading() -> None:
    session = running()
    mine = rule(session, "energy", "20")
    reading(session, NOW, energy=Decimal("19.9"), power=Decimal("7.2"))
    later = NOW + MINUTE  # 0.12 kWh more
    assert rule_watch.look(later) == []
    assert (after(mine).suspected_at, after(mine).fired_at) == (later, None)
    assert (after(session).hurry, after(session).stop_state) == (True, StopState.NONE)


def test_the_reading_confirms_and_the_stop_is_asked_for_once() -> None:
    session = running()
    mine = rule(session, "energy", "20")
    reading(session, NOW, energy=Decimal("19.9"), power=Decimal("7.2"))
    rule_watch.look(NOW + MINUTE)
    later = NOW + MINUTE + timedelta(seconds=3)
    reading(session, later, energy=Decimal("20.026"), power=Decimal("7.2"))
    assert rule_watch.look(later) == [session.pk]
    assert rule_watch.look(later) == []
    assert after(mine).fired_at == later
    asked = after(session)
    assert (asked.stop_state, asked.stop_requested_by) == (StopState.WANTED, "stop rule at 20 kWh")
    assert stops.due() == [session.pk]
    assert told(session) == ["Stop rule at 20 kWh: 20.026 kWh read at 12:01 EDT."]
    assert told(session, "stop") == ["Stop requested."]


def test_a_reading_that_denies_takes_the_suspicion_back() -> None:
    session = running()
    mine = rule(session, "energy", "20")
    reading(session, NOW, energy=Decimal("19.9"), power=Decimal("7.2"))
    rule_watch.look(NOW + MINUTE)
    reading(session, NOW + MINUTE, energy=Decimal("19.91"), power=Decimal("0.5"))
    assert rule_watch.look(NOW + MINUTE) == []
    assert (after(mine).suspected_at, after(session).hurry) == (None, False)


def test_a_figure_that_stands_still_at_the_vendor_does_not_eat_requests() -> None:
    session = running()
    rule(session, "energy", "20")
    reading(session, NOW, energy=Decimal("19.9"), power=Decimal("7.2"))
    Session.objects.update(read_at=Now())
    rule_watch.look(NOW + MINUTE)
    assert after(session).hurry is False


def test_money_is_the_vendors_cost_and_the_tariffs_where_it_says_none() -> None:
    tariff = {"currency": "CAD", "price_per_kwh": "0.5000", "price_per_minute": "0", "price_per_start": "1"}
    station = factories.station()
    silent = running(station=station, tariff=tariff)
    telling = running(station=station, tariff=tariff, vendor_session_id="ses_2")
    for session in (silent, telling):
        rule(session, "money", "10")
    reading(silent, NOW, energy=Decimal(18))
    reading(telling, NOW, energy=Decimal(18), cost=Decimal("9.99"), power=Decimal(0))
    assert rule_watch.look(NOW) == [silent.pk]
    assert told(silent) == ["Stop rule at 10.00 CAD: 10.00 CAD by the tariff read at 12:00 EDT."]


def test_minutes_and_clock_times_need_no_reading() -> None:
    counted, pending = running(), running(vendor_session_id="ses_2", state=State.PENDING, started_at=None)
    rule(counted, "minutes", "30")
    rule(pending, "clock", at_time=time(12, 30))
    assert rule_watch.look(NOW + 30 * MINUTE - timedelta(seconds=1)) == []
    assert rule_watch.look(NOW + 30 * MINUTE) == [counted.pk, pending.pk]
    assert told(counted) == ["Stop rule after 30 minutes: 30 minutes since energy began."]
    assert told(pending) == ["Stop rule at 12:30: it is 12:30 EDT there."]


def test_where_the_vendor_does_not_say_when_energy_began_the_first_reading_tells() -> None:
    session = running(started_at=None)
    rule(session, "minutes", "30")
    for minutes in (0, 29, 30):
        reading(session, NOW + minutes * MINUTE, energy=Decimal(minutes), startedAt=None, status="charging")
        assert rule_watch.look(NOW + minutes * MINUTE) == ([session.pk] if minutes == 30 else [])


@pytest.mark.parametrize(
    ("kind", "amount", "said", "words"),
    [
        ("low_power", "2", {"power": Decimal("1.4")}, "Stop rule below 2 kW for 10 minutes: below since 12:00 EDT"),
        ("idle", None, {"status": "suspended"}, "Stop rule after 10 minutes without energy: no energy since 12:00 EDT"),
    ],
)
def test_low_power_and_idle_need_readings_all_the_way(
    kind: str, amount: str | None, said: dict[str, Any], words: str
) -> None:
    session = running()
    rule(session, kind, amount, for_minutes=10)
    fired: list[int] = []
    for minutes in (0, 4, 8):
        reading(session, NOW + minutes * MINUTE, energy=Decimal(5), **said)
        fired += rule_watch.look(NOW + minutes * MINUTE)
    fired += rule_watch.look(NOW + 11 * MINUTE)
    assert (fired, after(session).hurry) == ([], True)  # suspected: nobody has read it for the last minutes
    reading(session, NOW + 11 * MINUTE, energy=Decimal(5), **said)
    assert rule_watch.look(NOW + 11 * MINUTE) == [session.pk]
    assert told(session) == [f"{words}, for 11 minutes."]


def test_silence_is_no_evidence_of_low_power() -> None:
    session = running()
    rule(session, "low_power", "2", for_minutes=10)
    reading(session, NOW, power=Decimal(0), energy=Decimal(5))
    reading(session, NOW + 11 * MINUTE, power=Decimal(0), energy=Decimal(5))
    assert rule_watch.look(NOW + 11 * MINUTE) == []


def test_a_document_frozen_at_the_vendor_proves_nothing_later() -> None:
    """A station that lost its connection: the vendor repeats the last figures, with the moment they speak of."""
    session = running()
    rule(session, "idle", for_minutes=10)
    for minutes in range(0, 13, 2):
        frozen = NOW.isoformat()
        reading(session, NOW + minutes * MINUTE, status="suspended", energy=Decimal(5), updatedAt=frozen)
        assert rule_watch.look(NOW + minutes * MINUTE) == []


# --- what is left alone -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.STOPPED},
        {"state": State.STOPPING},
        {"state": State.COMPLETED},
        {"state": State.UNKNOWN, "vendor_session_id": None},
        {"stop_state": StopState.WANTED},
        {"stop_state": StopState.SENT},
        {"stop_state": StopState.UNKNOWN},
    ],
)
def test_a_session_that_cannot_or_need_not_be_stopped_is_left_alone(fields: dict[str, Any]) -> None:
    session = running(**fields)
    mine = rule(session, "minutes", "1")
    assert rule_watch.look(NOW + 30 * MINUTE) == []
    assert (after(mine).fired_at, told(session)) == (None, [])


def test_defaults_are_no_rules_of_sessions() -> None:
    session = running()
    StopRule.objects.create(station=session.station, kind="minutes", amount=Decimal(1), created_at=NOW)
    assert rule_watch.look(NOW + 30 * MINUTE) == []


def test_the_first_rule_that_is_met_fires_and_the_others_rest() -> None:
    session = running()
    first, second = rule(session, "minutes", "10"), rule(session, "clock", at_time=time(12, 10))
    assert rule_watch.look(NOW + 10 * MINUTE) == [session.pk]
    assert (after(first).fired_at, after(second).fired_at) == (NOW + 10 * MINUTE, None)


def test_the_number_of_queries_does_not_grow_with_quiet_sessions() -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert rule_watch.look(NOW) == []
        return len(queries)

    station = factories.station()
    for number in range(4):
        session = running(station=station, vendor_session_id=f"s{number}")
        for kind, fields in (("energy", {"amount": "20"}), ("low_power", {"amount": "2", "for_minutes": 10})):
            rule(session, kind, **fields)  # type: ignore[arg-type]
        reading(session, NOW, energy=Decimal(5), power=Decimal(7))
        if number == 0:
            one = count()
    assert count() == one == 4


# --- a stop that the vendor refuses -----------------------------------------------------------------------------------
def refuse(session: Session, at: datetime) -> None:
    error = eevion.Rejected("The charger refused.", status=422, code="rejected")
    stops._settle(after(session), at, lambda row, now: stops._refused(row, now, error))


def fired_and_refused() -> tuple[Session, StopRule]:
    session = running()
    mine = rule(session, "energy", "20")
    reading(session, NOW, energy=Decimal("20.5"), power=Decimal(7))
    rule_watch.look(NOW)
    refuse(session, NOW)
    return session, mine


def test_a_refused_stop_is_repeated_after_a_while_if_the_session_goes_on() -> None:
    session, mine = fired_and_refused()
    assert rule_watch.look(NOW + 2 * MINUTE) == []  # nobody has read it since
    reading(session, NOW + 2 * MINUTE, energy=Decimal("20.7"))
    assert rule_watch.look(NOW + 2 * MINUTE) == [session.pk]
    assert after(session).stop_state == StopState.WANTED
    assert told(session)[-1] == "The stop was refused and the session goes on: the rule asks again, time 2."
    assert after(mine).fired_at == NOW


def test_it_is_repeated_ever_more_seldom_and_at_last_left_to_a_person() -> None:
    session, _mine = fired_and_refused()
    asked, now = [0], NOW
    for minute in range(1, 180):
        now = NOW + minute * MINUTE
        reading(session, now, energy=Decimal(20) + minute)
        if rule_watch.look(now):
            asked.append(minute)
            refuse(session, now)
    assert [later - sooner for sooner, later in pairwise(asked)] == [1, 2, 5, 15, 30]
    assert after(session).stop_state == StopState.REFUSED


def test_a_removed_rule_repeats_nothing() -> None:
    session, mine = fired_and_refused()
    mine.delete()
    reading(session, NOW + 2 * MINUTE, energy=Decimal("20.7"))
    assert rule_watch.look(NOW + 2 * MINUTE) == []


def test_a_persons_refused_stop_is_the_persons_to_repeat() -> None:
    session, _mine = fired_and_refused()
    who = factories.actor(factories.member(organisation=session.organisation))
    sessions.request_stop(actor=who, session=session, now=NOW)
    refuse(session, NOW)
    reading(session, NOW + 2 * MINUTE, energy=Decimal("20.7"))
    assert rule_watch.look(NOW + 2 * MINUTE) == []


def test_a_rule_that_holds_no_longer_does_not_repeat() -> None:
    session = running()
    rule(session, "idle", for_minutes=4)
    for minutes in (0, 4):
        reading(session, NOW + minutes * MINUTE, status="suspended", energy=Decimal(5))
    assert rule_watch.look(NOW + 4 * MINUTE) == [session.pk]
    refuse(session, NOW + 4 * MINUTE)
    reading(session, NOW + 6 * MINUTE, energy=Decimal("5.2"), power=Decimal(7))
    assert rule_watch.look(NOW + 6 * MINUTE) == []


# --- a stop that the vendor accepted and the session ignores ---------------------------------------------------------
def accepted(session: Session) -> None:
    answer = eevion.SessionStopped(session_id="ses_1", status=None, status_text=None, raw={}, drift=())
    stops._settle(after(session), NOW, lambda row, now: stops._accepted(row, now, answer))


def test_an_accepted_stop_that_the_session_ignores_counts_as_refused() -> None:
    session = running()
    who = factories.actor(factories.member(organisation=session.organisation))
    sessions.request_stop(actor=who, session=session, now=NOW)
    accepted(session)
    reading(session, NOW + 4 * MINUTE, energy=Decimal(6))
    assert stops.find_ignored(NOW + 6 * MINUTE) == 0  # not read since
    reading(session, NOW + 6 * MINUTE, energy=Decimal(7))
    assert stops.find_ignored(NOW + 6 * MINUTE) == 1
    assert stops.find_ignored(NOW + 6 * MINUTE) == 0
    row = after(session)
    assert (row.stop_state, row.stoppable) == (StopState.REFUSED, True)
    assert told(session, "stop")[-1].startswith("The vendor accepted the stop, and the session still goes on.")
