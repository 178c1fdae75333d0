"""What makes a session worth reading soon: who looks, what is near, what two readings showed; and the words."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from charging import freshness, read_queue, readings
from charging.freshness import NextRead
from charging.models import Reading, Session, StopRule
from charging.models.session import State
from charging.models.stop_rule import RuleKind
from fleet.models import Station
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
ZONE = factories.Site(timezone="America/Toronto").zone


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def charging(station: Station | None = None, **fields: Any) -> Session:
    """At 7.2 kW, begun a quarter of an hour ago, read at NOW."""
    values: dict[str, Any] = {
        "vendor_session_id": f"s{Session.objects.count()}", "power_kw": Decimal("7.2"), "energy_kwh": Decimal("1.8"),
        "cost": Decimal("0.63"), "started_at": NOW - timedelta(minutes=15),
    }  # fmt: skip
    session = factories.session(station, **(values | fields))
    Reading.objects.create(session=session, received_at=NOW, confirmed_at=NOW, document_sha256="", document="{}")
    return session


def rule(session: Session, kind: RuleKind, **fields: Any) -> None:
    StopRule.objects.create(session=session, kind=kind, created_at=NOW, **fields)


def weighed(session: Session, at: datetime = NOW) -> tuple[float, str]:
    freshness.weigh_all(at)
    session.refresh_from_db()
    return session.read_weight, session.read_why


# --- who looks --------------------------------------------------------------------------------------------------------
def test_watching_is_written_when_it_begins_and_again_when_half_of_it_is_over() -> None:
    session, over = charging(), factories.session(state=State.COMPLETED)
    freshness.watch([session.pk, over.pk])
    first = Session.objects.get(pk=session.pk).watched_until
    freshness.watch([session.pk])
    assert first is not None
    assert Session.objects.get(pk=session.pk).watched_until == first
    Session.objects.filter(pk=session.pk).update(watched_until=first - seconds(freshness.WATCH_S / 2 + 1))
    freshness.watch([session.pk])
    assert Session.objects.filter(pk=session.pk, watched_until__gte=first).exists()
    assert Session.objects.get(pk=over.pk).watched_until is None


@pytest.mark.django_db(transaction=True)
def test_looks_and_claims_are_no_change_and_anything_beside_them_is() -> None:
    mine = Session.objects.filter(pk=charging().pk)
    before = mine.get().changed_xid
    freshness.watch([mine.get().pk])
    assert read_queue.pick(read_queue.lines()[0]) is not None
    assert (mine.get().watched_until is None, mine.get().read_claimed_until is None) == (False, False)
    assert mine.get().changed_xid == before
    mine.update(watched_until=None, read_why="fast")
    assert mine.get().changed_xid > before


def test_the_page_of_a_session_counts_as_looking_and_says_when_it_is_read_next() -> None:
    member = factories.member()
    session = charging(factories.station(factories.site(member.organisation)))
    client = factories.client_for(member)
    text = client.get(reverse("session", args=[session.public_id])).content.decode()
    assert "Next reading as soon as a request is free: it was never read." in text
    Session.objects.filter(pk=session.pk).update(read_at=Now())
    text = client.get(reverse("session_now", args=[session.public_id])).content.decode()
    assert ": somebody is looking at it." in text
    assert Session.objects.filter(pk=session.pk, watched_until__gt=Now()).exists()


# --- what time brings near --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "fields", "near_after_s"),
    [
        (RuleKind.ENERGY, {"amount": Decimal("2.0")}, 40),  # 0.2 kWh at 7.2 kW: 100 s
        (RuleKind.MINUTES, {"amount": Decimal(17)}, 60),
        (RuleKind.CLOCK, {"at_time": time(12, 2)}, 60),  # NOW is noon there
    ],
)
def test_a_rule_is_near_a_minute_before_it_is_met(kind: RuleKind, fields: dict[str, Any], near_after_s: int) -> None:
    session = charging()
    rule(session, kind, **fields)
    assert weighed(session, NOW + seconds(near_after_s - 2)) == (1.0, "")
    assert weighed(session, NOW + seconds(near_after_s + 2)) == (5.0, "rule")


def test_minutes_that_run_and_a_suspicion_are_near_and_a_rule_that_fired_is_not() -> None:
    low, idle, suspected, fired = charging(), charging(state=State.SUSPENDED), charging(), charging()
    rule(low, RuleKind.LOW_POWER, amount=Decimal(8), for_minutes=10)
    rule(idle, RuleKind.IDLE, for_minutes=10)
    rule(suspected, RuleKind.ENERGY, amount=Decimal(90), suspected_at=NOW)
    rule(fired, RuleKind.ENERGY, amount=Decimal(1), fired_at=NOW)
    assert [weighed(session) for session in (low, idle, suspected, fired)] == [
        (5.0, "rule"), (2.5, "rule"), (5.0, "rule"), (1.0, ""),
    ]  # fmt: skip


def test_a_start_near_its_limit_weighs_more_until_the_vendor_has_spoken() -> None:
    station = factories.station(start_limit_s=120)
    session = charging(station, state=State.PENDING, accepted_at=NOW, power_kw=None, started_at=None)
    assert weighed(session, NOW + seconds(59)) == (2.0, "starting")
    assert weighed(session, NOW + seconds(61)) == (10.0, "limit")
    assert weighed(session, NOW + seconds(600)) == (10.0, "limit")


def test_a_change_of_power_stays_worth_a_look_until_the_next_reading() -> None:
    session = charging(tariff={"name": "T", "currency": "CAD", "price_per_kwh": "0.35", "price_per_minute": "0",
                               "price_per_start": "0"})  # fmt: skip
    fields = freshness.weigh(session, Decimal(11), NOW, NOW)
    assert fields == {"read_weight": 3.0, "read_why": "changing"}
    Session.objects.filter(pk=session.pk).update(**fields)
    assert weighed(session) == (3.0, "changing")
    assert freshness.weigh(session, Decimal(7), NOW, NOW) == {"read_weight": 1.0, "read_why": ""}


@pytest.mark.parametrize("count", [1, 4])
def test_weighing_all_is_two_queries_when_nothing_changes(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        rule(charging(), RuleKind.ENERGY, amount=Decimal(90))
    with django_assert_num_queries(2):
        assert freshness.weigh_all(NOW) == 0


# --- when, and why ----------------------------------------------------------------------------------------------------
def foreseen(session: Session, age_s: float | None, **fields: Any) -> NextRead | None:
    read_at = None if age_s is None else Now() - seconds(age_s)
    Session.objects.filter(pk=session.pk).update(read_at=read_at, **fields)
    return freshness.next_read(Session.objects.get(pk=session.pk), NOW)


@pytest.mark.parametrize(
    ("age_s", "fields", "expected_s", "why"),
    [
        (None, {}, None, "first"),
        (10, {"hurry": True}, None, "hurry"),
        (10, {}, 20, ""),
        (10, {"read_weight": 2.0, "read_why": "fast"}, 5, "fast"),
        (1, {"watched_until": Now() + seconds(20)}, 2, "watched"),
        (29, {"watched_until": Now() - seconds(1)}, 1, ""),
        (500, {}, 0, ""),
        (601, {}, 0, "cap"),
        (10, {"read_failures": 1, "read_claimed_until": Now() + seconds(60)}, 60, "failed"),
    ],
)
def test_when_and_why_a_session_is_read_next(
    age_s: float | None, fields: dict[str, Any], expected_s: float | None, why: str, settings: Settings
) -> None:
    settings.READ_EVERY_S, settings.READ_CAP_S = 30, 600
    found = foreseen(charging(), age_s, **fields)
    assert found is not None
    assert found.why == why
    if expected_s is None:
        assert found.expected_at is None
    else:
        assert found.expected_at is not None
        assert (found.expected_at - NOW).total_seconds() == pytest.approx(expected_s, abs=0.5)


def test_what_is_over_is_not_read_and_has_no_next_reading() -> None:
    assert freshness.next_read(factories.session(state=State.COMPLETED, vendor_session_id="s"), NOW) is None
    assert freshness.next_read(factories.session(state=State.UNKNOWN), NOW) is None


def test_the_words_name_the_moment_in_the_zone_of_the_site() -> None:
    at = datetime(2026, 6, 1, 16, 0, 5, tzinfo=UTC)
    assert NextRead(at, "rule").sentence(ZONE) == "Next reading about 12:00:05 EDT: a stop rule is near."
    assert NextRead(None, "hurry").sentence(ZONE) == (
        "Next reading as soon as a request is free: something just happened to it."
    )


def test_a_reading_that_found_no_slot_keeps_its_place_and_only_a_hurried_one_its_hurry() -> None:
    station = factories.station()
    calm, hurried = charging(station), charging(station, hurry=True)
    [line] = read_queue.lines()
    picked = [read_queue.pick(line), read_queue.pick(line)]
    station.account.budget.slots.update(free_at=Now() + timedelta(hours=1))
    for one in picked:
        assert one is not None
        assert readings.read(one.session_id, lambda: NOW, claimed=True) is None
    rows = Session.objects.filter(pk__in=[calm.pk, hurried.pk]).order_by("pk")
    assert list(rows.values_list("read_claimed_until", "hurry")) == [(None, False), (None, True)]
