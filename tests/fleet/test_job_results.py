"""What a job's word changes: pure reading of its results, and the rows after it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

import eevion
from fleet import hooks, job_results, jobs, timeouts
from fleet.job_results import Outcome
from fleet.models import Command, CommandItem, ManageCall, Station, StationSetting
from fleet.models.command import ItemState
from tests import factories
from tests.factories import NOW

S = ItemState
DONE_AT = NOW + timedelta(seconds=30)
LATER = NOW + timedelta(minutes=2)


def job(status: str = "succeeded", *results: dict[str, Any], **said: Any) -> eevion.Job:
    document = {"jobId": "job_1", "createdAt": NOW.isoformat(), "finishedAt": DONE_AT.isoformat(), "status": status}
    return eevion.parse_job_webhook(json.dumps(document | {"results": list(results)} | said).encode())


def result(station: str, command: str, status: str = "succeeded", **error: str) -> dict[str, Any]:
    return {"stationId": station, "command": command, "status": status, "error": error or None}


# --- pure -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (job("succeeded"), Outcome("A", "setMessage", "Hi", True)),
        (job("failed"), Outcome("A", "setMessage", "Hi", False)),
        (job("partiallyFailed"), Outcome("A", "setMessage", "Hi", None)),
        (job("partiallyFailed", result("A", "setMessage")), Outcome("A", "setMessage", "Hi", True)),
        (job("succeeded", result("A", "setMessage", "failed")), Outcome("A", "setMessage", "Hi", False)),
        (job("succeeded", result("A", "setMessage", "perhaps")), Outcome("A", "setMessage", "Hi", None)),
        (
            job("failed", result("A", "setMessage", "failed", code="offline", message="no answer")),
            Outcome("A", "setMessage", "Hi", False, "offline: no answer", "offline"),
        ),
        (job("failed", result("B", "setMessage")), Outcome("A", "setMessage", "Hi", False)),
    ],
    ids=range(8),
)
def test_what_a_job_says_of_one_station(said: eevion.Job, expected: Outcome) -> None:
    assert job_results.outcomes(said, vendor_ids=["A"], values={"setMessage": "Hi"}) == [expected]


@pytest.mark.parametrize(
    ("kept", "status", "is_news"),
    [
        (None, "queued", True),
        ("queued", "running", True),
        ("succeeded", "running", False),
        ("partiallyFailed", "succeeded", True),
        ("queued", "succeeded", True),
    ],
)
def test_an_older_word_does_not_replace_the_last(kept: str | None, status: str, is_news: bool) -> None:
    document = job_results.plain(job(kept)) if kept else None
    assert job_results.is_news(job(status), document) is is_news


# --- rows -------------------------------------------------------------------------------------------------------------
def accepted(*stations: Station, **values: str) -> tuple[ManageCall, list[CommandItem]]:
    """One call about these stations, answered with job_1."""
    account = stations[0].account
    call = ManageCall.objects.create(
        account=account, token=hooks.mint(account=account, kind="job", now=NOW)[0], values=values, attempted_at=NOW,
        station_ids=[station.pk for station in stations], job_id="job_1",
    )  # fmt: skip
    command = Command.objects.create(
        organisation=account.organisation, requested_by_label="test", requested_at=NOW, values=values
    )
    rows = [
        CommandItem.objects.create(
            command=command, station=station, kind=kind, wanted_value=value, call=call, state=S.ACCEPTED,
            sent_at=NOW, accepted_at=NOW,
        )
        for station in stations for kind, value in values.items()
    ]  # fmt: skip
    return call, rows


def fields(row: CommandItem) -> tuple[str, datetime | None, str, str]:
    row.refresh_from_db()
    return row.state, row.finished_at, row.error_code, row.error


@pytest.mark.django_db
class TestRows:
    def test_the_end_is_the_vendors_time_and_code(self) -> None:
        good = factories.station()
        bad = factories.station(good.site, account=good.account)
        call, rows = accepted(good, bad, setMessage="Hi")
        said = job(
            "partiallyFailed",
            result(good.vendor_id, "setMessage"),
            result(bad.vendor_id, "setMessage", "failed", code="offline", message="away"),
        )
        jobs.settle(job=said, call=call, now=LATER)
        assert CommandItem.objects.filter(look_due=True).count() == 0  # nothing can be seen of a message
        assert [fields(row) for row in rows] == [
            (S.FINISHED, DONE_AT, "", ""),
            (S.FAILED, DONE_AT, "offline", "offline: away"),
        ]
        call.refresh_from_db()
        assert call.settled_at == LATER
        setting = StationSetting.objects.get()
        assert (setting.station, setting.finished_value, setting.finished_at) == (good, "Hi", DONE_AT)

    def test_a_new_end_is_not_seen_otherwise(self) -> None:
        call, (row,) = accepted(factories.station(), priorityStatus="available")
        setting = StationSetting.objects.create(
            station=row.station, kind="priorityStatus", finished_value="available", finished_at=NOW, seen_otherwise=True
        )
        jobs.settle(job=job(), call=call, now=LATER)
        setting.refresh_from_db()
        assert (setting.finished_at, setting.seen_otherwise) == (DONE_AT, False)

    @pytest.mark.parametrize("status", ["succeeded", "failed"])
    def test_an_end_that_can_be_observed_is_news(self, status: str) -> None:
        call, (row,) = accepted(factories.station(), tariffId="fee_1")
        jobs.settle(job=job(status), call=call, now=LATER)
        assert fields(row)[1] == DONE_AT
        assert row.look_due

    def test_a_failure_without_a_reason_has_a_code_of_ours(self) -> None:
        call, (row,) = accepted(factories.station(), setMessage="Hi")
        jobs.settle(job=job("failed"), call=call, now=LATER)
        assert fields(row) == (S.FAILED, DONE_AT, job_results.NO_REASON, "the vendor gave no reason")

    def test_an_end_without_a_word_is_neither_done_nor_failed_and_stays_open(self) -> None:
        call, (row,) = accepted(factories.station(), setMessage="Hi")
        jobs.settle(job=job("partiallyFailed"), call=call, now=LATER)
        words = "the job ended without a word about this station"
        assert fields(row) == (S.TIMED_OUT, None, job_results.NO_WORD, words)
        call.refresh_from_db()
        assert call.settled_at is None
        said = job("partiallyFailed", result(row.station.vendor_id, "setMessage"))
        jobs.settle(job=said, call=call, now=LATER)
        assert fields(row) == (S.FINISHED_LATE, DONE_AT, "", "")

    def test_no_word_in_time_and_then_done(self, settings: Any) -> None:
        call, (row,) = accepted(factories.station(), setMessage="Hi")
        assert timeouts.look(now=NOW + settings.JOB_PATIENCE - timedelta(seconds=1)) == 0
        assert timeouts.look(now=NOW + settings.JOB_PATIENCE) == 1
        assert fields(row) == (
            S.TIMED_OUT, None, timeouts.LATE, "no word of the job within 15 minutes; it is still looked for",
        )  # fmt: skip
        assert row.timed_out_at == NOW + settings.JOB_PATIENCE
        jobs.settle(job=job("succeeded"), call=call, now=LATER)
        assert fields(row) == (S.FINISHED_LATE, DONE_AT, "", "")

    def test_an_earlier_word_after_the_last_changes_nothing(self) -> None:
        call, (row,) = accepted(factories.station(), setMessage="Hi")
        jobs.settle(job=job("succeeded"), call=call, now=LATER)
        jobs.settle(job=job("running", finishedAt=None), call=call, now=LATER)
        call.refresh_from_db()
        assert (fields(row)[0], call.job["status"]) == (S.FINISHED, "succeeded")

    def test_without_a_time_of_the_vendors_the_end_is_when_we_heard_of_it(self) -> None:
        call, (row,) = accepted(factories.station(), setMessage="Hi")
        jobs.settle(job=job("succeeded", finishedAt=None), call=call, now=LATER)
        assert fields(row)[1] == LATER

    def test_an_end_in_the_far_future_holds_no_later_job_back(self) -> None:
        station = factories.station()
        call, (row,) = accepted(station, setMessage="Hi")
        jobs.settle(job=job(finishedAt="2087-01-01T00:00:00Z"), call=call, now=NOW)
        assert fields(row)[:2] == (S.FINISHED, NOW)
        call, _rows = accepted(station, setMessage="Bye")
        ManageCall.objects.filter(pk=call.pk).update(job_id="job_2")
        jobs.settle(job=job(jobId="job_2"), call=call, now=LATER)
        assert StationSetting.objects.get().finished_value == "Bye"
