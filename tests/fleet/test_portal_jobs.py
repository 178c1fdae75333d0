"""Jobs of the portal and of other users of the key, as the history tells them."""

import json
from datetime import timedelta
from typing import Any

import pytest

import eevion
from fleet import jobs, portal_jobs
from fleet.models import Account, Command, Station, StationSetting, UnknownStation
from fleet.models.command import ItemState, Origin
from tests import factories
from tests.factories import NOW
from tests.fleet.test_job_results import accepted

pytestmark = pytest.mark.django_db
S = ItemState
DONE_AT = NOW + timedelta(seconds=30)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture
def station() -> Station:
    return factories.station()


def job(*station_ids: str, status: str = "succeeded", **said: Any) -> eevion.Job:
    ended = status not in ("queued", "running")
    document = {
        "jobId": "job_p", "createdAt": NOW.isoformat(), "finishedAt": DONE_AT.isoformat() if ended else None,
        "source": "portal", "stationIds": list(station_ids), "status": status, "priorityStatus": "outOfService",
    }  # fmt: skip
    return eevion.parse_job_webhook(json.dumps(document | said).encode())


def take(account: Account, said: eevion.Job) -> None:
    jobs.settle(job=said, call=None, account=account, now=LATER)


def told(command: Command) -> list[tuple[str, str, str, Any]]:
    rows = command.items.order_by("station__vendor_id", "kind")
    return list(rows.values_list("kind", "wanted_value", "state", "finished_at"))


def test_it_becomes_a_command_that_is_not_ours_and_our_wish_stays(station: Station) -> None:
    before = StationSetting.objects.create(
        station=station, kind="priorityStatus", wanted_value="available", wanted_at=NOW, finished_value="available",
        finished_at=NOW - timedelta(days=1), finished_by="us",
    )  # fmt: skip
    take(station.account, job(station.vendor_id))
    command = Command.objects.get()
    assert (command.origin, command.requested_by_label, command.requested_at, command.values, command.job_id) == (
        Origin.PORTAL, "Vendor's portal", NOW, {"priorityStatus": "outOfService"}, "job_p",
    )  # fmt: skip
    assert (command.organisation, command.account) == (station.organisation, station.account)
    assert told(command) == [("priorityStatus", "outOfService", S.FINISHED, DONE_AT)]
    item = command.items.get()
    assert (item.value_before, item.sent_at, item.accepted_at) == ("available", NOW, NOW)
    before.refresh_from_db()
    assert (before.wanted_value, before.finished_value, before.finished_at, before.finished_by) == (
        "available", "outOfService", DONE_AT, "portal",
    )  # fmt: skip


def test_another_user_of_the_key_is_told_apart(station: Station) -> None:
    take(station.account, job(station.vendor_id, source="api"))
    assert Command.objects.get().requested_by_label == "Another user of the key"


def test_it_is_taken_once_and_followed_to_its_end(station: Station) -> None:
    take(station.account, job(station.vendor_id, status="queued"))
    command = Command.objects.get()
    assert [row[2] for row in told(command)] == [S.ACCEPTED]
    assert list(portal_jobs.followed(station.account, LATER)) == [command]
    for status in ("running", "succeeded", "succeeded", "running"):
        take(station.account, job(station.vendor_id, status=status))
    assert (list(Command.objects.all()), [row[2] for row in told(command)]) == ([command], [S.FINISHED])
    command.refresh_from_db()
    assert command.job["status"] == "succeeded"
    assert list(portal_jobs.followed(station.account, LATER)) == []


def test_one_without_an_end_is_not_asked_for_for_ever(station: Station) -> None:
    take(station.account, job(station.vendor_id, status="queued"))
    assert list(portal_jobs.followed(station.account, NOW + portal_jobs.FOLLOWED)) == []


def test_each_station_has_its_true_end_and_unknown_ones_are_offered(station: Station) -> None:
    other = factories.station(station.site, account=station.account)
    failed = {"stationId": other.vendor_id, "command": "priorityStatus", "status": "failed",
              "error": {"code": "offline", "message": "away"}}  # fmt: skip
    said = job(station.vendor_id, other.vendor_id, "X-1", status="partiallyFailed", results=[failed])
    take(station.account, said)
    command = Command.objects.get()
    assert [row[2] for row in told(command)] == [S.TIMED_OUT, S.FAILED]
    assert command.items.get(station=other).error_code == "offline"
    assert UnknownStation.objects.get().vendor_id == "X-1"


def test_a_station_that_was_adopted_since_gets_its_row(station: Station) -> None:
    take(station.account, job(station.vendor_id, "X-1", status="queued"))
    factories.station(station.site, account=station.account, vendor_id="X-1")
    take(station.account, job(station.vendor_id, "X-1"))
    assert [row[2] for row in told(Command.objects.get())] == [S.FINISHED, S.FINISHED]


@pytest.mark.parametrize("said", [{"stationIds": ["X-1"]}, {"priorityStatus": None}])
def test_what_is_about_nothing_we_know_makes_no_command(station: Station, said: dict[str, Any]) -> None:
    take(station.account, job(station.vendor_id, **said))
    assert Command.objects.count() == 0


def test_what_a_later_job_changed_is_not_the_value_before(station: Station) -> None:
    StationSetting.objects.create(
        station=station, kind="priorityStatus", finished_value="available", finished_at=LATER, finished_by="us"
    )
    take(station.account, job(station.vendor_id))
    item = Command.objects.get().items.get()
    assert (item.value_before, StationSetting.objects.get().finished_value) == (None, "available")


def test_a_job_that_turns_out_to_be_ours_is_no_longer_the_others(station: Station) -> None:
    call, (row,) = accepted(station, priorityStatus="outOfService")
    type(call).objects.filter(pk=call.pk).update(job_id="")  # the history named it before the answer came
    take(station.account, job(station.vendor_id, source="api"))
    assert Command.objects.filter(origin=Origin.PORTAL).count() == 1
    jobs.settle(job=job(station.vendor_id, source="api"), call=call, now=LATER)
    row.refresh_from_db()
    assert (row.state, Command.objects.filter(origin=Origin.PORTAL).count()) == (S.FINISHED, 0)
    assert StationSetting.objects.get().finished_by == "us"
