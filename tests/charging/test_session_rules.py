"""Stop rules as rows: what a start takes over, and what people change."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from charging import session_rules, sessions
from charging.models import Session, StopRule
from charging.models.session import Origin, State
from charging.session_rules import SessionOver
from charging.stop_rules import Rule
from fleet.models import Station
from people.actor import Actor
from people.models import AuditEntry
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
TWENTY_KWH = Rule("energy", NOW, amount=Decimal(20))
THIRTY_KWH = Rule("energy", NOW, amount=Decimal(30))
AT_SEVEN = Rule("clock", NOW, at_time=time(7))
IDLE = Rule("idle", NOW, for_minutes=20)


def actor(station: Station) -> Actor:
    return factories.actor(factories.member(organisation=station.organisation))


def start(station: Station, origin: Origin = Origin.PERSON, reference: str = "driver-a") -> Session:
    return sessions.request_start(
        actor=actor(station), station=station, connector_number=None, reference=reference, origin=origin, now=NOW
    )


def kinds(owner: session_rules.Owner) -> list[tuple[str, Decimal | None]]:
    return [(row.kind, row.amount) for row in session_rules.of(owner)]


def told(session: Session) -> list[str]:
    return list(session.events.filter(kind="rule").values_list("text", flat=True))


@pytest.mark.parametrize("origin", [Origin.PERSON, Origin.API, Origin.PLAN])
def test_a_start_takes_the_stations_default_before_the_sites(origin: Origin) -> None:
    station = factories.station()
    session_rules.replace(actor=actor(station), owner=station.site, rules=[THIRTY_KWH, AT_SEVEN], now=NOW)
    session_rules.replace(actor=actor(station), owner=station, rules=[TWENTY_KWH], now=NOW)
    session = start(station, origin)
    rules = {row.kind: (row.amount, row.at_time, row.created_by_label) for row in session_rules.of(session)}
    assert rules == {
        "energy": (Decimal(20), None, f"default of {station}"),
        "clock": (None, time(7), f"default of {station.site}"),
    }
    assert sorted(told(session)[0].removeprefix("Stop rules: ").rstrip(".").split("; ")) == [
        "at 07:00",
        "at 20 kWh",
    ]


def test_another_station_or_organisation_gives_nothing() -> None:
    station, other = factories.station(), factories.station()
    session_rules.replace(actor=actor(other), owner=other, rules=[TWENTY_KWH], now=NOW)
    session_rules.replace(actor=actor(other), owner=other.site, rules=[AT_SEVEN], now=NOW)
    session = start(station)
    assert (kinds(session), told(session)) == ([], [])


def test_a_changed_default_leaves_a_running_session_alone() -> None:
    station = factories.station()
    session_rules.replace(actor=actor(station), owner=station, rules=[TWENTY_KWH], now=NOW)
    session = start(station)
    session_rules.replace(actor=actor(station), owner=station, rules=[THIRTY_KWH], now=NOW)
    assert kinds(session) == [("energy", Decimal(20))]
    assert kinds(start(station, reference="driver-b")) == [("energy", Decimal(30))]


def test_the_same_start_again_copies_nothing_twice() -> None:
    station = factories.station()
    session_rules.replace(actor=actor(station), owner=station, rules=[TWENTY_KWH], now=NOW)
    session = start(station)
    session_rules.remove(actor=actor(station), session=session, kind="energy", now=NOW)
    assert start(station).pk == session.pk
    assert kinds(session) == []


def test_rules_are_added_changed_and_removed_while_it_runs() -> None:
    session = factories.session()
    who = actor(session.station)
    assert session_rules.replace(actor=who, owner=session, rules=[TWENTY_KWH, IDLE], now=NOW) is True
    idle = session.stop_rules.get(kind="idle")
    StopRule.objects.filter(pk=idle.pk).update(suspected_at=NOW)
    later = NOW + timedelta(minutes=5)
    assert session_rules.add(actor=who, session=session, rules=[THIRTY_KWH, AT_SEVEN], now=later) is True
    assert sorted(kinds(session)) == [("clock", None), ("energy", Decimal(30)), ("idle", None)]
    assert session.stop_rules.get(pk=idle.pk).suspected_at == NOW  # untouched: what became of it stays
    assert session.stop_rules.get(kind="energy").created_at == later
    assert session_rules.remove(actor=who, session=session, kind="idle", now=later) is True
    assert session_rules.remove(actor=who, session=session, kind="idle", now=later) is False
    assert told(session)[-1].startswith("Stop rules: at ")
    assert session_rules.replace(actor=who, owner=session, rules=[], now=later) is True
    assert told(session)[-1] == "No stop rule any more."
    assert AuditEntry.objects.filter(verb="stop_rules.changed").count() == 4


def test_the_same_rules_change_nothing() -> None:
    session = factories.session()
    who = actor(session.station)
    session_rules.replace(actor=who, owner=session, rules=[TWENTY_KWH], now=NOW)
    again = [Rule("energy", NOW + timedelta(hours=1), amount=Decimal("20.0000"))]
    assert session_rules.replace(actor=who, owner=session, rules=again, now=NOW) is False
    assert len(told(session)) == 1


def test_an_ended_session_takes_no_rule() -> None:
    session = factories.session(state=State.COMPLETED)
    with pytest.raises(SessionOver):
        session_rules.replace(actor=actor(session.station), owner=session, rules=[TWENTY_KWH], now=NOW)
    assert kinds(session) == []


def test_a_change_is_news_for_pages_and_asks_for_a_reading() -> None:
    session = factories.session()
    session.refresh_from_db()
    session_rules.replace(actor=actor(session.station), owner=session, rules=[TWENTY_KWH], now=NOW)
    after = Session.objects.get(pk=session.pk)
    assert (after.hurry, after.changed_xid >= session.changed_xid) == (True, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "energy"},
        {"kind": "energy", "amount": 0},
        {"kind": "clock", "amount": 1, "at_time": time(7)},
        {"kind": "idle", "for_minutes": 0},
        {"kind": "low_power", "amount": 2},
        {"kind": "odd"},
    ],
)
def test_a_rule_without_its_terms_cannot_be_written(fields: dict[str, object]) -> None:
    session = factories.session()
    with pytest.raises(IntegrityError), transaction.atomic():
        StopRule.objects.create(session=session, created_at=NOW, **fields)


# --- none of a kind ---------------------------------------------------------------------------------------------------
def test_a_station_may_refuse_what_its_site_says() -> None:
    station, neighbour = factories.station(), factories.station()
    neighbour.site = station.site
    neighbour.save()
    who = actor(station)
    session_rules.replace(actor=who, owner=station.site, rules=[THIRTY_KWH, AT_SEVEN, IDLE], now=NOW)
    assert session_rules.replace(actor=who, owner=station, rules=[TWENTY_KWH], none=["idle", "clock"], now=NOW) is True
    assert session_rules.refused(station) == ["clock", "idle"]
    assert kinds(station) == [("energy", Decimal(20))]
    assert kinds(start(station)) == [("energy", Decimal(20))]
    assert {row.kind for row in session_rules.at_start(neighbour)} == {"energy", "clock", "idle"}
    words = AuditEntry.objects.filter(verb="stop_rules.changed").latest("id").details["rules"]
    assert words == "at 20 kWh; no stop when idle; no stop at a clock time"


def test_a_refusal_stays_is_taken_back_or_becomes_a_rule() -> None:
    station = factories.station()
    who = actor(station)
    session_rules.replace(actor=who, owner=station, rules=[], none=["idle", "energy"], now=NOW)
    made = StopRule.objects.get(kind="idle").pk
    assert session_rules.replace(actor=who, owner=station, rules=[], none=["energy", "idle"], now=NOW) is False
    assert session_rules.replace(actor=who, owner=station, rules=[TWENTY_KWH], none=["idle"], now=NOW) is True
    assert (StopRule.objects.get(kind="idle").pk, session_rules.refused(station)) == (made, ["idle"])
    assert kinds(station) == [("energy", Decimal(20))]
    assert session_rules.replace(actor=who, owner=station, rules=[], none=[], now=NOW) is True
    assert not StopRule.objects.exists()


def test_a_rule_given_at_the_start_holds_where_the_station_refuses_its_kind() -> None:
    station = factories.station()
    session_rules.replace(actor=actor(station), owner=station, rules=[], none=["energy"], now=NOW)
    session = start(station)
    session_rules.add(actor=actor(station), session=session, rules=[TWENTY_KWH], now=NOW)
    assert kinds(session) == [("energy", Decimal(20))]


@pytest.mark.parametrize(
    "fields", [{"amount": 5}, {"kind": "idle", "for_minutes": 5}, {"kind": "clock", "at_time": time(7)}]
)
def test_the_database_takes_no_refusal_with_terms(fields: dict[str, Any]) -> None:
    wish = {"station": factories.station(), "kind": "energy", "is_none": True, "created_at": NOW} | fields
    with pytest.raises(IntegrityError), transaction.atomic():
        StopRule.objects.create(**wish)


def test_only_a_station_refuses() -> None:
    for owner in ({"site": factories.site()}, {"session": factories.session()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            StopRule.objects.create(kind="energy", is_none=True, created_at=NOW, **owner)
