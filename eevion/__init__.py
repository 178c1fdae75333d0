"""The Eevion API of the vendor: every path, header, key and value of it is spelled here and nowhere else.

It needs no Django and imports nothing of ours. Marks (D, D*, A, -) in its docstrings tell documented from assumed.
"""

from eevion.client import Client
from eevion.document import JSON, Document, dump
from eevion.errors import EevionError, NotSent, OutcomeUnknown, RateLimited, Rejected, UnexpectedPayload
from eevion.exceptions import ExceptionPage, ExceptionType, StationException, parse_exception_webhook
from eevion.jobs import (
    Job,
    JobErrorCode,
    JobPage,
    JobQueued,
    JobResult,
    JobSource,
    JobStatus,
    PriorityStatus,
    parse_job_webhook,
)
from eevion.reader import Drift, DriftKind
from eevion.reports import ReportPage, ReportRow
from eevion.sessions import SessionDocument, SessionStarted, SessionStatus, SessionStopped, parse_session_webhook

__all__ = [
    "JSON",
    "Client",
    "Document",
    "Drift",
    "DriftKind",
    "EevionError",
    "ExceptionPage",
    "ExceptionType",
    "Job",
    "JobErrorCode",
    "JobPage",
    "JobQueued",
    "JobResult",
    "JobSource",
    "JobStatus",
    "NotSent",
    "OutcomeUnknown",
    "PriorityStatus",
    "RateLimited",
    "Rejected",
    "ReportPage",
    "ReportRow",
    "SessionDocument",
    "SessionStarted",
    "SessionStatus",
    "SessionStopped",
    "StationException",
    "UnexpectedPayload",
    "dump",
    "parse_exception_webhook",
    "parse_job_webhook",
    "parse_session_webhook",
]
