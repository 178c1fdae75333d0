"""Station lists as people's programs write them, through the page: previewed, each bad row named, imported whole."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from fleet.models import Account, Station
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
LIST = """site,timezone,station,name
Dépôt,America/Toronto,HC-1,Élan
Dépôt,,HC-2,Nord
Dépôt,,HC-1,again
Dépôt,,HC-9,old
"""
WRITTEN = {
    "UTF-8": LIST.encode(),
    "UTF-8 with a mark": LIST.encode("utf-8-sig"),
    "Latin-1": LIST.encode("latin-1"),
    "UTF-16": LIST.encode("utf-16"),
    "semicolons": LIST.replace(",", ";").encode(),
    "UTF-16 and tabs": LIST.replace(",", "\t").encode("utf-16"),
    "lines of Windows": LIST.replace("\n", "\r\n").encode(),
}


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def account(owner: Membership) -> Account:
    made = factories.account(owner.organisation)
    factories.station(factories.site(owner.organisation), account=made, vendor_id="HC-9")
    return made


def previewed(client: Client, account: Account, data: bytes) -> str:
    file = SimpleUploadedFile("stations.csv", data, content_type="text/csv")
    form = {"account": account.pk, "file": file, "text": "", "site": "", "level": "2", "connectors": "1"}
    answer = client.post("/stations/import/", form)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("written", WRITTEN)
def test_however_it_is_written(owner: Membership, account: Account, written: str) -> None:
    client = factories.client_for(owner)
    page = previewed(client, account, WRITTEN[written])
    assert "station id twice, first in line 2" in page
    assert "station HC-9 is already there" in page
    assert ("it was read as Latin-1" in page) == (written == "Latin-1")
    payload = re.search(r'name="payload" value="([^"]+)"', page)
    assert payload is not None
    assert client.post("/stations/import/", {"payload": payload[1]}).status_code == 302
    made = Station.objects.exclude(vendor_id="HC-9").order_by("vendor_id")
    assert list(made.values_list("vendor_id", "name", "site__name", "site__timezone")) == [
        ("HC-1", "Élan", "Dépôt", "America/Toronto"),
        ("HC-2", "Nord", "Dépôt", "America/Toronto"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04\0\0", "This is not a text file."),
        (LIST.encode("utf-16-le"), "This is not a text file."),
        (b"\xff" * 5_000_000, "The file is larger than 4 MB."),
        (b"site,station\nA," + b"x" * 200_000, "cannot be read"),
        (b"   \n\n", "There is nothing to read."),
    ],
    ids=["a spreadsheet", "UTF-16 without its mark", "five megabytes", "an endless cell", "blank lines"],
)
def test_what_is_no_list_is_told_on_the_form(owner: Membership, account: Account, data: bytes, said: str) -> None:
    assert said in previewed(factories.client_for(owner), account, data)
    assert Station.objects.count() == 1
