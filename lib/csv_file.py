"""CSV files for people: cells that no spreadsheet takes for a formula, and an answer that is sent as it is written."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text(value: object) -> str:
    """A cell of text. A spreadsheet takes some beginnings for a formula; the apostrophe makes them text."""
    words = "" if value is None else str(value)
    return f"'{words}" if words.startswith(FORMULA) else words


def answer(lines: Iterable[Sequence[str]], name: str) -> StreamingHttpResponse:
    """The lines as a download called `name`, line by line, so that a long file needs no memory."""
    sent = StreamingHttpResponse(_written(lines), content_type="text/csv; charset=utf-8")
    sent["Content-Disposition"] = f'attachment; filename="{name}"'
    return sent


class _Echo:
    """csv wants a file; this one hands each line on."""

    def write(self, line: str) -> str:
        return line


def _written(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for line in lines:
        yield writer.writerow(line)
