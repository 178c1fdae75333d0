"""Ends of windows: what was chosen or what was before, where the beginning came to, and loud where it was missed."""

from datetime import time
from typing import Any

import pytest

from fleet import commands, schedule_ends, schedule_runs, schedules
from fleet.models import Command, CommandItem, CommandSchedule, ScheduledRun, Station, StationSetting
from fleet.models.command import ItemState
from fleet.models.station import Lifecycle
from fleet.schedules import When
from people.models import Membership
from tests import factories
from tests.fleet.scheduled import CLOSED, CLOSES, MINUTE, OPENS, SUNDAY, become, create, known, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


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

    def test_where_two_schedules_meet_the_end_goes_out_before_the_beginning(
        self, owner: Membership, station: Station
    ) -> None:
        create(owner, station, values={"priorityStatus": "outOfService"}, when=When(time(6), weekdays=(1,)))
        become(self.begun(owner, station), ItemState.FINISHED)
        opened, closed = schedule_runs.fire(OPENS)
        assert (wanted(opened), wanted(closed)) == ({station.pk: "available"}, {station.pk: "outOfService"})
        assert opened.items.get().pk < closed.items.get().pk
