"""Importing stations in two steps, as somebody does it: a preview, then the button, once or twice."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from fleet.models import Account, Site, Station
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
HEAD = "site,timezone,currency,latitude,longitude,grid_limit_kw,station,name,level,connectors,rated_kw\n"


def test_an_import_is_previewed_then_done(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    text = HEAD + "Dépôt,America/Toronto,CAD,,,90,HC-1,Nord,2,2,7.2\nDépôt,America/Torronto,CAD,,,90,HC-2,,2,1,\n"
    file = SimpleUploadedFile("list.csv", text.encode("latin-1"))
    preview = client.post("/stations/import/", {"account": account.pk, "file": file, "level": 2, "connectors": 1})
    shown = preview.content.decode()
    assert "unknown time zone “America/Torronto”" in shown and "read as Latin-1" in shown
    assert Station.objects.count() == 0
    done = client.post("/stations/import/", {"payload": preview.context["payload"]})
    assert (done.status_code, done.url) == (302, "/stations/")
    row = Station.objects.get()
    assert (row.vendor_id, row.name, row.site.name, row.connectors.count()) == ("HC-1", "Nord", "Dépôt", 2)


def test_a_preview_that_is_no_longer_true_is_shown_again(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    site = factories.site(owner.organisation)
    values = {"account": account.pk, "text": "HC-1\nHC-2", "site": site.pk, "level": 2, "connectors": 1}
    payload = client.post("/stations/import/", values).context["payload"]
    factories.station(site, account=account, vendor_id="HC-1")
    again = client.post("/stations/import/", {"payload": payload})
    assert "nothing was imported" in again.content.decode()
    assert Station.objects.count() == 1
    assert client.post("/stations/import/", {"payload": again.context["payload"]}).status_code == 302
    assert Station.objects.count() == 2


def test_a_changed_or_foreign_payload_is_refused(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    site = factories.site(owner.organisation)
    values = {"account": account.pk, "text": "HC-1", "site": site.pk, "level": 2, "connectors": 1}
    payload = client.post("/stations/import/", values).context["payload"]
    assert client.post("/stations/import/", {"payload": payload[:-3] + "abc"}).url == "/stations/import/"
    stranger = factories.client_for(factories.member())
    assert stranger.post("/stations/import/", {"payload": payload}).status_code == 404
    assert (Station.objects.count(), Site.objects.count()) == (0, 1)


def test_back_from_the_preview_nothing_typed_is_lost(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    site = factories.site(owner.organisation)
    values = {"account": account.pk, "text": "HC-1\nHC-1", "site": site.pk, "level": 3, "connectors": 4}
    payload = client.post("/stations/import/", values).context["payload"]
    form = client.post("/stations/import/", {"payload": payload, "back": "1"}).content.decode()
    assert "HC-1\nHC-1</textarea>" in form and f'<option value="{site.pk}" selected>' in form
    assert '<option value="3" selected>' in form and 'name="connectors" value="4"' in form
    assert Station.objects.count() == 0


def test_an_unreadable_file_says_what_to_do(owner: Membership, account: Account) -> None:
    file = SimpleUploadedFile("list.xlsx", b"PK\x03\x04\0\0")
    answer = factories.client_for(owner).post(
        "/stations/import/", {"account": account.pk, "file": file, "level": 2, "connectors": 1}
    )
    assert "Save the sheet as CSV" in answer.content.decode()


def test_a_second_click_imports_nothing_and_blames_nobody(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    values = {"account": account.pk, "text": "HC-1\nHC-2", "level": 2, "connectors": 1}
    values["site"] = factories.site(owner.organisation).pk
    payload = client.post("/stations/import/", values).context["payload"]
    client.post("/stations/import/", {"payload": payload})
    again = client.post("/stations/import/", {"payload": payload}, follow=True)
    html = again.content.decode()
    assert again.redirect_chain == [("/stations/", 302)]
    assert ("Nothing is left to import" in html, "Somebody added" in html) == (True, False)
    assert Station.objects.count() == 2


def said(client: Client, account: Account, **given: object) -> str:
    values = {"account": account.pk, "level": 2, "connectors": 1} | given
    return client.post("/stations/import/", values).content.decode()


def test_one_fault_is_one_sentence(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    nothing = "Paste a list here, or choose a CSV file below."
    assert nothing in said(client, account)
    empty = said(client, account, file=SimpleUploadedFile("list.csv", b""))
    assert ("This file is empty. Choose another" in empty, nothing in empty) == (True, False)
    odd = said(client, account, text="HC-1\0")
    assert ("Null characters are not allowed." in odd, nothing in odd) == (True, False)
