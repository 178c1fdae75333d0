"""The state strip: what is known of each moment, without holes, by local days; and the page that shows it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from charging import strip, strip_facts
from charging.models import Reading, Session, StationException
from charging.models.session import Origin, State
from charging.strip import Alarm, Kind, SessionFacts, Stretch
from fleet.models import Command, CommandItem, Station
from lib import clock
from tests import factories
from tests.factories import NOW

TORONTO = ZoneInfo("America/Toronto")
DAY_AGO = NOW - timedelta(hours=24)


def at(hours: float) -> datetime:
    """Hours after the beginning of the strip."""
    return DAY_AGO + timedelta(hours=hours)


def told(stretches: list[Stretch]) -> list[tuple[str, float, float]]:
    def hours(moment: datetime) -> float:
        return (moment - DAY_AGO) / timedelta(hours=1)

    return [(str(one.kind), hours(one.begin_at), hours(one.end_at)) for one in stretches]


def of(*sessions: SessionFacts, alarms: tuple[Alarm, ...] = ()) -> list[tuple[str, float, float]]:
    return told(strip.of(1, sessions, alarms, DAY_AGO, NOW))


def facts(begin: float, end: float | None, *moves: tuple[float, str], **fields: Any) -> SessionFacts:
    told = tuple((at(hours), state) for hours, state in moves)
    return SessionFacts(fields.pop("connector", 1), at(begin), None if end is None else at(end), told, **fields)


# --- what is known ----------------------------------------------------------------------------------------------------
def test_silence_is_no_news_and_never_available() -> None:
    assert of() == [("no-news", 0, 24)]
    assert "available" not in list(Kind)


def test_a_session_is_told_by_its_states() -> None:
    session = facts(2, 8, (3, "charging"), (5, "suspended"), (6, "stopped"), (8, "completed"))
    assert of(session) == [
        ("no-news", 0, 2),
        ("pending", 2, 3),
        ("charging", 3, 5),
        ("suspended", 5, 6),
        ("stopped", 6, 8),
        ("no-news", 8, 24),
    ]


def test_an_open_one_goes_on_and_one_from_before_is_cut() -> None:
    assert of(facts(-5, None, (-4, "charging"))) == [("charging", 0, 24)]


def test_a_start_that_nobody_answered_is_blocked() -> None:
    assert of(facts(20, None, state=State.UNKNOWN)) == [("no-news", 0, 20), ("blocked", 20, 24)]


def test_one_that_expired_and_yet_charged_leaves_a_hole_between() -> None:
    session = facts(0, 9, (1, "expired"), (3, "charging"))
    assert of(session) == [("pending", 0, 1), ("no-news", 1, 3), ("charging", 3, 9), ("no-news", 9, 24)]


def test_silence_within_a_session_is_no_news() -> None:
    session = facts(0, 10, (0, "charging"), silences=((at(4), at(7)),))
    assert of(session) == [("charging", 0, 4), ("no-news", 4, 7), ("charging", 7, 10), ("no-news", 10, 24)]


def test_a_session_comes_before_a_fault_and_a_fault_before_an_offline_station() -> None:
    alarms = (
        Alarm(None, Kind.OFFLINE, at(1), at(12)),
        Alarm(1, Kind.FAULTED, at(3), at(9)),
        Alarm(2, Kind.FAULTED, at(14), None),  # of another connector
    )
    assert of(facts(5, 6, (5, "charging")), alarms=alarms) == [
        ("no-news", 0, 1),
        ("offline", 1, 3),
        ("faulted", 3, 5),
        ("charging", 5, 6),
        ("faulted", 6, 9),
        ("offline", 9, 12),
        ("no-news", 12, 24),
    ]


def test_a_command_comes_after_a_session_and_before_a_fault() -> None:
    alarms = (
        Alarm(None, Kind.OFFLINE, at(1), at(4)),
        Alarm(None, Kind.UNAVAILABLE, at(2), at(12), "by command"),
        Alarm(1, Kind.FAULTED, at(10), at(14)),
    )
    assert of(facts(5, 6, (5, "charging")), alarms=alarms) == [
        ("no-news", 0, 1),
        ("offline", 1, 2),
        ("unavailable", 2, 5),
        ("charging", 5, 6),
        ("unavailable", 6, 12),
        ("faulted", 12, 14),
        ("no-news", 14, 24),
    ]


moments = st.floats(-6, 30)


@st.composite
def session_facts(draw: st.DrawFn) -> SessionFacts:
    begin, *rest = sorted(draw(st.lists(moments, min_size=2, max_size=6)))
    states = draw(st.lists(st.sampled_from([str(state) for state in State]), min_size=len(rest), max_size=len(rest)))
    is_open = draw(st.booleans())
    quiet = sorted(draw(st.tuples(moments, moments)))
    moves = list(zip(rest, states, strict=True))
    return facts(
        begin, None if is_open else rest[-1], *moves, connector=draw(st.sampled_from([1, 2, None])),
        silences=((at(quiet[0]), at(quiet[1])),),
    )  # fmt: skip


@st.composite
def alarms(draw: st.DrawFn) -> Alarm:
    begin, end = sorted(draw(st.tuples(moments, moments)))
    kind = draw(st.sampled_from([Kind.UNAVAILABLE, Kind.FAULTED, Kind.OFFLINE]))
    return Alarm(draw(st.sampled_from([1, 2, None])), kind, at(begin), draw(st.sampled_from([None, at(end)])))


@settings(max_examples=60, deadline=None)
@given(st.lists(session_facts(), max_size=5), st.lists(alarms(), max_size=4))
def test_whatever_is_known_every_moment_is_told_once(sessions: list[SessionFacts], known: list[Alarm]) -> None:
    found = strip.of(1, sessions, known, DAY_AGO, NOW)
    assert (found[0].begin_at, found[-1].end_at) == (DAY_AGO, NOW)
    assert [one.end_at for one in found[:-1]] == [one.begin_at for one in found[1:]]
    assert all(one.begin_at < one.end_at for one in found)


# --- days -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "day", "hours"),
    [
        (datetime(2026, 3, 10, 12, tzinfo=UTC), date(2026, 3, 8), 23),
        (datetime(2026, 11, 3, 12, tzinfo=UTC), date(2026, 11, 1), 25),
        (datetime(2026, 6, 10, 12, tzinfo=UTC), date(2026, 6, 8), 24),
    ],
)
def test_a_local_day_has_its_own_length(now: datetime, day: date, hours: int) -> None:
    begin_at, end_at = strip.window("7d", now, TORONTO)
    found = strip.days(begin_at, end_at, TORONTO)
    lengths = {day: (last.astimezone(UTC) - first.astimezone(UTC)) / timedelta(hours=1) for day, first, last in found}
    assert (len(lengths), lengths[day]) == (7, hours)
    assert (begin_at.astimezone(TORONTO).hour, end_at) == (0, now)
    everything = [Stretch(Kind.NO_NEWS, begin_at, end_at)]
    told_s = [strip.sums(everything, first, last)[Kind.NO_NEWS] for _day, first, last in found]
    assert sum(told_s) == (end_at.astimezone(UTC) - begin_at.astimezone(UTC)).total_seconds()
    assert told_s[[one for one, _first, _last in found].index(day)] == hours * 3600


def test_a_day_is_twenty_four_hours_whatever_the_clock_does() -> None:
    now = datetime(2026, 11, 1, 18, tzinfo=UTC)
    assert strip.window("24h", now, TORONTO) == (now - timedelta(hours=24), now)


# --- where the facts come from ----------------------------------------------------------------------------------------
def on(station: Station, number: int = 1, **fields: Any) -> Session:
    return factories.session(station, connector=station.connectors.get(number=number), **fields)


def lines(station: Station, number: int = 1) -> list[tuple[str, float, float]]:
    found = strip_facts.read(station, DAY_AGO, NOW)
    return told(strip.of(station.connectors.get(number=number).pk, found.sessions, found.alarms, DAY_AGO, NOW))


def ended(station: Station, hours: float, value: str, state: str = "finished", kind: str = "priorityStatus") -> None:
    """A command of that value whose job ended then, in that state."""
    command = Command.objects.create(
        organisation=station.organisation, requested_by_label="owner", requested_at=at(hours), values={kind: value}
    )
    CommandItem.objects.create(
        command=command, station=station, kind=kind, wanted_value=value, state=state, finished_at=at(hours)
    )


@pytest.mark.django_db
def test_a_finished_command_takes_the_station_out_of_service_until_the_next_gives_it_back() -> None:
    station = factories.station()
    ended(station, -30, "available")
    ended(station, -2, "unavailable")
    ended(station, 3, "available", "observed")
    ended(station, 8, "outOfService", "finished_late")
    ended(station, 9, "available", "failed")  # nothing came of it
    ended(station, 9, "available", "rejected")
    ended(station, 9, "available", kind="setMessage")
    ended(station, 10, "unavailable", "contradicted")
    ended(factories.station(), 4, "unavailable")
    assert lines(station) == [
        ("unavailable", 0, 3),
        ("no-news", 3, 8),
        ("unavailable", 8, 10),
        ("unavailable", 10, 24),
    ]
    words = {one.words for one in strip_facts.read(station, DAY_AGO, NOW).alarms}
    assert words == {"by command", "by command: Out of service"}


@pytest.mark.django_db
def test_closures_of_before_cost_nothing_and_do_not_reach_into_the_window() -> None:
    station = factories.station()
    for day in range(5):
        ended(station, -24 * day - 20, "unavailable")
        ended(station, -24 * day - 10, "available")
    assert strip_facts.read(station, DAY_AGO, NOW).alarms == []


@pytest.mark.django_db
def test_sessions_readings_and_exceptions_make_the_strip() -> None:
    station = factories.station()
    session = on(station, requested_at=at(1), state=State.COMPLETED, ended_at=at(6))
    for hours, state in ((2, "charging"), (6, "completed")):
        session.events.create(occurred_at=at(hours), kind="state", text="-", data={"state": state})
    session.events.create(occurred_at=at(5), kind="silence", text="-", data={"since": at(3).isoformat()})
    StationException.objects.create(
        organisation=station.organisation, account=station.account, vendor_exception_id="e", station=station,
        type="stationOffline", received_at=at(20), document="{}",
    )  # fmt: skip
    on(factories.station(), requested_at=at(10), state=State.CHARGING)  # somewhere else
    assert lines(station) == [
        ("no-news", 0, 1),
        ("pending", 1, 2),
        ("charging", 2, 3),
        ("no-news", 3, 5),
        ("charging", 5, 6),
        ("no-news", 6, 20),
        ("offline", 20, 24),
    ]
    assert lines(station, 2) == [("no-news", 0, 20), ("offline", 20, 24)]


@pytest.mark.django_db
def test_an_open_session_that_nobody_answers_about_is_no_news() -> None:
    station = factories.station()
    session = on(station, requested_at=at(1), state=State.CHARGING)
    session.events.create(occurred_at=at(1), kind="state", text="-", data={"state": "charging"})
    Reading.objects.create(
        session=session, received_at=at(1), confirmed_at=at(3), document_sha256="1", document="{}"
    )  # fmt: skip
    assert lines(station) == [("no-news", 0, 1), ("charging", 1, 3), ("no-news", 3, 24)]


@pytest.mark.django_db
def test_an_imported_session_is_told_by_the_vendors_times() -> None:
    station = factories.station()
    on(station, origin=Origin.IMPORT, state=State.COMPLETED, requested_at=at(2), started_at=at(2),
       charging_ended_at=at(4), ended_at=at(5), completed_at=at(5))  # fmt: skip
    assert lines(station) == [("no-news", 0, 2), ("charging", 2, 4), ("stopped", 4, 5), ("no-news", 5, 24)]


# --- the page ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_fragment_draws_a_row_a_connector_and_says_the_same_as_a_table() -> None:
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation))
    began_at = clock.now() - timedelta(hours=5)
    session = on(station, requested_at=began_at, state=State.COMPLETED, ended_at=clock.now(), reference="van-07")
    session.events.create(occurred_at=began_at, kind="state", text="-", data={"state": "charging"})
    client, url = factories.client_for(owner), reverse("station_strip", args=[station.pk])
    html = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert html.count('class="c-plot"') == 2
    for words in ('class="sg charging"', "<td>Charging</td>", "<td>5:00</td>", "van-07"):
        assert words in html
    for span in ("7d", "30d"):
        page = client.get(url, {"span": span}).content.decode()
        assert "<!doctype html>" in page.lower()
        assert page.count('<th scope="row">') == 2 * int(span[:-1])
    assert f'hx-get="{url}"' in client.get(reverse("station", args=[station.pk])).content.decode()


@pytest.mark.django_db
def test_sessions_without_a_connector_have_a_row_of_their_own() -> None:
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation), connectors=1)
    factories.session(station, requested_at=clock.now() - timedelta(hours=1))
    html = factories.client_for(owner).get(reverse("station_strip", args=[station.pk])).content.decode()
    assert ">Not said</span>" in html
