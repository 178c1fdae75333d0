"""The replay's own judgement: which rows are played, and that nothing that does not fit passes for explained."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench import weeks
from bench.replay import join, rows

ROW = rows.Row(
    reference="replay-1", session_id="1", station="HC-1", connector=None, site="Replay", zone="America/Denver", level=2,
    start_at=datetime(2019, 6, 3, 12, tzinfo=UTC), duration_s=60, charging_s=60, energy_kwh=Decimal("1.5"),
)  # fmt: skip


def _ours(**changes: Any) -> dict[str, Any]:
    said = {"reference": "replay-1", "state": "completed", "energy_kwh": "1.500", "final_at": "x", "error": ""}
    return said | changes


def _theirs(**changes: Any) -> dict[str, Any]:
    said = {"externalReference": "replay-1", "status": "completed", "energy": 1.5, "replyLost": False, "webhooks": []}
    return said | changes


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([_ours()], [_theirs()], "completed"),
        ([_ours()], [_theirs(replyLost=True)], "completed"),
        ([_ours(state="unknown", energy_kwh=None)], [_theirs(replyLost=True)], "unknown"),
        ([_ours(state="unknown", energy_kwh=None)], [_theirs()], "unexplained"),
        (
            [_ours(state="unknown", energy_kwh=None)],
            [_theirs(replyLost=True, webhooks=[{"outcome": "delivered"}])],
            "unexplained",
        ),
        ([_ours(state="expired", energy_kwh=None)], [_theirs(status="expired", energy=0)], "expired"),
        ([_ours(state="failed", energy_kwh=None)], [], "unexplained"),
        ([_ours(state="charging")], [_theirs()], "unexplained"),
        ([_ours(final_at=None)], [_theirs()], "unexplained"),
        ([_ours(energy_kwh="1.501")], [_theirs()], "unexplained"),
        ([_ours(energy_kwh="1.499")], [_theirs(energy=1.499)], "unexplained"),
        ([_ours(), _ours()], [_theirs()], "unexplained"),
        ([_ours()], [_theirs(), _theirs()], "unexplained"),
        ([], [_theirs()], "unexplained"),
        ([], [], "unexplained"),
    ],
)
def test_every_row_gets_the_verdict_that_the_books_bear(ours: Any, theirs: Any, verdict: str) -> None:
    assert [one.verdict for one in join.join([ROW], ours, theirs, {})] == [verdict]


def test_a_driver_in_trouble_is_never_explained() -> None:
    assert (
        join.join([ROW], [_ours()], [_theirs()], {"replay-1": "no connector became free"})[0].verdict == "unexplained"
    )


def test_the_difference_of_the_totals_is_that_of_the_named_rows() -> None:
    unknown = join.Joined(ROW, "unknown", Decimal(0), Decimal("1.5"))
    lost = join.Joined(ROW, "unexplained", Decimal(0), Decimal("1.5"))
    assert join.difference_is_explained([unknown])
    assert not join.difference_is_explained([unknown, lost])
    assert join.table([unknown])[5].split() == ["total", "1", "1.500", "0.000", "1.500"]


def test_a_session_of_nobody_is_named() -> None:
    assert join.strangers([ROW], [_ours(), _ours(reference="who")], [_theirs()]) == ["who"]


def test_without_the_file_the_four_weeks_are_skipped_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHARGEHAND_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["weeks", "--quick"])
    assert weeks.main() == 0
    assert capsys.readouterr().out == (
        '{"rows": 0, "skipped": "CHARGEHAND_DATA names no folder that holds boulder_sessions_2018_2021.csv.gz"}\n'
    )


def test_rows_are_chosen_by_the_local_day_of_their_start(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(
        "session_id,station,start_utc,end_utc,energy_kwh,start_tz,charging_s\n"
        "1,A,2019-06-03T05:59:59Z,2019-06-03T07:00:00Z,1,MDT,\n"
        "2,A,2019-06-03T06:00:00Z,2019-06-03T08:00:00Z,2,MDT,9999\n"
        "3,A,2019-06-04T05:59:59Z,2019-06-04T05:00:00Z,0,MDT,0\n"
        "4,A,2019-06-03T07:00:00Z,2019-06-03T07:30:00Z,4,MDT,60\n"
        "5,A,2019-06-04T06:00:00Z,2019-06-04T07:00:00Z,5,MDT,\n"
    )
    found = rows.read(path, date(2019, 6, 3), 1)
    assert [(row.session_id, row.duration_s, row.charging_s) for row in found] == [
        ("2", 7200, 7200), ("4", 1800, 60), ("3", 1, 0),
    ]  # fmt: skip
    assert rows.connectors(found) == {"A": 2}
