"""CSV files for people."""

import pytest

from lib import csv_file


@pytest.mark.parametrize(
    ("given", "cell"),
    [("plain", "plain"), (None, ""), (3, "3"), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x")],
)
def test_no_cell_is_a_formula(given: object, cell: str) -> None:
    assert csv_file.text(given) == cell


def test_an_answer_is_written_line_by_line() -> None:
    sent = csv_file.answer([["a", "b"], ["one, two", 'say "x"']], "rows.csv")
    assert b"".join(sent) == b'a,b\r\n"one, two","say ""x"""\r\n'
    assert sent["Content-Disposition"] == 'attachment; filename="rows.csv"'
