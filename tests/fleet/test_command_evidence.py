"""What stands behind a command: requests and answers as they went and came, and its rows as CSV."""

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
