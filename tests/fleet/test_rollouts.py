"""Waves open, the brake stops, a person resumes or abandons; without a vendor."""

import json
from datetime import timedelta

import pytest

import eevion
from fleet import deadlines, jobs, rollouts
from fleet.models import Command, CommandEvent, CommandItem
from fleet.models.command import ItemState
from fleet.rollouts import Standing
from people.models import AuditEntry
from tests.fleet.lot import NOW, Lot, later, states

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("failed", "total", "percent", "stops"),
    [
        (0, 1, 0, False),
        (1, 1, 10, True),
        (1, 10, 10, False),
        (2, 10, 10, True),
        (1, 1000, 0, True),
        (5, 5, 100, False),
        (9, 9, None, False),
    ],
)
def test_the_brake(failed: int, total: int, percent: int | None, stops: bool) -> None:
    assert rollouts.brakes(Standing(total=total, failed=failed, unsettled=0), percent) is stops


def test_only_open_waves_count_and_what_was_never_asked_of_the_vendor_does_not() -> None:
    rows = [
        (0, "finished"),
        (0, "skipped"),
        (0, "failed"),
        (1, "cancelled"),
        (1, "timed_out"),
        (1, "unknown"),
        (2, "failed"),
    ]
    assert rollouts.standing(rows, 1) == Standing(total=4, failed=2, unsettled=1)


def finish(command: Command, wave: int, state: str = "finished") -> None:
    command.items.filter(wave=wave).update(state=state, due_at=None, finished_at=NOW)


def due(command: Command) -> list[bool]:
    return [row.due_at is not None for row in command.items.order_by("pk")]


def test_one_then_a_tenth_then_the_rest() -> None:
    lot = Lot(stations=21)
    command = lot.ask("Hi", is_canary=True, brake_percent=10)
    assert (due(command).count(True), rollouts.advance(NOW)) == (1, 0)
    finish(command, 0)
    assert (rollouts.advance(NOW), rollouts.advance(NOW), due(command).count(True)) == (1, 0, 3)
    finish(command, 1)
    assert (rollouts.advance(later(9)), due(command).count(True)) == (1, 17)
    opened = CommandEvent.objects.filter(verb="wave_opened").order_by("pk").values_list("stations", "detail")
    assert list(opened) == [(3, "wave 2 of 3"), (17, "wave 3 of 3")]


def test_a_wave_whose_outcome_is_unknown_opens_no_other() -> None:
    command = Lot(stations=3).ask("Hi", is_canary=True)
    for state in ("sending", "unknown", "accepted"):
        finish(command, 0, state)
        assert (rollouts.advance(NOW), states(command)[1:]) == (0, ["queued", "queued"])


def test_a_wave_of_which_nothing_is_left_is_passed_over() -> None:
    lot = Lot(stations=12)
    command = lot.ask("Hi", is_canary=True)
    finish(command, 0)
    finish(command, 1, "cancelled")
    assert (rollouts.advance(NOW), due(command).count(True)) == (1, 9)


def braked(lot: Lot) -> Command:
    command = lot.ask("Hi", is_canary=True, brake_percent=10, patience=timedelta(hours=1))
    command.items.filter(wave=0).update(state="failed", due_at=None, finished_at=NOW)
    assert rollouts.advance(later(60)) == 1
    command.refresh_from_db()
    return command


def test_a_failed_canary_stops_the_rest() -> None:
    lot = Lot(stations=3)
    command = braked(lot)
    assert (command.paused_at, command.paused_why, due(command)) == (later(60), "1 of 1 failed", [False] * 3)
    event, entry = command.events.last(), AuditEntry.objects.latest("pk")
    assert event is not None
    assert (event.verb, event.detail, event.stations, entry.verb) == ("braked", "1 of 1 failed", 2, "command.braked")
    assert (rollouts.advance(later(61)), lot.claim(later(61))) == (0, None)


def test_a_command_without_waves_has_a_brake_too() -> None:
    lot = Lot(stations=10)
    command = lot.ask("Hi", brake_percent=10)
    first, second = command.items.order_by("pk")[:2]
    CommandItem.objects.filter(pk=first.pk).update(state="rejected", due_at=None, finished_at=NOW)
    assert rollouts.advance(NOW) == 0
    CommandItem.objects.filter(pk=second.pk).update(state="timed_out", due_at=None, timed_out_at=NOW)
    assert (rollouts.advance(NOW), lot.claim()) == (1, None)


