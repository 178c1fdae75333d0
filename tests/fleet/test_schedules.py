"""Schedules: made once a zone, refused with words, cancelled, moved with their sites."""

from datetime import date, time, timedelta

import pytest

from fleet import commands, schedule_runs, schedules
from fleet.models import CommandSchedule, ScheduledRun, Site, Station
from fleet.schedules import When
from people.models import Membership
from tests import factories
from tests.fleet.scheduled import CLOSED, CLOSES, FRIDAY, SUNDAY, create

pytestmark = pytest.mark.django_db


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


class TestMaking:
    def test_one_schedule_a_zone_each_by_its_own_clock(self, owner: Membership, station: Station) -> None:
        west = factories.station(factories.site(owner.organisation, timezone="America/Vancouver"))
        made = create(owner, station, west)
        assert [(row.timezone, row.next_at, list(row.stations.all())) for row in made] == [
            ("America/Toronto", CLOSES, [station]),
            ("America/Vancouver", CLOSES + timedelta(hours=3), [west]),
        ]
        assert (made[0].in_session, made[0].brake_percent, made[0].requested_by) == ("wait", 10, owner.user)

    def test_other_values_are_another_schedule(self, owner: Membership, station: Station) -> None:
        other = factories.station(station.site)
        groups = [
            {"values": CLOSED, "station_ids": [station.pk, other.pk]},
            {"values": {"setMessage": "closed"}, "station_ids": [other.pk]},
        ]
        made = schedules.create(actor=factories.actor(owner), groups=groups, when=SUNDAY, now=FRIDAY)
        assert {tuple(row.values.items()) for row in made} == {
            (("priorityStatus", "unavailable"),),
            (("priorityStatus", "unavailable"), ("setMessage", "closed")),
        }

    def test_stations_out_of_reach_are_left_out(self, owner: Membership, station: Station) -> None:
        foreign = factories.station()
        (made,) = create(owner, station, foreign)
        assert list(made.stations.all()) == [station]
        with pytest.raises(commands.BadCommand, match="at least one station"):
            create(owner, foreign)

    @pytest.mark.parametrize(
        ("when", "field"),
        [
            (When(at_time=time(9)), "on_date"),
            (When(at_time=time(9), on_date=date(2026, 6, 4)), "on_date"),
            (When(at_time=time(9), on_date=date(2026, 6, 8), weekdays=(1,)), "on_date"),
            (When(at_time=time(9), weekdays=(1,), until_time=time(9)), "until_time"),
            (When(at_time=time(9), weekdays=(1,), until_time=time(9), until_days=7), "until_days"),
            (When(at_time=time(9), weekdays=(7, 1), until_time=time(9), until_days=1), "until_days"),
            (When(at_time=time(9), weekdays=(1,), until_time=time(10), back_values={}), "ends"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_words(
        self, owner: Membership, station: Station, when: When, field: str
    ) -> None:
        with pytest.raises(schedules.BadSchedule) as refused:
            create(owner, station, when=when)
        assert (refused.value.field, CommandSchedule.objects.count()) == (field, 0)

    def test_a_draft_keeps_it(self) -> None:
        once = When(at_time=time(9, 30), on_date=date(2026, 6, 8), until_time=time(10), name="x")
        assert [schedules.load(schedules.dump(when)) for when in (SUNDAY, once)] == [SUNDAY, once]

    def test_a_cancelled_schedule_sends_nothing_more(self, owner: Membership, station: Station) -> None:
        (made,) = create(owner, station)
        for _n in range(2):
            made = schedules.cancel(actor=factories.actor(owner), schedule=made, now=FRIDAY)
        assert (made.next_at, made.cancelled_at, schedule_runs.fire(CLOSES)) == (None, FRIDAY, [])


class TestZones:
    def test_a_site_that_changes_its_zone_takes_its_schedule_along(self, owner: Membership, station: Station) -> None:
        (made,) = create(owner, station)
        Site.objects.filter(pk=station.site_id).update(timezone="America/Vancouver")
        assert (schedules.realign(FRIDAY), schedules.realign(FRIDAY)) == (1, 0)
        made.refresh_from_db()
        assert (made.timezone, made.next_at) == ("America/Vancouver", CLOSES + timedelta(hours=3))

    def test_a_station_that_moved_west_gets_a_twin_there(self, owner: Membership, station: Station) -> None:
        moves = factories.station(station.site)
        (made,) = create(owner, station, moves)
        west = factories.site(owner.organisation, timezone="America/Vancouver")
        Station.objects.filter(pk=moves.pk).update(site=west)
        assert (schedules.realign(FRIDAY), schedules.realign(FRIDAY)) == (1, 0)
        twin = CommandSchedule.objects.exclude(pk=made.pk).get()
        assert (list(made.stations.all()), list(twin.stations.all())) == ([station], [moves])
        assert (twin.next_at, twin.name, twin.values) == (CLOSES + timedelta(hours=3), "Sundays", CLOSED)

    def test_a_moment_that_the_new_clock_has_passed_is_not_lost_silently(
        self, owner: Membership, station: Station
    ) -> None:
        create(owner, station, when=When(time(13), on_date=date(2026, 6, 5), patience_minutes=20))
        Site.objects.filter(pk=station.site_id).update(timezone="America/St_Johns")  # 13:00 was half an hour ago
        schedules.realign(FRIDAY)
        assert schedule_runs.fire(FRIDAY) == []
        assert ScheduledRun.objects.get().outcome == "missed"
