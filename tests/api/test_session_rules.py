"""Stop rules by API: given with a start, held to what the page says, and told with a session as they stand."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api import reference
from charging import rule_watch, session_rules, sessions
from charging.models import Session, StopRule
from charging.models.session import State
from charging.rule_forms import RuleForm
from charging.stop_rules import Rule
from eevion.sessions import read_session
from fleet.models import Station
from lib import clock
from people.models import Membership
from tests import factories
from tests.api.client import Api
from tests.factories import NOW

pytestmark = pytest.mark.django_db
ALL_SIX: list[dict[str, Any]] = [
    {"kind": "energy", "amount": "20.5"},
    {"kind": "money", "amount": 15},
    {"kind": "minutes", "amount": 90},
    {"kind": "clock", "at_time": "07:00"},
    {"kind": "low_power", "amount": 1.4, "for_minutes": 15},
    {"kind": "idle", "for_minutes": "20", "amount": None},
]


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def station(owner: Membership) -> Station:
    """Its site stops at 30 kWh, itself after 45 idle minutes."""
    row = factories.station(factories.site(owner.organisation), connectors=1, vendor_id="HC-1")
    who = factories.actor(owner)
    session_rules.replace(actor=who, owner=row.site, rules=[Rule("energy", NOW, amount=Decimal(30))], now=NOW)
    session_rules.replace(actor=who, owner=row, rules=[Rule("idle", NOW, for_minutes=45)], now=NOW)
    return row


def start(owner: Membership, **more: Any) -> tuple[int, Any]:
    return Api(owner).post("sessions", {"station": "HC-1", "reference": "van 7"} | more)


def terms() -> dict[str, Any]:
    return {row.kind: (row.amount, row.for_minutes, row.at_time) for row in session_rules.of(Session.objects.get())}


def test_all_six_kinds_are_taken_and_the_defaults_are_not(owner: Membership, station: Station) -> None:
    status, body = start(owner, stop_rules=ALL_SIX)
    assert status == 202
    assert terms() == {
        "energy": (Decimal("20.5"), None, None),
        "money": (Decimal(15), None, None),
        "minutes": (Decimal(90), None, None),
        "clock": (None, None, time(7)),
        "low_power": (Decimal("1.4"), 15, None),
        "idle": (None, 20, None),
    }
    said = [(rule["kind"], rule["words"], rule["state"], rule["given_by"]) for rule in body["stop_rules"]]
    assert said == [
        ("energy", "at 20.5 kWh", "waiting", "test (API)"),
        ("money", "at 15.00 CAD", "waiting", "test (API)"),
        ("minutes", "after 90 minutes", "waiting", "test (API)"),
        ("clock", "at 07:00", "waiting", "test (API)"),
        ("low_power", "below 1.4 kW for 15 minutes", "waiting", "test (API)"),
        ("idle", "after 20 minutes without energy", "waiting", "test (API)"),
    ]


@pytest.mark.parametrize("more", [{}, {"stop_rules": None}])
def test_without_the_field_the_defaults_hold(owner: Membership, station: Station, more: dict[str, Any]) -> None:
    assert start(owner, **more)[0] == 202
    assert terms() == {"energy": (Decimal(30), None, None), "idle": (None, 45, None)}


def test_with_an_empty_list_no_rule_holds(owner: Membership, station: Station) -> None:
    status, body = start(owner, stop_rules=[])
    assert (status, body["stop_rules"], terms()) == (202, [], {})
    told = Session.objects.get().events.get(kind="rule").text
    assert told == "No stop rule: the start asked for none, and the defaults do not hold."


def test_a_repeat_changes_no_rule(owner: Membership, station: Station) -> None:
    first = start(owner, stop_rules=[{"kind": "energy", "amount": 20}])[1]
    again = start(owner, stop_rules=[])[1]
    assert (again["id"], terms()) == (first["id"], {"energy": (Decimal(20), None, None)})


WRONG: list[tuple[dict[str, Any], dict[str, str], dict[str, list[str]]]] = [
    # what is sent, the same on the page, and what both say
    ({"kind": "energy", "amount": -1}, {"energy": "-1"}, {"amount": ["energy"]}),
    ({"kind": "energy", "amount": "20.55"}, {"energy": "20.55"}, {"amount": ["energy"]}),
    ({"kind": "energy", "amount": 10_001}, {"energy": "10001"}, {"amount": ["energy"]}),
    ({"kind": "money", "amount": "x"}, {"money": "x"}, {"amount": ["money"]}),
    ({"kind": "money", "amount": "inf"}, {"money": "inf"}, {"amount": ["money"]}),
    ({"kind": "minutes", "amount": 0}, {"minutes": "0"}, {"amount": ["minutes"]}),
    ({"kind": "minutes", "amount": "1.5"}, {"minutes": "1.5"}, {"amount": ["minutes"]}),
    ({"kind": "clock", "at_time": "25:00"}, {"clock": "25:00"}, {"at_time": ["clock"]}),
    ({"kind": "low_power", "amount": 2}, {"low_power": "2"}, {"for_minutes": ["low_power_minutes"]}),
    ({"kind": "low_power", "for_minutes": 2}, {"low_power_minutes": "2"}, {"amount": ["low_power"]}),
    ({"kind": "idle", "for_minutes": 20_000}, {"idle": "20000"}, {"for_minutes": ["idle"]}),
]


@pytest.mark.parametrize(("sent", "typed", "where"), WRONG)
def test_what_makes_no_sense_is_said_in_the_words_of_the_page(
    owner: Membership, station: Station, sent: dict[str, Any], typed: dict[str, str], where: dict[str, list[str]]
) -> None:
    status, body = start(owner, stop_rules=[{"kind": "clock", "at_time": "06:30"}, sent])
    page = RuleForm(typed)
    said = {part: page.errors[line] for part, [line] in where.items()}
    assert (status, body["error"]["code"]) == (400, "invalid")
    assert body["error"]["fields"] == {"stop_rules": {"1": said}}
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"kind": "energy"}], {"0": {"amount": ["This field is required."]}}),
        ([{"kind": "clock", "at_time": ""}], {"0": {"at_time": ["This field may not be blank."]}}),
        (
            [{"kind": "low_power"}],
            {"0": {"amount": ["This field is required."], "for_minutes": ["This field is required."]}},
        ),
        (
            [{"kind": "idle", "for_minutes": 5, "at_time": "07:00"}],
            {"0": {"at_time": ["A rule of this kind has none."]}},
        ),
        ([{"amount": 5}], {"0": {"kind": ["This field is required."]}}),
        (
            [{"kind": "full"}],
            {"0": {"kind": ["There is no such kind. Give one of energy, money, minutes, clock, low_power, idle."]}},
        ),
        ([{"kind": "energy", "amount": True}], {"0": {"amount": ["Not a valid string."]}}),
        ([{"kind": "energy", "amount": [20]}], {"0": {"amount": ["Not a valid string."]}}),
        ([{"kind": "idle", "for_minutes": 5}] * 2, ["Give at most one rule of a kind."]),
        ({"kind": "energy"}, {"non_field_errors": ['Expected a list of items but got type "dict".']}),
    ],
)
def test_a_rule_without_its_parts_is_refused(owner: Membership, station: Station, rules: Any, said: Any) -> None:
    status, body = start(owner, stop_rules=rules)
    assert (status, body["error"]["fields"]) == (400, {"stop_rules": said})
    assert Session.objects.count() == 0


# --- how they stand ---------------------------------------------------------------------------------------------------
def running(station: Station, **fields: Any) -> Session:
    now = clock.now()
    values = {"vendor_session_id": "ses_1", "started_at": now - timedelta(minutes=10), "requested_at": now} | fields
    return factories.session(station, **values)


def read(session: Session, *, ago_s: int = 0, **keys: Any) -> None:
    at = clock.now() - timedelta(seconds=ago_s)
    document = read_session({"sessionID": "ses_1", "status": "charging", "updatedAt": at.isoformat(), **keys})
    sessions.apply(session=session, document=document, now=at, via="read")


def rules_of(owner: Membership, session: Session) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = Api(owner).get(f"sessions/{session.public_id}")[1]["stop_rules"]
    return rules


def test_a_waiting_rule_says_what_is_known_and_when_it_is_expected(owner: Membership, station: Station) -> None:
    session = running(station)
    StopRule.objects.create(session=session, kind="energy", amount=20, created_at=clock.now(), created_by_label="me")
    read(session, energy=Decimal("12.8"), power=Decimal("7.2"))
    [rule] = rules_of(owner, session)
    expected_at = datetime.fromisoformat(rule.pop("expected_at"))
    assert abs(expected_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=20)
    assert rule == {
        "kind": "energy",
        "amount": "20.0000",
        "for_minutes": None,
        "at_time": None,
        "words": "at 20 kWh",
        "state": "waiting",
        "why": "about 12.8 kWh so far",
        "suspected_at": None,
        "fired_at": None,
        "given_by": "me",
    }


def test_a_suspected_rule_waits_for_its_reading(owner: Membership, station: Station) -> None:
    session = running(station)
    StopRule.objects.create(session=session, kind="energy", amount=20, created_at=clock.now())
    read(session, ago_s=60, energy=Decimal("19.99"), power=Decimal("7.2"))
    assert rule_watch.look(clock.now()) == []
    [rule] = rules_of(owner, session)
    assert (rule["state"], rule["fired_at"]) == ("suspected", None)
    assert rule["why"].startswith("about 20.1")  # the estimate goes on while we ask
    assert rule["suspected_at"] is not None


def test_a_rule_that_fired_says_why_as_the_timeline_does(owner: Membership, station: Station) -> None:
    session = running(station)
    StopRule.objects.create(session=session, kind="minutes", amount=5, created_at=clock.now())
    assert rule_watch.look(clock.now()) == [session.pk]
    [rule] = rules_of(owner, session)
    assert (rule["state"], rule["why"], rule["expected_at"]) == (
        "fired",
        "Stop rule after 5 minutes: 10 minutes since energy began.",
        None,
    )
    assert rule["fired_at"] is not None


def test_a_rule_that_an_ended_session_did_not_come_to(owner: Membership, station: Station) -> None:
    session = running(station, state=State.COMPLETED)
    StopRule.objects.create(session=session, kind="idle", for_minutes=5, created_at=clock.now())
    [rule] = rules_of(owner, session)
    assert (rule["state"], rule["why"], rule["expected_at"]) == ("not_reached", "", None)


def test_many_rules_cost_no_more_queries_than_one(owner: Membership, station: Station) -> None:
    session, api = running(station), Api(owner)
    read(session, energy=Decimal("12.8"), power=Decimal("7.2"))

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"sessions/{session.public_id}")[0] == 200
        return len(queries)

    StopRule.objects.create(session=session, kind="energy", amount=20, created_at=clock.now())
    cost()
    one = cost()
    for kind, amount in (("money", 5), ("minutes", 90)):
        StopRule.objects.create(session=session, kind=kind, amount=amount, created_at=clock.now())
    assert cost() == one


def test_the_documentation_says_what_a_missing_and_an_empty_list_mean() -> None:
    shapes = {name: {field.name: field.words for field in fields} for name, fields in reference.read().shapes}
    assert "with an empty list, none." in shapes["SessionStart"]["stop_rules"]
    assert shapes["StopRuleWish"]["amount"].startswith("energy: kWh. money: in the site's currency.")
    assert shapes["StopRule"]["state"].startswith("suspected: met by estimate")