def test_resumed_it_goes_on_and_the_old_failures_no_longer_count() -> None:
    lot = Lot(stations=3)
    command = braked(lot)
    for _twice in range(2):
        resumed = rollouts.resume(lot.actor, command, later(360))
        assert (resumed.paused_at, resumed.expires_at) == (None, later(3600 + 300))
    assert CommandEvent.objects.filter(verb="resumed").count() == 1
    assert (rollouts.advance(later(361)), due(command).count(True), lot.claim(later(362)) is not None) == (1, 1, True)


def test_what_fails_after_the_resumption_brakes_again() -> None:
    lot = Lot(stations=3)
    command = braked(lot)
    rollouts.resume(lot.actor, command, later(360))
    rollouts.advance(later(361))
    command.items.filter(wave=1).update(state="failed", due_at=None, finished_at=later(400))
    assert rollouts.advance(later(401)) == 1
    command.refresh_from_db()
    assert command.paused_at == later(401)


def fail_by_a_job(lot: Lot, seconds: float, ahead_s: float) -> None:
    """The next wish is sent, and its job fails, by a vendor whose clock is ahead of ours."""
    parcel = lot.claim(later(seconds))
    assert parcel is not None
    CommandItem.objects.filter(call=parcel.call).update(
        state="accepted", accepted_at=later(seconds), claimed_until=None, due_at=None
    )
    said = {"jobId": f"job_{parcel.call.pk}", "finishedAt": later(seconds + ahead_s).isoformat(), "status": "failed"}
    job = eevion.parse_job_webhook(json.dumps(said).encode())
    jobs.settle(job=job, call=parcel.call, now=later(seconds))


@pytest.mark.parametrize("ahead_s", [240, -240])
def test_what_counts_after_the_resumption_is_when_we_heard_of_it(ahead_s: float) -> None:
    lot = Lot(stations=3)
    command = lot.ask("Hi", is_canary=True, brake_percent=10)
    fail_by_a_job(lot, 0, ahead_s)
    assert rollouts.advance(later(2)) == 1
    rollouts.resume(lot.actor, command, later(30))
    rollouts.advance(later(32))
    command.refresh_from_db()
    assert command.paused_at is None
    fail_by_a_job(lot, 40, ahead_s)
    rollouts.advance(later(42))
    command.refresh_from_db()
    assert command.paused_at == later(42)


def test_abandoned_nothing_more_is_sent_and_the_wish_is_gone() -> None:
    lot = Lot(stations=3)
    command = braked(lot)
    assert [rollouts.abandon(lot.actor, command, later(99)) for _twice in range(2)] == [2, 0]
    assert states(command) == ["failed", "cancelled", "cancelled"]
    assert [lot.wanted(station)[0] for station in lot.stations] == ["Hi", "", ""]
    assert list(CommandEvent.objects.filter(verb="abandoned").values_list("stations", flat=True)) == [2]
    command.refresh_from_db()
    assert command.paused_at is None


def test_the_deadline_ends_closed_waves_and_paused_commands_and_says_so() -> None:
    lot = Lot(stations=3)
    command = braked(lot)
    assert (deadlines.expire(later(3599)), deadlines.expire(later(3600)), deadlines.expire(later(3601))) == (0, 2, 0)
    assert list(command.items.order_by("pk").values_list("state", "error_code"))[1:] == [("expired", "too_late")] * 2
    event = command.events.last()
    assert event is not None
    assert (event.verb, event.stations, event.at) == ("expired", 2, later(3600))
    assert rollouts.resume(lot.actor, command, later(3700)).paused_at is None


def test_what_expires_bit_by_bit_is_one_line() -> None:
    lot = Lot(stations=2)
    command = lot.ask("Hi", patience=timedelta(minutes=1))
    for item in command.items.order_by("pk"):
        deadlines.close([item], later(60))
    assert list(command.events.values_list("verb", "stations")) == [("asked", 2), ("expired", 2)]
    assert states(command) == [ItemState.EXPIRED] * 2
