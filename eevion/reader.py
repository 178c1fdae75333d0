"""Reads the keys of one vendor document liberally, and notes as drift whatever the contract does not know.

A value that cannot be read is None ("not said") with a notice, never a guess and never an exception; only an id or a
list that everything hangs on makes a document unreadable. How single values are read lives in `values`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from eevion import values
from eevion.document import JSON, Document, dump
from eevion.errors import UnexpectedPayload

SAMPLE_LIMIT = 120
PATH_LIMIT = 255

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")


class DriftKind(StrEnum):
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_VALUE = "unknown_value"
    BAD_VALUE = "bad_value"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between a document and the contract: where ("results[].status"), what kind, the first sample."""

    path: str
    kind: DriftKind
    sample: str


class Reader:
    """One object of a document. Every key that was asked for counts as known; the others are drift."""

    def __init__(self, document: Document, path: str = "") -> None:
        self.document = document
        self._path = path
        self._asked: set[str] = set()
        self._found: dict[tuple[str, DriftKind], Drift] = {}

    def drift(self) -> tuple[Drift, ...]:
        """Everything noted so far, one notice per place and kind, plus the keys nobody asked for."""
        for key, value in self.document.items():
            if key not in self._asked:
                self.note(DriftKind.UNKNOWN_KEY, key, value)
        return tuple(self._found.values())

    def adopt(self, drifts: tuple[Drift, ...]) -> None:
        """Take over the notices of a part of this document."""
        for drift in drifts:
            self._found.setdefault((drift.path, drift.kind), drift)

    def note(self, kind: DriftKind, key: str, value: JSON) -> None:
        path = (self._path + key)[:PATH_LIMIT]
        sample = "" if value is None else dump(value)[:SAMPLE_LIMIT]
        self._found.setdefault((path, kind), Drift(path, kind, sample))

    def expect(self, *keys: str) -> None:
        """Note keys that the contract promises and the document lacks."""
        for key in keys:
            if self.document.get(key) is None:
                self.note(DriftKind.MISSING, key, None)

    def ignore(self, *keys: str) -> None:
        """Keys that are known and carry nothing we need."""
        self._asked.update(keys)

    def identity(self, key: str) -> str:
        """The id of the document. Raises UnexpectedPayload without one."""
        said = self.label(key)
        if said is None:
            raise UnexpectedPayload(f"The document has no {self._path}{key}.", body=dump(self.document))
        return said

    def label(self, key: str) -> str | None:
        return self._take(key, values.label)

    def labels(self, key: str) -> tuple[str, ...]:
        said = (self._read(f"{key}[]", item, values.label) for item in self._list(key))
        return tuple(filter(None, said))

    def text(self, key: str) -> str | None:
        return self._take(key, values.text)

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """A value of an enumeration in any letter case; an unknown one is None with a notice."""
        said = self.label(key)
        if said is None:
            return None
        for choice in choices:
            if choice.value.casefold() == said.casefold():
                return choice
        self.note(DriftKind.UNKNOWN_VALUE, key, said)
        return None

    def amount(self, key: str, limit: Decimal) -> Decimal | None:
        return self._take(key, lambda value: values.amount(value, limit))

    def count(self, key: str, limit: int) -> int | None:
        return self._take(key, lambda value: values.count(value, limit))

    def seconds(self, key: str, limit: int) -> int | None:
        return self._take(key, lambda value: values.seconds(value, limit))

    def moment(self, key: str) -> datetime | None:
        return self._take(key, values.moment)

    def day(self, key: str) -> date | None:
        return self._take(key, values.day)

    def currency(self, key: str) -> str | None:
        return self._take(key, values.currency)

    def part(self, key: str) -> "Reader | None":
        """A nested object."""
        self._asked.add(key)
        value = self.document.get(key)
        if isinstance(value, dict):
            return Reader(value, f"{self._path}{key}.")
        if value is not None:
            self.note(DriftKind.BAD_VALUE, key, value)
        return None

    def parts(self, key: str) -> Iterator["Reader"]:
        """The objects of a list; whatever else stands in it is noted and passed over."""
        for item in self._list(key):
            if isinstance(item, dict):
                yield Reader(item, f"{self._path}{key}[].")
            else:
                self.note(DriftKind.BAD_VALUE, f"{key}[]", item)

    def page(self, key: str, read: Callable[["Reader"], Value]) -> tuple[Value, ...]:
        """The documents of a page, each read by `read`. Raises UnexpectedPayload when the list itself is not there.

        One that `read` finds unreadable is noted and passed over: it must not hide the others.
        """
        if not isinstance(self.document.get(key), list):
            raise UnexpectedPayload(f"The document has no list {key}.", body=dump(self.document))
        found = []
        for part in self.parts(key):
            try:
                found.append(read(part))
            except UnexpectedPayload:
                self.note(DriftKind.BAD_VALUE, f"{key}[]", part.document)
            else:
                self.adopt(part.drift())
        return tuple(found)

    def _take(self, key: str, convert: Callable[[JSON], Value]) -> Value | None:
        self._asked.add(key)
        return self._read(key, self.document.get(key), convert)

    def _read(self, key: str, value: JSON, convert: Callable[[JSON], Value]) -> Value | None:
        """Absent and null are "not said", which is no drift."""
        if value is None:
            return None
        try:
            return convert(value)
        except ValueError:
            self.note(DriftKind.BAD_VALUE, key, value)
            return None

    def _list(self, key: str) -> list[JSON]:
        self._asked.add(key)
        value = self.document.get(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self.note(DriftKind.BAD_VALUE, key, value)
        return []
