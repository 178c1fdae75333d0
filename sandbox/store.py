"""The world on disk: one SQLite table of JSON documents, so that kill -9 loses nothing that was acknowledged.

Knows how to spell the records of `model`, not what they mean.
"""

import json
import sqlite3
import typing
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox import model

RECORDS: dict[str, type] = {
    name: record for name, record in vars(model).items() if isinstance(record, type) and is_dataclass(record)
}


def spell(thing: Any) -> Any:
    """A record, time or Decimal as plain JSON values that `unspell` turns back into the same."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return {"$": type(thing).__name__, **{f.name: spell(getattr(thing, f.name)) for f in fields(thing)}}
    if isinstance(thing, Decimal):
        return {"$": "Decimal", "value": str(thing)}
    if isinstance(thing, datetime):
        return {"$": "datetime", "value": thing.isoformat()}
    if isinstance(thing, dict):
        return {key: spell(value) for key, value in thing.items()}
    if isinstance(thing, tuple):
        return {"$": "tuple", "value": [spell(value) for value in thing]}
    return [spell(value) for value in thing] if isinstance(thing, list) else thing


def unspell(document: Any) -> Any:
    """The inverse of `spell`."""
    if isinstance(document, list):
        return [unspell(value) for value in document]
    if not isinstance(document, dict):
        return document
    kind = document.get("$")
    plain = {key: unspell(value) for key, value in document.items() if key != "$"}
    match kind:
        case None:
            return plain
        case "Decimal":
            return Decimal(plain["value"])
        case "datetime":
            return datetime.fromisoformat(plain["value"])
        case "tuple":
            return tuple(plain["value"])
    return RECORDS[kind](**plain)


class Store:
    """Documents by kind and id. Used under the world's lock only. Without a path it lives in memory."""

    def __init__(self, path: str | None) -> None:
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS document (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id))"
        )
        self.on_disk = path is not None

    def save(self, things: Iterable[tuple[str, str, Any]]) -> None:
        """Write all of them or none; on return they survive the death of this process."""
        if not self.on_disk:
            return
        rows = [(kind, name, json.dumps(spell(thing), separators=(",", ":"))) for kind, name, thing in things]
        self._database.execute("BEGIN")
        # An upsert keeps the row's place, and with it the order in which things came into the world.
        self._database.executemany(
            "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body", rows
        )
        self._database.execute("COMMIT")

    def load(self, kind: str) -> Iterator[Any]:
        """All documents of a kind, in the order in which they were first written."""
        rows = self._database.execute("SELECT body FROM document WHERE kind = ? ORDER BY rowid", (kind,))
        for (body,) in rows.fetchall():
            yield unspell(json.loads(body))

    def clear(self) -> None:
        self._database.execute("DELETE FROM document")

    def close(self) -> None:
        self._database.close()


def plain(thing: Any) -> Any:
    """`json.dumps` default: Decimals as numbers (a double keeps 15 digits, more than any amount here)."""
    if isinstance(thing, Decimal):
        return float(thing)
    raise TypeError(f"{type(thing).__name__} has no JSON form here")


def dumps(document: Any) -> bytes:
    """JSON for the wire."""
    return json.dumps(document, default=plain, separators=(",", ":")).encode()


def loads(body: bytes) -> Any:
    """JSON from the wire, numbers with a point as Decimal. ValueError for anything that is none."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The body is nested too deeply.") from error


def _refuse(name: str) -> typing.NoReturn:
    raise ValueError(f"{name} is not JSON.")
