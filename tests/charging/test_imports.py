"""What a session file becomes: every good row once, every bad row named."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from charging import imports, session_file
from charging.models import Session
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HEAD = "session_id,station,start_utc,end_utc,energy_kwh,connector,cost,currency,charging_s,whatever"
GOOD = "s1,HC-1,2019-06-03T10:00:00Z,2019-06-03T11:00:00Z,6.706,1,2.35,USD,1800,x"


def _file(folder: Path, *lines: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
    path = folder / "sessions.csv"
    path.write_bytes("\r\n".join([head, *lines]).encode(encoding))
    return path


def _run(path: Path) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_sessions", str(path), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_row_becomes_a_completed_final_session(tmp_path: Path) -> None:
    station = factories.station(vendor_id="HC-1", connectors=1)
    outcome = imports.save(station.organisation, session_file.read(_file(tmp_path, GOOD)), now=NOW)
    session = Session.objects.get()
    start = datetime(2019, 6, 3, 10, tzinfo=UTC)
    end = start + timedelta(hours=1)
    assert (outcome.created, outcome.known, outcome.bad) == (1, 0, [])
    assert (session.vendor_session_id, session.state, session.origin) == ("import:s1", "completed", "import")
    assert (session.started_at, session.charging_ended_at) == (start, start + timedelta(seconds=1800))
    assert (session.completed_at, session.ended_at, session.final_at) == (end, end, NOW)
    assert (session.energy_kwh, session.cost, session.currency) == (Decimal("6.706"), Decimal("2.3500"), "USD")
    assert (session.duration_s, session.holds_connector, session.connector.number) == (3600, False, 1)  # type: ignore[union-attr]


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    factories.station(vendor_id="HC-1")
    path = _file(tmp_path, GOOD, GOOD)
    _run(path)
    before = list(Session.objects.values())
    out, _err = _run(path)
    assert list(Session.objects.values()) == before
    assert len(before) == 1
    assert "0 sessions imported" in out.splitlines()[-1]
    assert "2 were there already" in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (GOOD.replace("HC-1", "HC-9"), "station HC-9 is not known"),
        (GOOD.replace("s1,", ",", 1), "session_id is empty"),
        (GOOD.replace("2019-06-03T10:00:00Z", "yesterday"), "start_utc is not a time: 'yesterday'"),
        (GOOD.replace("6.706", "NaN"), "energy_kwh is not a number: 'NaN'"),
        (GOOD.replace("6.706", "-1"), "energy_kwh is out of range: '-1'"),
        (GOOD.replace("6.706,1", "6.706,7"), "station HC-1 has no connector 7"),
        (GOOD.replace("USD", "dollars"), "currency is not an ISO 4217 code: 'DOLLARS'"),
        ("s3", "station is empty"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_imported(tmp_path: Path, line: str, why: str) -> None:
    factories.station(vendor_id="HC-1")
    _out, err = _run(_file(tmp_path, GOOD.replace("s1", "s0", 1), line))
    assert err.startswith(f"line 3: {why}")
    assert [session.vendor_session_id for session in Session.objects.all()] == ["import:s0"]


def test_an_end_that_is_not_after_the_start_is_kept(tmp_path: Path) -> None:
    factories.station(vendor_id="HC-1")
    _run(_file(tmp_path, "s1,HC-1,2019-06-03T10:00:00Z,2019-06-03T09:00:00Z,0,,,,,"))
    session = Session.objects.get()
    assert (session.duration_s, session.energy_kwh, session.cost, session.currency) == (0, Decimal(0), None, "CAD")


def test_gzip_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    factories.station(vendor_id="HC-1")
    plain = _file(tmp_path, GOOD, encoding="utf-8-sig")
    packed = tmp_path / "sessions.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert "1 sessions imported" in _run(packed)[0]


def test_a_file_of_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    factories.station(vendor_id="HC-1")
    with pytest.raises(CommandError, match=r"not UTF-8\. Save it as"):
        _run(_file(tmp_path, GOOD.replace("x", "é"), encoding="latin-1"))
    assert not Session.objects.exists()


def test_missing_columns_are_named(tmp_path: Path) -> None:
    factories.organisation()
    with pytest.raises(CommandError, match="lacks these columns: end_utc, energy_kwh"):
        _run(_file(tmp_path, head="session_id,station,start_utc"))


def test_nothing_readable_is_a_failure(tmp_path: Path) -> None:
    factories.organisation()
    with pytest.raises(CommandError, match="No row could be read"):
        _run(_file(tmp_path, GOOD))


def test_the_demo_organisation_goes_before_others(tmp_path: Path) -> None:
    factories.station(vendor_id="HC-1")
    demo = factories.organisation()
    demo.is_demo = True
    demo.save()
    factories.station(factories.site(demo), vendor_id="HC-1")
    _run(_file(tmp_path, GOOD))
    assert Session.objects.get().organisation == demo


def test_a_choice_between_organisations_must_be_made(tmp_path: Path) -> None:
    factories.organisation()
    factories.organisation()
    with pytest.raises(CommandError, match="--organisation NAME"):
        _run(_file(tmp_path, GOOD))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_write(tmp_path: Path, encoding: str, delimiter: str) -> None:
    station = factories.station(vendor_id="HC-1", connectors=1)
    row = GOOD.replace(",", delimiter)
    row = row.replace("6.706", "6,706").replace("2.35", "2,35") if delimiter == ";" else row
    path = _file(tmp_path, row, head=HEAD.replace(",", delimiter), encoding=encoding)
    outcome = imports.save(station.organisation, session_file.read(path), now=NOW)
    assert outcome.bad == []
    assert list(Session.objects.values_list("energy_kwh", "cost")) == [(Decimal("6.706"), Decimal("2.3500"))]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
def test_an_encoding_that_cannot_be_known_is_told(tmp_path: Path, encoding: str) -> None:
    factories.station(vendor_id="HC-1", connectors=1)
    path = _file(tmp_path, GOOD.replace("s1", "é1"), encoding=encoding)
    with pytest.raises(CommandError, match="Save it as “CSV UTF-8”"):
        _run(path)
    assert Session.objects.count() == 0
