"""Commands, their webhook and the history."""

from datetime import datetime

import pytest

from eevion import Job, JobSource, JobStatus, Rejected, parse_job_webhook
from tests.contract.vendor import Inbox, Vendor

ALL_DONE_S = 30


def test_three_commands_in_one_call(vendor: Vendor, inbox: Inbox) -> None:
    first, second, client, since = vendor.station(), vendor.station(), vendor.client(), vendor.now()
    queued = client.manage_stations(
        station_ids=[first, second],
        tariff_id="fee_l2_fleet",
        priority_status="unavailable",
        set_message="Closed – fermé",
        webhook_url=inbox.url("j"),
    )
    assert (queued.status, queued.http_status, queued.drift) == (JobStatus.QUEUED, 202, ())
    vendor.advance(ALL_DONE_S)
    job = parse_job_webhook(*inbox.take("j"))
    assert (job.job_id, job.status, job.is_finished, job.drift) == (queued.job_id, JobStatus.SUCCEEDED, True, ())
    assert (job.source, job.station_ids) == (JobSource.API, (first, second))
    assert (job.tariff_id, job.priority_status, job.set_message) == ("fee_l2_fleet", "unavailable", "Closed – fermé")
    wanted = {(name, command) for name in (first, second) for command in ("tariffId", "priorityStatus", "setMessage")}
    assert {(result.station_id, result.command) for result in job.results} == wanted
    assert {result.status for result in job.results} == {JobStatus.SUCCEEDED}
    assert _find(vendor, since, queued.job_id) == job
    with pytest.raises(Rejected) as caught:
        client.start_session(station_id=first)
    assert caught.value.is_refused


def test_an_empty_message_clears_and_the_history_says_so(vendor: Vendor) -> None:
    station, client, since = vendor.station(), vendor.client(), vendor.now()
    for message in ("Hello", ""):
        client.manage_stations(station_ids=[station], set_message=message)
        vendor.advance(ALL_DONE_S)
    jobs = [job for job in client.list_jobs(since=since).jobs if station in job.station_ids]
    assert [(job.set_message, job.tariff_id, job.priority_status) for job in jobs] == [
        ("Hello", None, None),
        ("", None, None),
    ]
    stations = {line["stationId"]: line for site in vendor.ask("state")["sites"] for line in site["stations"]}
    assert not stations[station]["message"]


def test_a_job_that_fails_at_some_stations(vendor: Vendor, inbox: Inbox) -> None:
    good, silent, client, since = vendor.station(), vendor.station(), vendor.client(), vendor.now()
    vendor.order("break", stationId=silent, kind="offline")
    client.manage_stations(station_ids=[good, silent], priority_status="outOfService", webhook_url=inbox.url("j"))
    vendor.advance(ALL_DONE_S)
    job = parse_job_webhook(*inbox.take("j"))
    assert (job.status, job.drift) == (JobStatus.PARTIALLY_FAILED, ())
    assert [(result.station_id, result.status, result.error_code) for result in job.results] == [
        (good, JobStatus.SUCCEEDED, None),
        (silent, JobStatus.FAILED, "offline"),
    ]
    assert job.results[1].error_message
    failed = [e for e in client.list_exceptions(since=since).exceptions if e.station_id == silent]
    assert [e.type_text for e in failed] == ["stationOffline", "commandFailed"]


@pytest.mark.parametrize("code", ["rejected", "timeout", "notSupported"])
def test_every_error_code_comes_through(vendor: Vendor, inbox: Inbox, code: str) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.fault("job", "fail", stationId=station, job_code=code)
    client.manage_stations(station_ids=[station], set_message="Hello", webhook_url=inbox.url("j"))
    vendor.advance(ALL_DONE_S)
    job = parse_job_webhook(*inbox.take("j"))
    assert (job.status, [result.error_code for result in job.results]) == (JobStatus.FAILED, [code])


def test_jobs_of_the_portal_are_in_the_history(vendor: Vendor) -> None:
    station, since = vendor.station(), vendor.now()
    made = vendor.order("portal-job", stationIds=[station], setMessage="From the portal")
    vendor.advance(ALL_DONE_S)
    job = _find(vendor, since, made["jobId"])
    assert (job.source, job.set_message, job.drift) == (JobSource.PORTAL, "From the portal", ())


def test_the_history_comes_in_pages_and_since_a_moment(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    client.manage_stations(station_ids=[station], set_message="before")
    vendor.advance(10)
    since = vendor.now()
    vendor.order("settings", page_rows=2)
    try:
        for number in range(5):
            client.manage_stations(station_ids=[station], set_message=str(number))
        pages = [client.list_jobs(since=since)]
        while pages[-1].next_cursor is not None:
            pages.append(client.list_jobs(since=since, cursor=pages[-1].next_cursor))
    finally:
        vendor.order("settings", page_rows=200)
    assert [[job.set_message for job in page.jobs] for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert {drift for page in pages for drift in page.drift} == set()


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({}, (400, "invalid")),
        ({"priority_status": "asleep"}, (400, "invalid")),
        ({"tariff_id": "fee_nowhere"}, (422, "rejected")),
    ],
)
def test_a_command_that_cannot_be_done_is_rejected(
    vendor: Vendor, commands: dict[str, str], said: tuple[int, str]
) -> None:
    station = vendor.station()
    with pytest.raises(Rejected) as caught:
        vendor.client().manage_stations(station_ids=[station], **commands)
    assert (caught.value.status, caught.value.code) == said
    assert vendor.jobs(station) == []


def _find(vendor: Vendor, since: datetime, job_id: str) -> Job:
    (job,) = [job for job in vendor.client().list_jobs(since=since).jobs if job.job_id == job_id]
    return job
