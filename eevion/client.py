"""The nine calls of the Eevion API as methods. One call is one request; waiting for the budget is the caller's work.

Which words go into a body and what comes out lives in the payload modules, the wire in `transport`.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

from eevion import exceptions, jobs, reports, sessions, transport, verdict
from eevion.document import Document, dump
from eevion.errors import NotSent

API_KEY_HEADER = "x-api-key"
STAGING = {"environment": "staging"}
TIMEOUT_S = 8.0

Payload = TypeVar("Payload")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Client:
    """One account's access to Eevion.

    Every method sends exactly one request within `timeout_s` in all, never repeats it, and raises NotSent, Rejected,
    RateLimited, OutcomeUnknown or its kind UnexpectedPayload. Authentication by API key is D, the header's name A;
    `staging` adds the documented `?environment=staging` to every call (D). Safe to share between threads.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        staging: bool = False,
        timeout_s: float = TIMEOUT_S,
        header: str = API_KEY_HEADER,
    ) -> None:
        self.base_url = base_url
        self.staging = staging
        self.timeout_s = timeout_s
        self._api_key = api_key
        self._header = header

    def __repr__(self) -> str:
        return f"<Client{' staging' if self.staging else ''}>"

    def start_session(
        self,
        *,
        station_id: str,
        webhook_url: str | None = None,
        connector_id: int | None = None,
        external_reference: str | None = None,
    ) -> sessions.SessionStarted:
        """Start a session (D*). A second call starts a second one: nothing makes it idempotent (-)."""
        body = sessions.start_request(
            station_id=station_id,
            webhook_url=webhook_url,
            connector_id=connector_id,
            external_reference=external_reference,
        )
        return self._call("POST", sessions.PATH, body=body, secret=webhook_url, read=sessions.read_started)

    def get_session(self, session_id: str) -> sessions.SessionDocument:
        """Read a session (D*)."""
        read = functools.partial(sessions.read_session, asked_id=session_id)
        return self._call("GET", _session_path(session_id), read=read)

    def stop_session(self, session_id: str) -> sessions.SessionStopped:
        """Ask a session to stop (path D, method A). `stopping` is not yet `stopped`; one already over says so."""
        read = functools.partial(sessions.read_stopped, asked_id=session_id)
        return self._call("POST", _session_path(session_id) + "/stop", read=read)

    def manage_stations(
        self,
        *,
        station_ids: Sequence[str],
        tariff_id: str | None = None,
        priority_status: str | None = None,
        set_message: str | None = None,
        webhook_url: str | None = None,
    ) -> jobs.JobQueued:
        """Queue up to three commands for stations (names D, path A). None is not sent; `set_message=""` clears (A)."""
        body = jobs.manage_request(
            station_ids=station_ids,
            tariff_id=tariff_id,
            priority_status=priority_status,
            set_message=set_message,
            webhook_url=webhook_url,
        )
        return self._call("POST", jobs.PATH, body=body, secret=webhook_url, read=jobs.read_queued)

    def list_jobs(self, *, since: datetime, cursor: str | None = None) -> jobs.JobPage:
        """Jobs since an aware moment (D*), the portal's included. The moment is cut to its full second."""
        return self._call("GET", jobs.HISTORY_PATH, {"since": _iso(since), "cursor": cursor}, read=jobs.read_page)

    def report(
        self,
        *,
        from_: date | datetime,
        to: date | datetime,
        group_by: reports.GroupBy = "station",
        interval: reports.Interval = "day",
        cursor: str | None = None,
    ) -> reports.ReportPage:
        """The vendor's sums (D*, parameters A). Whether `to` is part of the period is not documented (-)."""
        query = {"from": _iso(from_), "to": _iso(to), "groupBy": group_by, "interval": interval, "cursor": cursor}
        return self._call("GET", reports.PATH, query, read=reports.read_page)

    def list_exceptions(self, *, since: datetime, cursor: str | None = None) -> exceptions.ExceptionPage:
        """Exceptions since an aware moment (D*), cut to its full second."""
        return self._call("GET", exceptions.PATH, {"since": _iso(since), "cursor": cursor}, read=exceptions.read_page)

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | None] | None = None,
        *,
        read: Callable[[Document, int], Payload],
        body: Document | None = None,
        secret: str | None = None,
    ) -> Payload:
        words = {**(query or {}), **(STAGING if self.staging else {})}
        said = urlencode({key: value for key, value in words.items() if value is not None})
        answer = transport.exchange(
            transport.target(self.base_url),
            method,
            f"{path}?{said}" if said else path,
            headers=self._headers(has_body=body is not None),
            body=None if body is None else dump(body).encode(),
            timeout_s=self.timeout_s,
        )
        return verdict.payload(answer, read, secrets=(self._api_key, secret or ""))

    def _headers(self, *, has_body: bool) -> dict[str, str]:
        """Raises NotSent for a key that cannot stand in a header: http.client's own complaint would quote it."""
        key = self._api_key
        is_key = key != "" and key.isascii() and key.isprintable() and key == key.strip()
        if not is_key or not _HEADER_NAME.fullmatch(self._header):
            raise NotSent("The API key or its header name is empty or has characters that no header can carry.")
        headers = {
            self._header: self._api_key,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": "Chargehand",
        }
        return headers | ({"Content-Type": "application/json"} if has_body else {})


def _session_path(session_id: str) -> str:
    """An id is one segment whatever is in it. Raises NotSent for an id that would lead to another path."""
    if session_id.strip(".") == "":
        raise NotSent("The session has no usable vendor id.")
    return f"{sessions.PATH}/{quote(session_id, safe='')}"


def _iso(moment: date | datetime) -> str:
    """Raises ValueError for a datetime without a zone: that is a mistake of the caller, not of the vendor."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    if moment.tzinfo is None:
        raise ValueError("an aware datetime is needed")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
