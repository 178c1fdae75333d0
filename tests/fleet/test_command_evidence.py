"""What stands behind a command: requests and answers as they went and came, and its rows as CSV."""

import csv
import io

import pytest

from fleet.models import Account, Command, CommandItem, HookToken, ManageCall, RawMessage
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW
from tests.fleet.asking import asked, items, station

pytestmark = pytest.mark.django_db


# --- what was sent and answered ---------------------------------------------------------------------------------------
def call(account: Account, command: Command, number: int, found: list[CommandItem]) -> ManageCall:
    token = HookToken.objects.create(account=account, kind="job", token_hash=f"{number:064d}", created_at=NOW)
    made = ManageCall.objects.create(
        account=account, token=token, station_ids=[item.station_id for item in found], values=command.values,
        attempted_at=NOW, answered_at=NOW, http_status=202, answer={"jobId": f"j{number}"}, job_id=f"j{number}",
        job={"jobId": f"j{number}", "status": "succeeded"},
    )  # fmt: skip
    CommandItem.objects.filter(pk__in=[item.pk for item in found]).update(call=made)
    return made


def test_requests_and_answers_stand_as_they_went_and_came(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account, vendor_id="HC-1"), station(owner, account, vendor_id="HC-2")])
    first, second = items(made)
    one, _two = call(account, made, 1, [first]), call(account, made, 2, [second])
    RawMessage.objects.create(token=one.token, body=b'{"jobId":"j1"}', body_sha256="1" * 64, received_at=NOW, times=2)
    answer = factories.client_for(owner).get(f"/commands/{made.public_id}/calls", headers={"HX-Request": "true"})
    shown = answer.context["calls"]
    assert [(row.stations, row.answer) for row in shown] == [
        (["HC-1"], '{\n  "jobId": "j1"\n}'),
        (["HC-2"], '{\n  "jobId": "j2"\n}'),
    ]
    assert [text for _message, text in shown[0].webhooks] == ['{\n  "jobId": "j1"\n}']
    assert "HTTP 202" in answer.content.decode() and "<html" not in answer.content.decode()
    assert "<html" in factories.client_for(owner).get(f"/commands/{made.public_id}/calls").content.decode()


def test_a_request_that_names_a_hidden_station_is_not_shown(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account, vendor_id="HC-MINE"), station(owner, account, vendor_id="HC-OTHER")
    made = asked(owner, [mine, other])
    call(account, made, 1, items(made))
    limited = factories.client_for(
        factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[mine.site_id])
    )
    html = limited.get(f"/commands/{made.public_id}/calls").content.decode()
    assert "1 request also names stations of sites that you do not see" in html and "HC-OTHER" not in html


def test_the_requests_of_one_station_can_be_looked_for(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account, vendor_id=f"HC-{n}") for n in (1, 2)])
    for number, item in enumerate(items(made)):
        call(account, made, number, [item])
    client, url = factories.client_for(owner), f"/commands/{made.public_id}/"
    assert [row.stations for row in client.get(f"{url}calls", {"station": "hc-2"}).context["calls"]] == [["HC-2"]]
    page = client.get(url, {"station": "hc-2"})
    assert [row.item.station.vendor_id for row in page.context["rows"]] == ["HC-2"]
    html = page.content.decode()
    assert f'hx-get="{url}calls?station=hc-2"' in html and f'href="{url}csv?station=hc-2"' in html
    assert 'name="station" value="hc-2"' in html and 'name="station"' not in client.get(url).content.decode()


# --- files ------------------------------------------------------------------------------------------------------------
def test_the_csv_of_one_command_guards_against_formulas(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account, vendor_id="HC-7", name="=cmd()")], {"setMessage": "=1+1"})
    sent = factories.client_for(owner).get(f"/commands/{made.public_id}/csv")
    lines = b"".join(sent.streaming_content).decode().splitlines()
    head, line = lines[0].split(","), lines[1].split(",")
    row = dict(zip(head, line, strict=True))
    assert len(lines) == 2
    assert (row["station"], row["station_name"], row["wanted_value"]) == ("HC-7", "'=cmd()", "'=1+1")
    assert (row["state"], row["observed"]) == ("queued", "cannot be observed")


def test_the_file_of_a_command_follows_the_pages_filter(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account, vendor_id=f"HC-{n}") for n in (1, 2)])
    made.items.filter(station__vendor_id="HC-2").update(state="failed", error_code="offline")
    client = factories.client_for(owner)
    for query in ({"show": "wrong"}, {"show": "failed", "code": "offline"}, {"station": "HC-2"}):
        sent = client.get(f"/commands/{made.public_id}/csv", query)
        lines = b"".join(sent.streaming_content).decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["station", "HC-2"]


def test_the_commands_of_a_station_are_a_file_too(owner: Membership, account: Account) -> None:
    where = station(owner, account, vendor_id="HC-7")
    first, second = asked(owner, [where], {"setMessage": '-1, "two"\n\U0001f697'}), asked(owner, [where])
    client = factories.client_for(owner)
    assert f'href="/stations/{where.pk}/commands/csv"' in client.get(f"/stations/{where.pk}/commands").content.decode()
    sent = b"".join(client.get(f"/stations/{where.pk}/commands/csv").streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(sent, newline="")))
    assert [row["command_id"] for row in rows] == [str(second.public_id), str(first.public_id)]
    assert (rows[1]["wanted_value"], rows[1]["origin"]) == ('\'-1, "two"\n\U0001f697', "person")
    assert rows[1]["asked_at"] == NOW.astimezone(where.site.zone).isoformat(timespec="seconds")
    assert rows[1]["time_zone"] == where.site.timezone
