"""From bytes to a JSON document that is safe to keep, and back: bounded in size and depth, Decimals from the wire on.

What the keys mean lives in the payload modules.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from eevion.errors import UnexpectedPayload

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | Decimal | bool | None"
Document: TypeAlias = dict[str, JSON]

WEBHOOK_LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 64
NUMBER_LIMIT_CHARS = 40
EXPONENT_LIMIT = 60
HIDDEN = "[hidden]"

# A string (closed or running to the end, so that one pass is enough) or a bracket outside strings.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
# PostgreSQL refuses NUL and lone halves of a surrogate pair in text and jsonb alike.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode(body: bytes, *, limit_bytes: int = WEBHOOK_LIMIT_BYTES) -> Document:
    """Read one JSON object. Raises UnexpectedPayload for anything else, whatever its size, depth or encoding.

    Bytes that are not UTF-8, NULs and lone surrogates become U+FFFD; numbers too long for a database, NaN and
    Infinity become text; values of keys that start with "webhook" are hidden, for they hold our secret URLs.
    """
    if len(body) > limit_bytes:
        raise UnexpectedPayload(f"The document is larger than {limit_bytes:,} bytes.", body=_start(body))
    text = body.decode("utf-8-sig", errors="replace")
    if _is_too_deep(text):
        raise UnexpectedPayload(f"The document is nested deeper than {DEPTH_LIMIT} levels.", body=_start(body))
    try:
        value = json.loads(text, parse_float=_number, parse_int=_integer, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UnexpectedPayload("The document is not JSON.", body=_start(body)) from error
    if not isinstance(value, dict):
        raise UnexpectedPayload("The document is not a JSON object.", body=_start(body))
    return _scrubbed_object(value)


def dump(value: JSON) -> str:
    """JSON text of a document with its Decimals written as the numbers they are, digit for digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dump(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)


def _is_too_deep(text: str) -> bool:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        first = match.group()[0]
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth -= 1
        if depth > DEPTH_LIMIT:
            return True
    return False


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= NUMBER_LIMIT_CHARS else text


def _number(text: str) -> Decimal | str:
    if len(text) > NUMBER_LIMIT_CHARS:
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and abs(exponent) <= EXPONENT_LIMIT else text


def _scrubbed_object(value: dict[str, JSON]) -> Document:
    return {
        _text(key): HIDDEN if key.lower().startswith("webhook") and item is not None else _scrubbed(item)
        for key, item in value.items()
    }


def _scrubbed(value: JSON) -> JSON:
    if isinstance(value, dict):
        return _scrubbed_object(value)
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    return _UNSTORABLE.sub("\ufffd", value)


def _start(body: bytes) -> str:
    return _text(body[:2000].decode("utf-8", errors="replace"))
