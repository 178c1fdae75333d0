"""Single values of a vendor document as Python values. Each function raises ValueError for what it cannot read.

No document, key or drift is known here; that is `reader`'s part.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from eevion.document import JSON

LABEL_LIMIT = 255
YEARS = range(2000, 2100)

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_CHARS = len("2026-01-08")


def label(value: JSON) -> str | None:
    """A short text, such as an id or a code; a whole number is taken as its digits, an empty text as not said."""
    said = text(value)
    if len(said) > LABEL_LIMIT or isinstance(value, Decimal):
        raise ValueError("not a label")
    return said or None


def text(value: JSON) -> str:
    """A text of any length; a number is taken as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("not a text")
    return str(value)


def amount(value: JSON, limit: Decimal) -> Decimal:
    """A number of at least 0 and at most `limit`, also when it came as text; a decimal comma is not guessed at."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise ValueError("not a number")
    number = Decimal(value)
    if not 0 <= number <= limit:
        raise ValueError("out of range")
    # Not abs(): arithmetic would round to the context's 28 digits.
    return number.copy_abs()


def count(value: JSON, limit: int) -> int:
    """A whole number of at least 0 and at most `limit`; 2.0 is one, 2.5 is not."""
    number = amount(value, Decimal(limit))
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def seconds(value: JSON, limit: int) -> int:
    """A duration in full seconds; a fraction of the last one is dropped."""
    return int(amount(value, Decimal(limit)))


def moment(value: JSON) -> datetime:
    """An ISO 8601 time with offset, as aware UTC. One without offset could be any moment of a day: not read."""
    if not isinstance(value, str):
        raise ValueError("not a time")
    at = datetime.fromisoformat(value.strip().upper())
    if at.tzinfo is None or at.year not in YEARS:
        raise ValueError("no offset, or a year that cannot be")
    return at.astimezone(UTC)


def day(value: JSON) -> date:
    """The calendar day that a date, or a time in whatever zone it is written, names."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("not a date")
    if len(value) > _DATE_CHARS:
        moment(value)
    return date.fromisoformat(value[:_DATE_CHARS])


def currency(value: JSON) -> str:
    """An ISO 4217 code in capitals."""
    code = value.strip().upper() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(code):
        raise ValueError("not a currency code")
    return code
