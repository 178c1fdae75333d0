"""A request that was read and an answer to be written, apart from any socket."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.store import dumps

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """Header names in lower case, `path` as it came (percent signs and all). `json` is None without a body; bad JSON
    never gets this far."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    json: Any = None
    form: bool = False


@dataclass(slots=True)
class Answer:
    """`manner` is how it is written: whole, drip, invalidJson, cutOff or lostReply."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    manner: str = "whole"
    drip_interval_s: float = 1.0


def reply(status: int, document: Any) -> Answer:
    """A JSON answer."""
    return Answer(status, dumps(document))


def error(status: int, code: str, message: str) -> Answer:
    """The contract's error body."""
    return reply(status, {"error": {"code": code, "message": message}})
