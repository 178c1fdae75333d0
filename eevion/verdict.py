"""What an answer means: a document, or the error that says what the caller may do next.

How the answer got here lives in `transport`, what the document says in the payload modules.
"""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote

from eevion.document import JSON, Document, decode
from eevion.errors import (
    BODY_LIMIT,
    RETRY_AFTER_DEFAULT_S,
    RETRY_AFTER_LIMIT_S,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    UnexpectedPayload,
)
from eevion.transport import ANSWER_LIMIT_BYTES, Answer

HIDDEN = "[hidden]"
Payload = TypeVar("Payload")


def payload(answer: Answer, read: Callable[[Document, int], Payload], *, secrets: tuple[str, ...]) -> Payload:
    """What `read` makes of a good answer. Raises the error that any other answer stands for.

    408 says the vendor, or something between, gave up waiting: that is no clear "no". A redirect is not followed,
    and on a POST does not tell whether it happened.
    """
    status = answer.status
    if 200 <= status < 300:
        return _read(answer, read, secrets)
    text = _body(answer, secrets)
    code, message = _complaint(answer)
    code, message = _hide(code or "", secrets) or None, _hide(message or "", secrets)
    if status == 429:
        message = message or "The request limit of this key is used up."
        raise RateLimited(message, retry_after_s=_retry_after_s(answer), code=code, body=text)
    if 400 <= status < 500 and status != 408:
        raise Rejected(message or f"The vendor refused (status {status}).", status=status, code=code, body=text)
    if status >= 500 or status == 408:
        raise OutcomeUnknown(message or f"The vendor failed (status {status}).", status=status, code=code, body=text)
    raise UnexpectedPayload(
        f"The vendor answered with status {status}, which is not followed. Check the base URL of the account.",
        status=status,
        body=text,
    )


def _read(answer: Answer, read: Callable[[Document, int], Payload], secrets: tuple[str, ...]) -> Payload:
    """A document that arrived whole counts even if the connection broke behind it: it may name a started session."""
    try:
        return read(decode(answer.body, limit_bytes=ANSWER_LIMIT_BYTES), answer.status)
    except UnexpectedPayload as error:
        text = _body(answer, secrets)
        if answer.broken:
            message = f"The vendor accepted, but {answer.broken}."
            raise OutcomeUnknown(message, status=answer.status, body=text) from None
        raise UnexpectedPayload(error.message, status=answer.status, body=text) from None


def _complaint(answer: Answer) -> tuple[str | None, str | None]:
    """Code and message of `{"error": {"code", "message"}}` (A), or of its usual variations."""
    try:
        said: Document = decode(answer.body)
    except UnexpectedPayload:
        return None, None
    error = said.get("error", said)
    if isinstance(error, dict):
        return _short(error.get("code")), _short(error.get("message"))
    return None, _short(error)


def _short(value: JSON) -> str | None:
    return str(value)[:500] if isinstance(value, str | int) and value != "" else None


def _retry_after_s(answer: Answer) -> int:
    """Seconds, or a date measured by the vendor's own clock; whatever else stands there means the default."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(max(int(said[:9]), 1), RETRY_AFTER_LIMIT_S)
    until_at, now_at = _http_date(said), _http_date(answer.headers.get("date", ""))
    if until_at is None or now_at is None:
        return RETRY_AFTER_DEFAULT_S
    return min(max(int((until_at - now_at).total_seconds()), 1), RETRY_AFTER_LIMIT_S)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else None


def _body(answer: Answer, secrets: tuple[str, ...]) -> str:
    """The start of the body, hidden first and cut after, so that a cut cannot leave half a secret."""
    longest = BODY_LIMIT + sum(len(secret) for secret in secrets)
    text = answer.body[: 4 * longest].decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    return _hide(text, secrets)[:BODY_LIMIT]


def _hide(text: str, secrets: tuple[str, ...]) -> str:
    """Vendors like to quote what they were sent: our key and webhook address must not reach a log that way."""
    for secret in filter(None, secrets):
        for spelling in (secret, secret.replace("/", "\\/"), quote(secret, safe="")):
            text = text.replace(spelling, HIDDEN)
    return text
