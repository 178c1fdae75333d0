"""Reading a station list: encodings, delimiters, each fault named; and all good rows or none."""

from decimal import Decimal

import pytest

from fleet import import_rows, imports
from fleet.import_rows import BadRow, Defaults, Place, Row, Unreadable
from fleet.models import Site, Station
from people.roles import Role
from tests import factories

HEAD = "site,timezone,currency,latitude,longitude,grid_limit_kw,station,name,level,connectors,rated_kw\n"
LINE = "Port,America/Halifax,CAD,44.6,-63.5,150,HC-1,Nord,3,2,62.5"
PORT = Place("Port", "America/Halifax", "CAD", Decimal("44.6"), Decimal("-63.5"), Decimal(150))


@pytest.mark.parametrize(
    "text",
    [HEAD + LINE, (HEAD + LINE).replace(",", ";"), (HEAD + LINE).replace(",", "\t"), HEAD + "\r\n" + LINE + "\n\n"],
)
def test_any_delimiter_and_line_end(text: str) -> None:
    found = import_rows.read(text, Defaults())
    assert [(row.place, row.station, row.name, row.level, row.connectors, row.rated_kw) for row in found.rows] == [
        (PORT, "HC-1", "Nord", 3, 2, Decimal("62.5"))
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_encoding(encoding: str) -> None:
    text, warning = import_rows.decode("station,name\nHC-1,Dépôt".encode(encoding))
    assert text == "station,name\nHC-1,Dépôt"
    assert ("Latin-1" in warning) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("text", "said"), [("", "nothing to read"), ("site,timezone\nPort,UTC", "“station” is missing")]
)
def test_what_cannot_be_read_at_all(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        import_rows.read(text, Defaults())


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04\0", "station\nHC-1".encode("utf-16-le"), "station\nHC\0".encode("utf-16")]
)
def test_a_file_that_is_no_text(data: bytes) -> None:
    with pytest.raises(Unreadable, match="Save the sheet as CSV"):
        import_rows.decode(data)


def test_a_plain_list_takes_the_chosen_site() -> None:
    found = import_rows.read("HC-1\n\n  HC-2,\nHC-1\n", Defaults(site="Port", connectors=2))
    assert found.rows == (
        Row(1, Place("Port"), "HC-1", "", 2, 2, None),
        Row(3, Place("Port"), "HC-2", "", 2, 2, None),
    )
    assert found.bad_rows == (BadRow(4, "HC-1", ("station id twice, first in line 1",)),)


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("Port,Mars/North,CAD,,,,HC-1,,2,1,", ("unknown time zone “Mars/North”; write it like America/Toronto",)),
        ("Port,UTC,CAD,,,,,,2,1,", ("no station id",)),
        (
            "Port,UTC,CAD,,,,HC\u200b1,,2,1,",
            ("station holds a character that cannot be seen, such as a line break",),
        ),
        (",UTC,CAD,,,,HC-1,,2,1,", ("no site: name it in the column “site” or choose one beside the list",)),
        ("Port,UTC,DOLLAR,,,,HC-1,,2,1,", ("currency “DOLLAR” is not three letters like CAD",)),
        ("Port,UTC,CAD,north,,,HC-1,,2,1,", ("latitude “north” is not a number from -90 to 90",)),
        ("Port,UTC,CAD,,,,HC-1,,4,1,", ("level “4” is not a whole number from 2 to 3",)),
        (
            "Port,UTC,CAD,,,,HC-1,,2,0,NaN",
            (
                "connectors “0” is not a whole number from 1 to 40",
                "rated_kw “NaN” is not a number from 0.01 to 99999",
            ),
        ),
    ],
)
def test_each_fault_is_named(line: str, problems: tuple[str, ...]) -> None:
    found = import_rows.read(HEAD + line, Defaults())
    assert found.rows == ()
    assert [(row.line, row.problems) for row in found.bad_rows] == [(2, problems)]


def test_a_site_that_two_rows_tell_differently() -> None:
    text = "site,timezone,station\nPort,UTC,HC-1\nPort,America/Halifax,HC-2\nPort,,HC-3"
    found = import_rows.read(text, Defaults())
    assert [row.station for row in found.rows] == ["HC-1", "HC-3"]
    assert [(row.line, row.problems) for row in found.bad_rows] == [(3, ("timezone differs from line 2",))]


@pytest.mark.django_db
def test_what_is_there_already_is_named_and_a_new_site_needs_a_zone() -> None:
    owner = factories.member()
    account = factories.account(owner.organisation)
    there = factories.station(factories.site(owner.organisation, name="Port"), account=account, vendor_id="HC-1")
    text = "site,timezone,station\nPort,,HC-1\nPort,UTC,HC-2\nNew,,HC-3\nPort,,HC-4"
    found = imports.preview(actor=factories.actor(owner), account=account, text=text, defaults=Defaults())
    assert [row.station for row in found.rows] == ["HC-4"]
    assert [(row.line, row.problems) for row in found.bad_rows] == [
        (2, ("station HC-1 is already there",)),
        (3, (f"site “Port” is there with the time zone {there.site.timezone}",)),
        (4, ("site “New” is new and needs a time zone",)),
    ]


@pytest.mark.django_db
def test_somebody_limited_to_a_site_adds_to_no_other() -> None:
    home = factories.organisation()
    mine, other = factories.site(home, name="Mine"), factories.site(home, name="Other")
    actor = factories.actor(factories.member(Role.MANAGER, organisation=home, site_ids=[mine.pk]))
    text = f"site,timezone,station\nMine,,HC-1\n{other.name},UTC,HC-2\nNew,UTC,HC-3"
    found = imports.preview(actor=actor, account=factories.account(home), text=text, defaults=Defaults())
    assert [row.station for row in found.rows] == ["HC-1"]
    assert [row.problems[0][-38:] for row in found.bad_rows] == ["is none of yours; choose one of your sites"[-38:]] * 2


@pytest.mark.django_db
def test_a_conflict_in_the_middle_imports_nothing() -> None:
    owner = factories.member()
    account = factories.account(owner.organisation)
    actor = factories.actor(owner)
    text = "site,timezone,station\nNew,UTC,HC-1\nNew,,HC-2"
    found = imports.preview(actor=actor, account=account, text=text, defaults=Defaults())
    factories.station(factories.site(owner.organisation), account=account, vendor_id="HC-2")
    with pytest.raises(imports.Conflict):
        imports.apply(actor=actor, account=account, rows=found.rows, now=factories.NOW)
    assert list(Station.objects.values_list("vendor_id", flat=True)) == ["HC-2"]
    assert not Site.objects.filter(name="New").exists()
    with pytest.raises(imports.NothingToImport):
        imports.apply(actor=actor, account=account, rows=(), now=factories.NOW)
