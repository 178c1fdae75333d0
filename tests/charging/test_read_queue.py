"""In which order sessions are read, what keeps one from being read too often, and that nobody reads one twice."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from charging import read_queue
from charging.models import Session
from charging.models.session import State
from charging.read_queue import Line
from fleet.models import Station
from tests import factories

pytestmark = pytest.mark.django_db


def live(station: Station, name: str, age_s: float | None, **fields: Any) -> int:
    session = factories.session(station, vendor_session_id=name, **fields)
    if age_s is not None:
        Session.objects.filter(pk=session.pk).update(read_at=Now() - timedelta(seconds=age_s))
    return session.pk


def line_of(station: Station) -> Line:
    [line] = read_queue.lines(station.account.budget_id)
    return line


def order(station: Station) -> list[int]:
    """All that are due, in the order in which they are read."""
    line, found = line_of(station), []
    while (picked := read_queue.pick(line)) is not None:
        found.append(picked.session_id)
    return found


def test_hurried_then_never_read_then_beyond_the_cap_then_weight_times_age_squared() -> None:
    station = factories.station()
    old = live(station, "old", 100)
    heavy = live(station, "heavy", 40, read_weight=10)
    never = live(station, "never", None)
    beyond = live(station, "beyond", 700, read_weight=0.5)
    further = live(station, "further", 650, read_weight=100)
    hurried = live(station, "hurried", 1, hurry=True)
    final = live(station, "final", 1, hurry=True, state=State.COMPLETED, read_weight=0.5)
    live(station, "fresh", 1)
    live(station, "over", 500, state=State.COMPLETED)
    factories.session(station, state=State.UNKNOWN)
    assert order(station) == [hurried, final, never, beyond, further, heavy, old]
    assert order(station) == []


def test_somebody_who_looks_counts_until_nobody_looks_any_more() -> None:
    station = factories.station()
    calm = live(station, "calm", 100)
    watched = live(station, "watched", 40, watched_until=Now() + timedelta(seconds=20))
    left = live(station, "left", 80, watched_until=Now() - timedelta(seconds=1))
    assert order(station) == [watched, calm, left]


@pytest.mark.parametrize(
    ("weight", "age_s", "is_due"),
    [(1, 29, False), (1, 31, True), (2, 14, False), (2, 16, True), (100, 2, False), (100, 4, True), (0.5, 29, False)],
)
def test_with_requests_to_spare_none_is_read_more_often_than_sensible(
    weight: float, age_s: float, is_due: bool, settings: Settings
) -> None:
    settings.READ_EVERY_S = 30
    station = factories.station()
    pk = live(station, "s", age_s, read_weight=weight)
    assert (order(station), line_of(station).due) == (([pk], 0) if is_due else ([], 0))


def test_a_cap_that_the_lane_cannot_keep_is_raised_so_that_weights_keep_half_of_it(settings: Settings) -> None:
    settings.READ_CAP_S = 600
    few = Line(1, 60.0, 53, [1], 200, 200.0, 0, 0, factories.NOW)
    many = Line(1, 60.0, 53, [1], 2000, 2000.0, 0, 0, factories.NOW)
    assert (few.cap_s, round(many.cap_s)) == (600, round(2 * 2000 * 60 / 53))


def test_accounts_with_one_key_are_one_line_and_others_another() -> None:
    ours = factories.station()
    same_key = factories.station(account=factories.account(ours.organisation))
    type(same_key.account).objects.filter(pk=same_key.account_id).update(budget=ours.account.budget)
    other = factories.station()
    live(ours, "a", 100)
    second = live(same_key, "b", 200)
    live(other, "c", 900)
    line, _other = read_queue.lines()
    assert (line.account_ids, line.sessions, line.capacity, line.window_s) == (
        sorted([ours.account_id, same_key.account_id]), 2, 53, 60.0,
    )  # fmt: skip
    picked = read_queue.pick(line)
    assert picked == read_queue.Picked(second, hurried=False)


def test_interval_is_the_share_of_the_lane_that_the_weight_earns(settings: Settings) -> None:
    settings.READ_EVERY_S, settings.READ_CAP_S = 30, 600
    station = factories.station()
    for number in range(180):
        live(station, f"calm{number}", 0)
    for number in range(20):
        live(station, f"heavy{number}", 0, read_weight=10)
    line = line_of(station)
    roots, each_s = 180 + 20 * 10**0.5, 60 / 53
    assert (line.interval_s(1), line.interval_s(10)) == pytest.approx((roots * each_s, roots * each_s / 10**0.5))
    assert line.interval_s(0.1) == 600


@pytest.mark.parametrize("count", [1, 5])
def test_a_look_and_a_pick_are_one_query_each(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    station = factories.station()
    for number in range(count):
        live(station, f"s{number}", 100 + number)
    with django_assert_num_queries(2):
        picked = read_queue.pick(read_queue.lines()[0])
    assert picked is not None


def test_the_readable_are_found_by_their_own_index() -> None:
    station = factories.station()
    live(station, "s", 100)
    past = factories.session(station, state=State.COMPLETED, connector=None, ended_at=factories.NOW)
    copies = [Session(**{f.attname: getattr(past, f.attname) for f in Session._meta.fields}) for _ in range(2000)]
    for copy in copies:
        copy.pk, copy.public_id = None, uuid4()
    Session.objects.bulk_create(copies)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE charging_session")  # else what the planner takes depends on the tests before
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + read_queue._LINES, read_queue._words() | {"budget": None})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "session_readable" in plan


SESSIONS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(1, 1500)),  # age, s
        st.sampled_from([0.5, 1.0, 2.0, 10.0, 50.0]),
        st.booleans(),  # watched
        st.integers(0, 9).map(lambda n: n == 0),  # hurried
    ),
    max_size=8,
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SESSIONS)
def test_the_database_orders_as_the_rule_says(db: None, given: list[tuple[int | None, float, bool, bool]]) -> None:
    with transaction.atomic():
        station = factories.station()
        later = Now() + timedelta(seconds=60)
        rows = [
            (live(station, f"s{n}", age, read_weight=w, hurry=h, **({"watched_until": later} if seen else {})),
             age, min(w * 10, 100) if seen else w, h)
            for n, (age, w, seen, h) in enumerate(given)
        ]  # fmt: skip
        due = [row for row in rows if row[3] or row[1] is None or row[1] >= 30 / min(max(row[2], 1), 10)]

        def rank(row: tuple[int, int | None, float, bool]) -> tuple[Any, ...]:
            pk, age, weight, hurried = row
            if age is None:
                return (not hurried, False, True, 0, pk)
            beyond = age >= 600
            return (not hurried, True, not beyond, -(1 if beyond else weight) * age**2, pk)

        expected = [row[0] for row in sorted(due, key=rank)]
        assert (order(station) if rows else []) == expected
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_many_pickers_never_get_the_same_one() -> None:
    station = factories.station()
    all_due = {live(station, f"s{n}", 100 + n) for n in range(40)}
    line, found, together = line_of(station), [], threading.Barrier(6)

    def take() -> None:
        together.wait()
        try:
            while (picked := read_queue.pick(line)) is not None:
                found.append(picked.session_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), set(found)) == (40, all_due)


@pytest.mark.django_db(transaction=True)
def test_one_that_another_is_just_claiming_is_passed_over() -> None:
    station = factories.station()
    first, second = live(station, "a", 200), live(station, "b", 100)
    line, found = line_of(station), []

    def take() -> None:
        try:
            found.append(read_queue.pick(line))
        finally:
            connections.close_all()

    with transaction.atomic():
        assert read_queue.pick(line) == read_queue.Picked(first, hurried=False)
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    assert found == [read_queue.Picked(second, hurried=False)]
    assert Decimal(read_queue.lines()[0].due) == 0


def test_one_is_picked_at_a_time_however_the_statement_is_planned() -> None:
    """A choice inside the join of an UPDATE may be made once a row: sessions are claimed that nobody reads."""
    station = factories.station()
    ages = [900, 800, 700, 600, 500]
    ids = [live(station, f"s{age}", age) for age in ages]
    with connection.cursor() as cursor:
        for path in ("hashjoin", "mergejoin", "material", "memoize", "indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{path} = off")
        # As if the table were known to be empty, so that walking through it first looks cheapest.
        cursor.execute("UPDATE pg_class SET reltuples = 0, relpages = 1000 WHERE relname = 'charging_session'")
    assert order(station) == ids
