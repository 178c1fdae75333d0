"""What the documentation page draws, read from the API's own OpenAPI schema: nothing is written twice."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
CODE_AHEAD = re.compile(r"\s+(?=`\w+`:)")


Line = tuple[tuple[bool, str], ...]  # pieces of a sentence: whether it is code, and its text


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    words: str
    required: bool


@dataclass(frozen=True)
class Answer:
    status: str
    lines: tuple[Line, ...]  # a line for each code that a refusal may carry
    example: str  # JSON; empty: no body is shown


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    words: str
    parameters: tuple[Field, ...]
    bodies: tuple[tuple[str, str], ...]  # what it shows, JSON
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Reference:
    groups: tuple[tuple[str, tuple[Operation, ...]], ...]
    shapes: tuple[tuple[str, tuple[Field, ...]], ...]


@cache
def read() -> Reference:
    """The same for everybody and for the life of the process: routes don't change while it runs."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    groups: dict[str, list[Operation]] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                one = methods[method]
                groups.setdefault(one["tags"][0], []).append(_operation(method, path, one))
    shapes = schema["components"]["schemas"]
    drawn = ((name, tuple(_fields(shape, shapes))) for name, shape in shapes.items() if shape.get("properties"))
    return Reference(tuple((name, tuple(group)) for name, group in groups.items()), tuple(drawn))


def _operation(method: str, path: str, one: Mapping[str, Any]) -> Operation:
    parameters = tuple(
        Field(row["name"], _type(row["schema"], {}), row.get("description", ""), row.get("required", False))
        for row in one.get("parameters", ())
    )
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        words=one.get("description", ""),
        parameters=parameters,
        bodies=tuple(_examples(one.get("requestBody", {}))),
        answers=tuple(_answer(status, answer) for status, answer in sorted(one["responses"].items())),
    )


def _answer(status: str, answer: Mapping[str, Any]) -> Answer:
    examples = [example for _summary, example in _examples(answer)]
    lines = CODE_AHEAD.split(answer["description"]) if answer.get("description") else []
    return Answer(status, tuple(map(_line, lines)), examples[0] if examples and status < "300" else "")


def _line(words: str) -> Line:
    return tuple((bool(number % 2), text) for number, text in enumerate(words.split("`")) if text)


def _examples(holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    examples = holder.get("content", {}).get(JSON, {}).get("examples", {})
    for example in examples.values():
        yield example.get("summary", ""), json.dumps(example["value"], indent=2, ensure_ascii=False)


def _fields(shape: Mapping[str, Any], shapes: Mapping[str, Any]) -> Iterator[Field]:
    required = shape.get("required", ())
    for name, field in shape["properties"].items():
        words = field.get("description") or field.get("title", "")
        yield Field(name, _type(field, shapes), "" if _is_list_of_choices(words) else words, name in required)


def _is_list_of_choices(words: str) -> bool:
    """The schema repeats an enumeration as a Markdown list; the type says it already."""
    return bool(re.match(r"^\* `", words))


def _type(field: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    """`string (decimal) or null`, `list of Session`, `"open" | "closed"`."""
    if reference := field.get("$ref"):
        name = reference.rpartition("/")[2]
        return _choices(shapes[name]) if "enum" in shapes.get(name, {}) else name
    if several := field.get("oneOf") or field.get("allOf") or field.get("anyOf"):
        words = " | ".join(_type(one, shapes) for one in several)
    elif "enum" in field:
        words = _choices(field)
    elif field.get("type") == "array":
        words = f"list of {_type(field['items'], shapes)}"
    else:
        words = field.get("type", "any") + (f" ({field['format']})" if "format" in field else "")
    return f"{words} or null" if field.get("nullable") else words


def _choices(shape: Mapping[str, Any]) -> str:
    return " | ".join(json.dumps(value) for value in shape["enum"])
