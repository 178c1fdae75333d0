"""Jobs from the webhook and from the history."""

import json
from datetime import UTC, datetime

import pytest

from eevion import (
    Document,
    Drift,
    DriftKind,
    Job,
    JobResult,
    JobSource,
    JobStatus,
    UnexpectedPayload,
    jobs,
    parse_job_webhook,
)

FULL: Document = {
    "jobId": "job_1",
    "createdAt": "2026-01-08T17:02:11Z",
    "finishedAt": "2026-01-08T17:03:11Z",
    "source": "api",
    "stationIds": ["HC-1", "HC-2"],
    "tariffId": "fee_1",
    "setMessage": "",
    "status": "partiallyFailed",
    "results": [
        {"stationId": "HC-1", "command": "tariffId", "status": "succeeded", "error": None},
        {
            "stationId": "HC-2",
            "command": "tariffId",
            "status": "failed",
            "error": {"code": "offline", "message": "No heartbeat."},
        },
    ],
}


def parse(**changes: object) -> Job:
    return parse_job_webhook(json.dumps(FULL | changes).encode())


def test_a_full_job_is_read_without_drift() -> None:
    job = parse()
    assert job == Job(
        job_id="job_1",
        created_at=datetime(2026, 1, 8, 17, 2, 11, tzinfo=UTC),
        finished_at=datetime(2026, 1, 8, 17, 3, 11, tzinfo=UTC),
        source=JobSource.API,
        source_text="api",
        station_ids=("HC-1", "HC-2"),
        tariff_id="fee_1",
        priority_status=None,
        set_message="",
        status=JobStatus.PARTIALLY_FAILED,
        status_text="partiallyFailed",
        results=(
            JobResult(
                station_id="HC-1",
                command="tariffId",
                status=JobStatus.SUCCEEDED,
                status_text="succeeded",
                error_code=None,
                error_message=None,
            ),
            JobResult(
                station_id="HC-2",
                command="tariffId",
                status=JobStatus.FAILED,
                status_text="failed",
                error_code="offline",
                error_message="No heartbeat.",
            ),
        ),
        raw=FULL,
        drift=(),
    )


@pytest.mark.parametrize(
    ("status", "is_finished"),
    [
        ("queued", False),
        ("running", False),
        ("succeeded", True),
        ("failed", True),
        ("partiallyFailed", True),
        ("?", False),
    ],
)
def test_three_statuses_are_final(status: str, is_finished: bool) -> None:
    assert parse(status=status).is_finished == is_finished


def test_a_message_that_was_cleared_is_not_one_that_was_not_sent() -> None:
    assert (parse(setMessage="").set_message, parse(setMessage=None).set_message) == ("", None)


def test_odd_parts_are_noted_and_do_not_hide_the_good_ones() -> None:
    job = parse(
        stationIds=["HC-1", None, {}, 7],
        source="robot",
        results=[7, {"stationId": "HC-1", "status": "odd", "took": 3, "error": "text"}, {"error": {"hint": 1}}],
    )
    assert job.station_ids == ("HC-1", "7")
    assert (job.source, job.source_text) == (None, "robot")
    assert [result.station_id for result in job.results] == ["HC-1", None]
    assert set(job.drift) == {
        Drift("stationIds[]", DriftKind.BAD_VALUE, "{}"),
        Drift("source", DriftKind.UNKNOWN_VALUE, '"robot"'),
        Drift("results[]", DriftKind.BAD_VALUE, "7"),
        Drift("results[].status", DriftKind.UNKNOWN_VALUE, '"odd"'),
        Drift("results[].took", DriftKind.UNKNOWN_KEY, "3"),
        Drift("results[].error", DriftKind.BAD_VALUE, '"text"'),
        Drift("results[].error.hint", DriftKind.UNKNOWN_KEY, "1"),
    }


def test_a_job_without_its_id_is_unexpected() -> None:
    with pytest.raises(UnexpectedPayload, match="jobId"):
        parse(jobId=None)


def test_a_page_keeps_its_good_jobs_and_notes_the_others() -> None:
    page = jobs.read_page({"jobs": [FULL, 7, {"status": "queued"}, {"jobId": "job_2", "status": "new"}]}, 200)
    assert [job.job_id for job in page.jobs] == ["job_1", "job_2"]
    assert (page.next_cursor, page.http_status) == (None, 200)
    assert page.drift == (
        Drift("jobs[]", DriftKind.BAD_VALUE, "7"),
        Drift("jobs[].status", DriftKind.UNKNOWN_VALUE, '"new"'),
    )
    assert page.jobs[1].drift == page.drift[1:]


@pytest.mark.parametrize("document", [{}, {"jobs": None}, {"jobs": {}}, {"data": []}])
def test_a_page_without_its_list_is_unexpected(document: dict) -> None:
    """Taken for an empty page it would say that nothing happened."""
    with pytest.raises(UnexpectedPayload, match="no list jobs"):
        jobs.read_page(document)


def test_an_answer_with_the_whole_job_is_no_drift() -> None:
    assert jobs.read_queued(FULL | {"status": "queued"}).drift == ()
