"""Everything that can go wrong with a call to Eevion, named by what the caller may do next, not by what broke.

The wire's own failures (timeouts, resets, TLS) never leave this package. No text here ever holds the API key.
"""

from typing import ClassVar

BODY_LIMIT = 2000
RETRY_AFTER_DEFAULT_S = 60
RETRY_AFTER_LIMIT_S = 3600


class EevionError(Exception):
    """A call that brought no usable answer.

    `status` is the HTTP status when one arrived, `code` and `message` the vendor's when it gave them (mark A),
    `body` the first 2,000 characters of what it said. `may_have_happened` tells whether a call that changes
    something may have done so; a read is harmless either way.
    """

    may_have_happened: ClassVar[bool] = True

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None, body: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.body = body[:BODY_LIMIT]


class NotSent(EevionError):
    """Refused before a byte of the request left: bad URL, no such host, no connection, TLS. Safe to repeat."""

    may_have_happened = False


class Rejected(EevionError):
    """The vendor said no (4xx except 408 and 429): it did not happen, and the same call would be refused again."""

    may_have_happened = False

    @property
    def is_invalid(self) -> bool:
        return self.status == 400

    @property
    def is_auth(self) -> bool:
        return self.status in (401, 403)

    @property
    def is_unknown(self) -> bool:
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        return self.status == 409

    @property
    def is_refused(self) -> bool:
        """The charger, not the network, said no."""
        return self.status == 422


class RateLimited(EevionError):
    """429: not executed and not counted (A). `retry_after_s` is the vendor's, or 60 without one; 1 to 3,600."""

    may_have_happened = False

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: int = RETRY_AFTER_DEFAULT_S,
        status: int | None = 429,
        code: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message, status=status, code=code, body=body)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(EevionError):
    """The request may have left and no clear answer came: a timeout, a broken connection, 408 or 5xx.

    A call that changes something must not be repeated blindly: Eevion documents no idempotency key.
    """


class UnexpectedPayload(OutcomeUnknown):
    """An answer or webhook that cannot be read: not an object, no id, too deep, too large, a redirect.

    For a call that changes something it may have happened, hence a kind of OutcomeUnknown.
    """
