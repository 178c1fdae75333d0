"""Station commands and the jobs Eevion makes of them: the manage call, its webhook, the management history.

Marks in the docstrings: D documented, D* capability documented and key or shape assumed, A assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from eevion.document import JSON, Document, decode
from eevion.reader import Drift, Reader

PATH: Final = "/stations/manage"
HISTORY_PATH: Final = "/stations/manage/history"


class PriorityStatus(StrEnum):
    """Values of priorityStatus known so far (all A). The list is open: jobs keep whatever text they carry."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    OUT_OF_SERVICE = "outOfService"


class JobStatus(StrEnum):
    """All values A. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIALLY_FAILED = "partiallyFailed"


class JobSource(StrEnum):
    """A: made through the API or by a person in the vendor's portal."""

    API = "api"
    PORTAL = "portal"


class JobErrorCode(StrEnum):
    """Why a station did not do it, as known so far (all A); a result keeps whatever text it carries."""

    REJECTED = "rejected"
    TIMEOUT = "timeout"
    NOT_SUPPORTED = "notSupported"
    OFFLINE = "offline"


FINAL_STATUSES = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.PARTIALLY_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued:
    """Answer to a manage call (A): jobId, status."""

    job_id: str
    status: JobStatus | None
    status_text: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What one station did with one command (D that results are posted, shape A). `command` is the key sent."""

    station_id: str | None
    command: str | None
    status: JobStatus | None
    status_text: str | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job from the webhook or the history: names of the three commands D, everything else A.

    A command that was not part of the job is None; `set_message` "" means the message was cleared.
    """

    job_id: str
    created_at: datetime | None
    finished_at: datetime | None
    source: JobSource | None
    source_text: str | None
    station_ids: tuple[str, ...]
    tariff_id: str | None
    priority_status: str | None
    set_message: str | None
    status: JobStatus | None
    status_text: str | None
    results: tuple[JobResult, ...]
    raw: Document
    drift: tuple[Drift, ...]

    @property
    def is_finished(self) -> bool:
        return self.status in FINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One page of the management history (D* "all jobs since a given date", portal jobs included)."""

    jobs: tuple[Job, ...]
    next_cursor: str | None
    raw: Document
    drift: tuple[Drift, ...]
    http_status: int | None = None


def manage_request(
    *,
    station_ids: Sequence[str],
    tariff_id: str | None,
    priority_status: str | None,
    set_message: str | None,
    webhook_url: str | None,
) -> Document:
    """Body of a manage call: the three commands and webhookOnJobFinished D, stationIds A. None is left out."""
    stations: list[JSON] = list(station_ids)
    said: Document = {
        "stationIds": stations,
        "tariffId": tariff_id,
        "priorityStatus": priority_status,
        "setMessage": set_message,
        "webhookOnJobFinished": webhook_url,
    }
    return {key: value for key, value in said.items() if value is not None}


def read_queued(document: Document, http_status: int | None = None) -> JobQueued:
    reader = Reader(document)
    # Some networks answer with the whole job; then its other keys are known, and read later.
    reader.ignore(*_JOB_KEYS)
    reader.expect("status")
    return JobQueued(
        job_id=reader.identity("jobId"),
        status=reader.choice("status", JobStatus),
        status_text=reader.label("status"),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def read_job(reader: Reader) -> Job:
    """Raises UnexpectedPayload without a jobId."""
    reader.ignore("webhookOnJobFinished")
    reader.expect("status")
    return Job(
        job_id=reader.identity("jobId"),
        created_at=reader.moment("createdAt"),
        finished_at=reader.moment("finishedAt"),
        source=reader.choice("source", JobSource),
        source_text=reader.label("source"),
        station_ids=reader.labels("stationIds"),
        tariff_id=reader.label("tariffId"),
        priority_status=reader.label("priorityStatus"),
        set_message=reader.text("setMessage"),
        status=reader.choice("status", JobStatus),
        status_text=reader.label("status"),
        results=_results(reader),
        raw=reader.document,
        drift=reader.drift(),
    )


def read_page(document: Document, http_status: int | None = None) -> JobPage:
    reader = Reader(document)
    return JobPage(
        jobs=reader.page("jobs", read_job),
        next_cursor=reader.label("nextCursor"),
        raw=document,
        drift=reader.drift(),
        http_status=http_status,
    )


def parse_job_webhook(body: bytes) -> Job:
    """The body of webhookOnJobFinished. Raises UnexpectedPayload."""
    return read_job(Reader(decode(body)))


def _results(reader: Reader) -> tuple[JobResult, ...]:
    results = []
    for part in reader.parts("results"):
        error = part.part("error")
        results.append(
            JobResult(
                station_id=part.label("stationId"),
                command=part.label("command"),
                status=part.choice("status", JobStatus),
                status_text=part.label("status"),
                error_code=error.label("code") if error else None,
                error_message=error.text("message") if error else None,
            )
        )
        reader.adopt(part.drift() + (error.drift() if error else ()))
    return tuple(results)


_JOB_KEYS = (
    "createdAt",
    "finishedAt",
    "source",
    "stationIds",
    "tariffId",
    "priorityStatus",
    "setMessage",
    "results",
    "webhookOnJobFinished",
)
