"""The session file: CSV rows of past sessions, each a Row or a BadRow with its reason.

The columns are in docs/session_csv.md. What becomes of the rows is decided in charging.imports.
"""

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path

from django.utils.translation import gettext as _

REQUIRED = ("session_id", "station", "start_utc", "end_utc", "energy_kwh")
LONGEST_ID = 100
NUMBERS = ("energy_kwh", "cost", "charging_s", "total_duration_s")
GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ENERGY_LIMIT_KWH = Decimal(1_000_000)
COST_LIMIT = Decimal(1_000_000_000)
DURATION_LIMIT_S = 2**31 - 1


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text says why and what to do."""


class BadValue(Exception):
    """One row cannot be stored; the text says why."""


@dataclass(frozen=True)
class Row:
    """One past session as the file says it. Times are aware UTC."""

    line: int
    session_id: str
    station: str
    connector: int | None
    reference: str
    started_at: datetime
    ended_at: datetime
    charging_s: int | None
    duration_s: int
    energy_kwh: Decimal
    cost: Decimal | None
    currency: str


@dataclass(frozen=True)
class BadRow:
    line: int
    why: str


def read(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV file, plain or .gz, UTF-8 with or without a mark or UTF-16 with one, between commas, semicolons
    or tabs. Raises UnreadableFile."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
        raw = gzip.open(path) if packed else path.open("rb")  # noqa: SIM115  the wrapper closes it
        encoding = "utf-16" if raw.peek(2)[:2] in UTF16_MARKS else "utf-8-sig"
        with io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
            head = text.readline()
            if "\0" in head:
                raise UnicodeError("UTF-16 without its mark")
            delimiter = max(",;\t", key=head.count)
            yield from _rows(csv.DictReader(chain([head], text), delimiter=delimiter), decimal_comma=delimiter == ";")
    except UnicodeError:
        raise UnreadableFile(_("The file is not UTF-8. Save it as “CSV UTF-8” and import it again.")) from None
    except (OSError, EOFError, csv.Error) as error:
        raise UnreadableFile(_("The file cannot be read: %(why)s.") % {"why": error}) from error


def _rows(reader: "csv.DictReader[str]", *, decimal_comma: bool) -> Iterator[Row | BadRow]:
    """A spreadsheet that parts cells by semicolons writes 6,706 for 6.706."""
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableFile(_("The first line lacks these columns: %(names)s.") % {"names": ", ".join(missing)})
    for values in reader:
        cells = {name: (values[name] or "").strip() for name in values if name is not None}
        if decimal_comma:
            cells |= {name: cells[name].replace(",", ".") for name in NUMBERS if name in cells}
        try:
            yield _row(reader.line_num, cells)
        except BadValue as bad:
            yield BadRow(reader.line_num, str(bad))


def _row(line: int, values: Mapping[str, str]) -> Row:
    for name in REQUIRED:
        if not values[name]:
            raise BadValue(_("%(name)s is empty") % {"name": name})
    started_at, ended_at = _moment(values, "start_utc"), _moment(values, "end_utc")
    said_s = _whole(values, "total_duration_s")
    return Row(
        line=line,
        session_id=_text(values, "session_id", LONGEST_ID),
        station=values["station"],
        connector=_whole(values, "connector"),
        reference=_text(values, "reference", 120),
        started_at=started_at,
        ended_at=ended_at,
        charging_s=_whole(values, "charging_s"),
        duration_s=max(0, int((ended_at - started_at).total_seconds())) if said_s is None else said_s,
        energy_kwh=_amount(values, "energy_kwh", ENERGY_LIMIT_KWH, places=3) or Decimal(0),
        cost=_amount(values, "cost", COST_LIMIT, places=4),
        currency=_currency(values),
    )


def _text(values: Mapping[str, str], name: str, longest: int) -> str:
    text = values.get(name, "")
    if "\0" in text:
        raise BadValue(_("%(name)s holds a NUL character") % {"name": name})
    if len(text) > longest:
        raise BadValue(_("%(name)s is longer than %(longest)s characters") % {"name": name, "longest": longest})
    return text


def _moment(values: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(values[name])
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(_("%(name)s is not a time: %(value)r") % {"name": name, "value": values[name][:40]}) from None


def _whole(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name, "")
    if not text:
        return None
    number = _decimal(name, text)
    if number != number.to_integral_value() or not 0 <= number <= DURATION_LIMIT_S:
        raise BadValue(_("%(name)s is not a whole number: %(value)r") % {"name": name, "value": text[:40]})
    return int(number)


def _amount(values: Mapping[str, str], name: str, limit: Decimal, *, places: int) -> Decimal | None:
    text = values.get(name, "")
    if not text:
        return None
    number = _decimal(name, text)
    if not 0 <= number < limit:
        raise BadValue(_("%(name)s is out of range: %(value)r") % {"name": name, "value": text[:40]})
    return number.quantize(Decimal(1).scaleb(-places))


def _decimal(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BadValue(_("%(name)s is not a number: %(value)r") % {"name": name, "value": text[:40]})
    return number


def _currency(values: Mapping[str, str]) -> str:
    text = values.get("currency", "").upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise BadValue(_("currency is not an ISO 4217 code: %(value)r") % {"value": text[:40]})
    return text
