"""How an operation stands in the schema: what it answers, each refusal with its code, and examples."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from api import examples
from api.serializers import ErrorBody

F = TypeVar("F", bound=Callable[..., Any])

# Code: status, and when it comes. The words of the answer itself are for people and may change.
REFUSALS: dict[str, tuple[int, str]] = {
    "invalid": (400, "Some of the input is wrong; `fields` says which."),
    "parse_error": (400, "The body is not JSON."),
    "unauthorized": (401, "No key, or one that is unknown or revoked."),
    "forbidden": (403, "The role of the key's owner does not allow it."),
    "not_found": (404, "There is nothing under this address, or it is not yours."),
    "in_session": (409, "Another session is going on there; Retry-After says when to ask again."),
    "blocked": (409, "An earlier start got no answer and may still begin; Retry-After says when the block ends."),
    "not_stoppable": (409, "The session has ended, or its end was asked for already."),
    "too_long": (413, f"The body is longer than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2} MB."),
    "unsupported_media_type": (415, "The body is not named as JSON: send `Content-Type: application/json`."),
    "unavailable": (422, "The station is not active, offline, faulted or closed by a command."),
    "no_such_connector": (422, "The station has no connector of that number."),
    "ambiguous": (422, "Several stations have this id: name it by our own id, as a number."),
    "bad_command": (422, "The stations cannot be asked this; the message says why."),
    "too_many_wrong_keys": (429, "Too many wrong keys came from this address; Retry-After says when to try again."),
    "away": (503, "The database is away for a moment; Retry-After says when to send the same request again."),
}
ALWAYS = ("unauthorized", "forbidden", "too_many_wrong_keys", "away")
BODY = ("invalid", "parse_error", "too_long", "unsupported_media_type")  # where a body is read


def operation(
    operation_id: str,
    answers: Mapping[int, Any],
    *refusals: str,
    example: Any = None,
    asked: Mapping[str, Any] | None = None,
    **more: Any,
) -> Callable[[F], F]:
    """extend_schema, with the refusals beside the answers. `example` is the body of the answer, `asked` are bodies of
    requests by name."""
    shown = [
        OpenApiExample(name, value=body, request_only=True, media_type="application/json")
        for name, body in (asked or {}).items()
    ]
    responses = {
        status: OpenApiResponse(shape, examples=[OpenApiExample("Answer", value=example)] if example else [])
        for status, shape in answers.items()
    }
    return extend_schema(
        operation_id=operation_id,
        responses=responses | _refused((*ALWAYS, *refusals)),
        examples=shown,
        **more,
    )


def _refused(codes: Iterable[str]) -> dict[int, OpenApiResponse]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[REFUSALS[code][0]].append(code)
    return {
        status: OpenApiResponse(
            ErrorBody,
            description=" ".join(f"`{code}`: {REFUSALS[code][1]}" for code in same),
            examples=[OpenApiExample(code, value=examples.error(code, REFUSALS[code][1])) for code in same],
        )
        for status, same in sorted(by_status.items())
    }
