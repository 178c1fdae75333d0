"""Reading a station list: bytes to text, text to rows, a row to checked values. Nothing here knows the database."""

import codecs
import csv
import io
import re
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import AnyStr

from django.utils.translation import gettext as _

from fleet import sites

MAX_ROWS = 20_000
MAX_CONNECTORS = 40
PLACE_COLUMNS = ("site", "timezone", "currency", "latitude", "longitude", "grid_limit_kw")
COLUMNS = (*PLACE_COLUMNS, "station", "name", "level", "connectors", "rated_kw")


class Unreadable(Exception):
    """The whole input cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """A site as a row names it; None and empty mean "not said"."""

    name: str
    timezone: str = ""
    currency: str = ""
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    grid_limit_kw: Decimal | None = None

    def contradicts(self, other: "Place") -> str:
        """The first fact that both say differently, else empty."""
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            if mine not in ("", None) and theirs not in ("", None) and mine != theirs:
                return field.name
        return ""


@dataclass(frozen=True)
class Row:
    """One station of the list. `line` counts from 1 as an editor does."""

    line: int
    place: Place
    station: str
    name: str
    level: int
    connectors: int
    rated_kw: Decimal | None


@dataclass(frozen=True)
class BadRow:
    line: int
    text: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Defaults:
    """What a row that does not say takes."""

    site: str = ""
    level: int = 2
    connectors: int = 1


@dataclass(frozen=True)
class Read:
    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]


def decode(data: bytes) -> tuple[str, str]:
    """The text and a sentence where the encoding was a guess.

    UTF-8 with or without a mark, UTF-16 with one ("Unicode text" of a spreadsheet), else Windows Latin-1.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _without_nul(data.decode("utf-16", errors="replace")), ""
    _without_nul(data)
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        return text, _("The file is not UTF-8; it was read as Latin-1. Check the accents in the names below.")


def _without_nul(content: AnyStr) -> AnyStr:
    """What holds a NUL is no text, and the database would refuse it. Raises Unreadable."""
    nul = "\0" if isinstance(content, str) else b"\0"
    if nul in content:
        raise Unreadable(_("This is not a text file. Save the sheet as CSV and choose that file."))
    return content


def read(text: str, defaults: Defaults) -> Read:
    """A CSV with a head, or a plain list with one station id a line. Raises Unreadable."""
    text = text.lstrip("\ufeff")
    head = next((line for line in text.splitlines() if line.strip()), "")
    if not head:
        raise Unreadable(_("There is nothing to read. Paste station ids, one a line, or choose a CSV file."))
    delimiter = max(",;\t", key=head.count)
    names = [name.strip().strip('"').lower() for name in head.split(delimiter)]
    if "station" in names:
        raw = _table(text, delimiter, names)
    elif delimiter in head and {"site", "timezone"} & set(names):
        raise Unreadable(_("The column “station” is missing. The columns are: %s.") % ", ".join(COLUMNS))
    else:
        raw = [(n, line.strip(), {"station": line.strip().strip(",;")}) for n, line in _lines(text)]
    if len(raw) > MAX_ROWS:
        raise Unreadable(_("More than %d rows. Split the file and import its parts one after the other.") % MAX_ROWS)
    return _checked(raw, defaults)


Raw = tuple[int, str, dict[str, str]]


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


def _table(text: str, delimiter: str, names: list[str]) -> list[Raw]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[Raw] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                values = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
                rows.append((reader.line_num, delimiter.join(cells)[:200], values))
    except csv.Error as error:
        words = {"line": reader.line_num, "error": error}
        raise Unreadable(_("Line %(line)d cannot be read: %(error)s.") % words) from error
    return rows[1:]


def _checked(raw: list[Raw], defaults: Defaults) -> Read:
    rows: list[Row] = []
    bad: list[BadRow] = []
    first_line: dict[str, int] = {}
    places: dict[str, tuple[int, Place]] = {}
    for line, text, values in raw:
        check = _Check(values, defaults)
        row = check.row(line)
        if row.station in first_line:
            check.problems.append(_("station id twice, first in line %d") % first_line[row.station])
        first_line.setdefault(row.station, line)
        other_line, other = places.setdefault(row.place.name, (line, row.place))
        if fact := row.place.contradicts(other):
            check.problems.append(_("%(fact)s differs from line %(line)d") % {"fact": fact, "line": other_line})
        if check.problems:
            bad.append(BadRow(line, text, tuple(check.problems)))
        else:
            rows.append(row)
    return Read(tuple(rows), tuple(bad))


class _Check:
    """Reads one row's values and gathers what is wrong with them, all of it at once."""

    def __init__(self, values: dict[str, str], defaults: Defaults) -> None:
        self.values = values
        self.defaults = defaults
        self.problems: list[str] = []

    def row(self, line: int) -> Row:
        return Row(
            line=line,
            place=self._place(),
            station=self._text("station", 100, required=True),
            name=self._text("name", 120),
            level=self._whole("level", self.defaults.level, 2, 3),
            connectors=self._whole("connectors", self.defaults.connectors, 1, MAX_CONNECTORS),
            rated_kw=self._number("rated_kw", Decimal("0.01"), Decimal(99_999)),
        )

    def _place(self) -> Place:
        name = self._text("site", 120) or self.defaults.site
        if not name:
            self.problems.append(_("no site: name it in the column “site” or choose one beside the list"))
        zone, currency = self.values.get("timezone", ""), self.values.get("currency", "").upper()
        if zone and zone not in sites.zones():
            self.problems.append(_("unknown time zone “%s”; write it like America/Toronto") % zone)
        if currency and not re.fullmatch("[A-Z]{3}", currency):
            self.problems.append(_("currency “%s” is not three letters like CAD") % currency)
        return Place(
            name,
            zone,
            currency,
            self._number("latitude", Decimal(-90), Decimal(90)),
            self._number("longitude", Decimal(-180), Decimal(180)),
            self._number("grid_limit_kw", Decimal("0.1"), Decimal(99_999_999)),
        )

    def _text(self, column: str, limit: int, *, required: bool = False) -> str:
        text = self.values.get(column, "")
        if required and not text:
            self.problems.append(_("no station id"))
        if not text.isprintable():
            self.problems.append(_("%s holds a character that cannot be seen, such as a line break") % column)
        if len(text) > limit:
            self.problems.append(
                _("%(column)s is longer than %(limit)d characters") % {"column": column, "limit": limit}
            )
        return text

    def _number(self, column: str, low: Decimal, high: Decimal) -> Decimal | None:
        text = self.values.get(column, "")
        if not text:
            return None
        try:
            value = Decimal(text.replace(",", "."))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not low <= value <= high:
            words = {"column": column, "text": text, "low": low, "high": high}
            self.problems.append(_("%(column)s “%(text)s” is not a number from %(low)s to %(high)s") % words)
            return None
        return value

    def _whole(self, column: str, default: int, low: int, high: int) -> int:
        text = self.values.get(column, "")
        if not text:
            return default
        if not re.fullmatch("[0-9]{1,4}", text) or not low <= int(text) <= high:
            words = {"column": column, "text": text, "low": low, "high": high}
            self.problems.append(_("%(column)s “%(text)s” is not a whole number from %(low)d to %(high)d") % words)
            return default
        return int(text)
