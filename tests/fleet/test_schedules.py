"""Schedules: made once a zone, sent once a time, ended as they should, and a reason for whatever was not sent."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connections

from fleet import commands, schedule_ends, schedule_runs, schedule_times, schedules
from fleet.command_options import OF_PAGES
from fleet.models import Command, CommandItem, CommandSchedule, ScheduledRun, Site, Station, StationSetting
from fleet.models.command import DONE_ITEMS, ItemState, Origin
from fleet.models.station import Lifecycle
from fleet.schedules import When
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 6, 5, 16, 0, tzinfo=UTC)
CLOSES = datetime(2026, 6, 7, 4, 0, tzinfo=UTC)  # Sunday, 00:00 in Toronto
OPENS = datetime(2026, 6, 8, 10, 0, tzinfo=UTC)  # Monday, 06:00
SUNDAY = When(
    at_time=time(0),
    weekdays=(7,),
    until_time=time(6),
    until_days=1,
    back_values={"priorityStatus": "available"},
    name="Sundays",
)
CLOSED = {"priorityStatus": "unavailable"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


def create(owner: Membership, *stations: Station, values: Any = CLOSED, when: When = SUNDAY) -> list[CommandSchedule]:
    groups = [{"values": values, "station_ids": [row.pk for row in stations]}]
    return schedules.create(actor=factories.actor(owner), groups=groups, options=OF_PAGES, when=when, now=FRIDAY)


def become(command: Command, state: ItemState, now: datetime = CLOSES, **fields: Any) -> None:
    """As if the sender and the vendor had done their part."""
    for item in CommandItem.objects.filter(command=command):
        CommandItem.objects.filter(pk=item.pk).update(state=state, finished_at=now, **fields)
        if state in DONE_ITEMS:
            StationSetting.objects.filter(station_id=item.station_id, kind=item.kind).update(
                finished_value=item.wanted_value, finished_at=now
            )


def known(station: Station, value: str, kind: str = "priorityStatus") -> None:
    StationSetting.objects.update_or_create(
        station=station, kind=kind, defaults={"finished_value": value, "finished_at": FRIDAY}
    )


def wanted(command: Command) -> dict[int, str]:
    return dict(command.items.values_list("station_id", "wanted_value"))


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


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_send_it_once(owner: Membership, station: Station) -> None:
    create(owner, station)
    made, together = [], threading.Barrier(5)

    def look(now: datetime) -> None:
        together.wait()
        try:
            made.extend(schedule_runs.fire(now))
        finally:
            connections.close_all()

    for moment in (CLOSES, OPENS):
        threads = [threading.Thread(target=look, args=(moment,)) for _n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        become(made[0], ItemState.FINISHED)
    assert (len(made), Command.objects.count(), ScheduledRun.objects.count()) == (2, 2, 1)
    assert [wanted(command) for command in made] == [{station.pk: "unavailable"}, {station.pk: "available"}]


class TestBeginnings:
    def test_a_time_is_one_command_however_often_it_is_looked_at(self, owner: Membership, station: Station) -> None:
        (made,) = create(owner, station)
        assert schedule_runs.fire(CLOSES - timedelta(seconds=1)) == []
        (command,) = schedule_runs.fire(CLOSES)
        assert schedule_runs.fire(CLOSES) == []
        assert (command.origin, command.requested_by_label, command.held_until) == (
            Origin.SCHEDULE,
            f"Schedule of {owner.user}",
            None,
        )
        assert (wanted(command), command.expires_at) == ({station.pk: "unavailable"}, CLOSES + 60 * MINUTE)
        run = ScheduledRun.objects.get()
        assert (run.outcome, run.command, run.returns_at, run.reason) == ("fired", command, OPENS, "")
        made.refresh_from_db()
        assert made.next_at == CLOSES + timedelta(days=7)

    def test_what_comes_late_is_sent_until_the_deadline_of_its_time(self, owner: Membership, station: Station) -> None:
        create(owner, station)
        (command,) = schedule_runs.fire(CLOSES + 59 * MINUTE)
        assert command.expires_at == CLOSES + 60 * MINUTE

    def test_after_the_deadline_it_is_missed_and_so_is_its_end(self, owner: Membership, station: Station) -> None:
        create(owner, station)
        assert schedule_runs.fire(CLOSES + 60 * MINUTE) == []
        run = ScheduledRun.objects.get()
        assert (run.outcome, run.reason) == ("missed", "Nothing was running at its time, and the deadline has passed.")
        assert (run.returns_at, run.return_outcome) == (None, "missed")
        assert run.return_reason == "Its beginning was not sent: there is nothing to end."
        assert schedule_runs.fire(OPENS) == []
        assert Command.objects.count() == 0

    def test_a_window_that_is_over_is_not_begun(self, owner: Membership, station: Station) -> None:
        short = When(at_time=time(0), weekdays=(7,), until_time=time(0, 30), patience_minutes=60)
        create(owner, station, when=short)
        assert schedule_runs.fire(CLOSES + 30 * MINUTE) == []
        assert ScheduledRun.objects.get().outcome == "missed"

    def test_after_a_long_outage_each_missed_time_has_its_row(self, owner: Membership, station: Station) -> None:
        (made,) = create(owner, station, when=When(at_time=time(0), weekdays=(1, 2, 3, 4, 5, 6, 7)))
        (command,) = schedule_runs.fire(CLOSES + timedelta(days=2, minutes=5))
        outcomes = list(made.runs.order_by("due_at").values_list("outcome", flat=True))
        assert outcomes == ["missed", "missed", "missed", "fired"]  # Saturday's too
        assert command.run.due_at == CLOSES + timedelta(days=2)

    def test_a_station_no_longer_in_service_is_left_out_visibly(self, owner: Membership, station: Station) -> None:
        gone = factories.station(station.site, vendor_id="HC-GONE")
        create(owner, station, gone)
        Station.objects.filter(pk=gone.pk).update(lifecycle=Lifecycle.DECOMMISSIONED)
        (command,) = schedule_runs.fire(CLOSES)
        assert wanted(command) == {station.pk: "unavailable"}
        assert ScheduledRun.objects.get().reason == "Left out: HC-GONE: no longer in service."

    def test_with_no_station_left_it_is_missed_with_that_reason(self, owner: Membership, station: Station) -> None:
        create(owner, station)
        Station.objects.update(lifecycle=Lifecycle.DECOMMISSIONED)
        assert schedule_runs.fire(CLOSES) == []
        run = ScheduledRun.objects.get()
        assert (run.outcome, run.reason) == ("missed", "None of its stations is in service.")

    def test_one_broken_schedule_does_not_keep_the_others(self, owner: Membership, station: Station) -> None:
        (broken,) = create(owner, station)
        create(owner, station)
        CommandSchedule.objects.filter(pk=broken.pk).update(timezone="Nowhere/Atall")
        assert len(schedule_runs.fire(CLOSES)) == 1

    def test_who_made_it_may_leave_and_it_goes_on(self, owner: Membership, station: Station) -> None:
        create(owner, station)
        label = str(owner.user)
        owner.delete()
        (command,) = schedule_runs.fire(CLOSES)
        assert (command.requested_by, command.requested_by_label) == (None, f"Schedule of {label}")


class TestEnds:
    def begun(self, owner: Membership, *stations: Station, when: When = SUNDAY, values: Any = CLOSED) -> Command:
        create(owner, *stations, when=when, values=values)
        (first,) = schedule_runs.fire(CLOSES)
        return first

    def test_the_second_half_sends_what_was_chosen(self, owner: Membership, station: Station) -> None:
        first = self.begun(owner, station)
        become(first, ItemState.OBSERVED)
        assert schedule_runs.fire(OPENS - MINUTE) == []
        (second,) = schedule_runs.fire(OPENS)
        assert schedule_runs.fire(OPENS) == []
        assert (second.parent, second.origin, wanted(second)) == (first, "schedule", {station.pk: "available"})
        assert second.expires_at == OPENS + 60 * MINUTE
        run = ScheduledRun.objects.get()
        assert (run.return_outcome, run.return_command, run.returns_at) == ("fired", second, None)

    def test_it_is_sent_though_the_station_looks_right_while_the_first_is_under_way(
        self, owner: Membership, station: Station
    ) -> None:
        known(station, "available")
        become(self.begun(owner, station), ItemState.ACCEPTED)
        (second,) = schedule_runs.fire(OPENS)
        assert second.items.get().state == ItemState.QUEUED

    def test_as_before_gives_each_station_its_own_value_back(self, owner: Membership, station: Station) -> None:
        other, unknown = factories.station(station.site), factories.station(station.site, vendor_id="HC-NEW")
        known(station, "available")
        known(other, "outOfService")
        as_before = When(at_time=time(0), weekdays=(7,), until_time=time(6), until_days=1)
        become(self.begun(owner, station, other, unknown, when=as_before), ItemState.FINISHED)
        (second,) = schedule_runs.fire(OPENS)
        assert wanted(second) == {station.pk: "available", other.pk: "outOfService"}
        run = ScheduledRun.objects.get()
        assert run.return_reason == "Left out: HC-NEW: what it was before is not known."

    def test_what_the_first_half_did_not_reach_is_not_ended(self, owner: Membership, station: Station) -> None:
        first = self.begun(owner, station)
        become(first, ItemState.REJECTED)
        assert schedule_runs.fire(OPENS) == []
        run = ScheduledRun.objects.get()
        assert run.return_outcome == "missed"
        assert run.return_reason == f"Nothing to end. Left out: {station.vendor_id}: the beginning did not reach it."

    def test_what_of_the_first_half_still_waits_is_never_sent_after_the_end(
        self, owner: Membership, station: Station
    ) -> None:
        other = factories.station(station.site)
        first = self.begun(owner, station, other)
        waiting = first.items.get(station=other)
        become(first, ItemState.FINISHED)
        CommandItem.objects.filter(pk=waiting.pk).update(state=ItemState.QUEUED, finished_at=None)
        (second,) = schedule_runs.fire(OPENS)
        waiting.refresh_from_db()
        assert (waiting.state, wanted(second)) == (ItemState.CANCELLED, {station.pk: "available"})
        assert StationSetting.objects.get(station=other).wanted_at is None  # nor is it drift that it stayed open

    def test_a_lot_that_stayed_closed_is_shown_until_somebody_does_something(
        self, owner: Membership, station: Station
    ) -> None:
        actor = factories.actor(owner)
        become(self.begun(owner, station), ItemState.FINISHED)
        assert schedule_runs.fire(OPENS + 60 * MINUTE) == []
        run = ScheduledRun.objects.get()
        assert (run.return_outcome, run.return_command) == ("missed", None)
        assert list(schedule_ends.left_open(actor)) == [run]
        assert list(schedule_ends.left_open(factories.actor())) == []
        commands.request(
            actor=actor, wishes=commands.for_all([station], {"priorityStatus": "available"}), now=OPENS + 90 * MINUTE
        )
        assert list(schedule_ends.left_open(actor)) == []

    def test_a_cancelled_schedule_still_ends_its_open_window(self, owner: Membership, station: Station) -> None:
        become(self.begun(owner, station), ItemState.FINISHED)
        schedule = CommandSchedule.objects.get()
        schedules.cancel(actor=factories.actor(owner), schedule=schedule, now=CLOSES)
        assert len(schedule_runs.fire(OPENS)) == 1

    def test_unless_its_end_is_cancelled_too(self, owner: Membership, station: Station) -> None:
        actor = factories.actor(owner)
        become(self.begun(owner, station), ItemState.FINISHED)
        schedules.cancel(actor=actor, schedule=CommandSchedule.objects.get(), now=CLOSES, with_end=True)
        run = ScheduledRun.objects.get()
        assert (schedule_runs.fire(OPENS), list(schedule_ends.left_open(actor))) == ([], [])
        assert run.return_reason == f"The schedule was cancelled, its end with it, by {actor.label}."

    def test_a_station_decommissioned_meanwhile_is_left_out(self, owner: Membership, station: Station) -> None:
        gone = factories.station(station.site, vendor_id="HC-GONE")
        become(self.begun(owner, station, gone), ItemState.FINISHED)
        Station.objects.filter(pk=gone.pk).update(lifecycle=Lifecycle.DECOMMISSIONED)
        (second,) = schedule_runs.fire(OPENS)
        assert wanted(second) == {station.pk: "available"}
        assert ScheduledRun.objects.get().return_reason == "Left out: HC-GONE: no longer in service."


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

    def test_words(self) -> None:
        assert [schedule_times.words(when) for when in (SUNDAY, When(at_time=time(9), on_date=date(2026, 6, 5)))] == [
            "every Sunday at 00:00 until 06:00 the next day",
            "on 5 Jun 2026 at 09:00",
        ]
