"""Beginnings: sent once a time, never after the deadline, and a reason for whatever was not sent."""

import threading
from datetime import datetime, time, timedelta

import pytest
from django.db import connections

from fleet import schedule_runs, schedule_times
from fleet.models import Command, CommandSchedule, ScheduledRun, Station
from fleet.models.command import ItemState, Origin
from fleet.models.station import Lifecycle
from fleet.schedules import When
from people.models import Membership
from tests import factories
from tests.fleet.scheduled import CLOSES, MINUTE, OPENS, become, create, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


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


@pytest.mark.parametrize(
    ("first_day", "begins", "ends"),
    [
        # No 02:30 on the 8th: both halves stand at the jump, so the window keeps its half hour behind it.
        ("2026-03-07", ["07T07:15", "08T07:00", "09T06:15"], ["07T07:45", "08T07:30", "09T06:45"]),
        # 01:15 and 01:45 twice on the 1st: the first showing of each, an hour before the second.
        ("2026-10-31", ["31T05:15", "01T05:15", "02T06:15"], ["31T05:45", "01T05:45", "02T06:45"]),
    ],
)
def test_nights_on_which_the_clock_jumps_have_one_window_like_all_others(
    owner: Membership, station: Station, first_day: str, begins: list[str], ends: list[str]
) -> None:
    at, until = (time(2, 15), time(2, 45)) if first_day.startswith("2026-03") else (time(1, 15), time(1, 45))
    daily = When(at, None, (1, 2, 3, 4, 5, 6, 7), until, 0, {"priorityStatus": "available"})
    (made,) = create(owner, station, when=daily)
    start = datetime.fromisoformat(f"{first_day}T04:00+00:00")
    CommandSchedule.objects.update(next_at=schedule_times.next_begin(daily, made.zone, start))
    sent: dict[str, list[str]] = {"unavailable": [], "available": []}
    for quarter in range(3 * 24 * 4 - 4):
        now = start + quarter * 15 * MINUTE
        for command in schedule_runs.fire(now):
            sent[command.items.get().wanted_value].append(f"{now:%dT%H:%M}")
            become(command, ItemState.FINISHED, now)
    assert sent == {"unavailable": begins, "available": ends}
