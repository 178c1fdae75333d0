"""What arrived by webhook is digested once; the body is a hint, the token is the proof."""

from decimal import Decimal
from typing import Any

import pytest

from charging import inbox
from charging.models import Session
from charging.models.session import State
from fleet import hooks
from fleet.models import ManageCall, RawMessage, Station
from fleet.models.message import HookKind
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
DONE = (
    b'{"sessionID": "ses_1", "stationId": "HC-1", "status": "completed", "energy": 99.9, "cost": 99, "currency": "CAD"}'
)


@pytest.fixture(autouse=True)
def reachable(settings: Any) -> None:
    settings.PUBLIC_URL = "https://chargehand.example"


def posted(session: Session, body: bytes, *, truncated: bool = False) -> RawMessage:
    row, url = hooks.mint(account=session.station.account, kind=HookKind.SESSION, now=NOW)
    Session.objects.filter(pk=session.pk).update(token=row)
    assert url is not None
    message = hooks.receive(
        token=url.rpartition("/")[2], kind=HookKind.SESSION, body=body, truncated=truncated, now=NOW
    )
    assert message is not None
    return message


def after(session: Session) -> Session:
    return Session.objects.get(pk=session.pk)


def test_figures_of_a_webhook_are_not_taken_but_read() -> None:
    session = factories.session(vendor_session_id="ses_1")
    message = posted(session, DONE)
    hurried = inbox.digest(message.pk, NOW)
    assert hurried is not None
    row = after(session)
    assert (hurried.pk, row.hurry, row.state, row.energy_kwh) == (session.pk, True, State.CHARGING, None)
    message.refresh_from_db()
    assert (message.digested_at, message.due_at, message.error) == (NOW, None, "")


@pytest.mark.parametrize(
    "figures",
    [b'"energy": -5', b'"energy": 1e300', b'"energy": NaN, "cost": -Infinity', b'"energy": "a lot", "cost": []'],
)
def test_absurd_figures_of_a_webhook_neither_count_nor_keep_the_session_from_being_read(figures: bytes) -> None:
    session = factories.session(vendor_session_id="ses_1")
    message = posted(session, b'{"sessionID": "ses_1", "status": "completed", %s}' % figures)
    assert inbox.digest(message.pk, NOW) is not None
    message.refresh_from_db()
    row = after(session)
    assert (row.hurry, row.energy_kwh, row.cost, message.digested_at) == (True, None, None, NOW)


def test_a_message_is_digested_once() -> None:
    session = factories.session(vendor_session_id="ses_1")
    message = posted(session, DONE)
    inbox.digest(message.pk, NOW)
    Session.objects.filter(pk=session.pk).update(hurry=False)
    assert inbox.digest(message.pk, NOW) is None
    assert after(session).hurry is False


@pytest.mark.parametrize("state", [State.REQUESTED, State.UNKNOWN, State.ABANDONED])
def test_a_start_without_an_answer_is_settled_by_its_webhook(state: State) -> None:
    station = factories.station()
    session = factories.session(station, state=state, connector=station.connectors.get(number=1), error="No answer")
    inbox.digest(posted(session, DONE).pk, NOW)
    row = after(session)
    assert (row.state, row.vendor_session_id, row.hurry, row.error) == (State.PENDING, "ses_1", True, "")


@pytest.mark.parametrize("body", [b"", b"rubbish", b"[" * 10_000, b"\xff\xfe", b'{"status": "completed"}'])
def test_garbage_still_has_the_session_read(body: bytes) -> None:
    session = factories.session(vendor_session_id="ses_1")
    message = posted(session, body)
    inbox.digest(message.pk, NOW)
    message.refresh_from_db()
    assert (after(session).hurry, message.digested_at) == (True, NOW)


def test_garbage_for_a_start_without_an_id_waits_and_keeps_its_error() -> None:
    session = factories.session(state=State.UNKNOWN)
    message = posted(session, b"rubbish")
    assert inbox.digest(message.pk, NOW) is None
    message.refresh_from_db()
    assert (message.digested_at, message.attempts, message.due_at is not None) == (None, 1, True)
    assert message.error == "The document is not JSON. And the vendor's id of the session is not known yet."


def test_a_truncated_body_is_not_believed() -> None:
    session = factories.session(vendor_session_id="ses_1")
    inbox.digest(posted(session, DONE, truncated=True).pk, NOW)
    assert after(session).events.get(kind="webhook").text.startswith("A webhook came that cannot be read")


def test_a_final_session_is_read_again_only_for_other_figures() -> None:
    final: dict[str, Any] = {"state": State.COMPLETED, "vendor_session_id": "ses_1", "final_at": NOW}
    session = factories.session(energy_kwh=Decimal("99.9"), cost=Decimal(99), **final)
    assert inbox.digest(posted(session, DONE).pk, NOW) is None
    assert after(session).hurry is False
    other = factories.session(energy_kwh=Decimal(7), cost=Decimal(3), **final)
    assert inbox.digest(posted(other, DONE).pk, NOW) == other
    assert (after(other).hurry, after(other).energy_kwh) == (True, Decimal(7))


def test_a_webhook_that_names_another_session_changes_no_id() -> None:
    session = factories.session(vendor_session_id="ses_9")
    inbox.digest(posted(session, DONE).pk, NOW)
    assert after(session).vendor_session_id == "ses_9"


def test_an_exception_webhook_is_written_down() -> None:
    station = factories.station()
    _row, url = hooks.mint(account=station.account, kind=HookKind.EXCEPTION, now=NOW, keep=True)
    body = b'{"exceptionId": "ex_1", "type": "stationOffline", "stationId": "%s"}' % station.vendor_id.encode()
    assert url is not None
    message = hooks.receive(token=url.rpartition("/")[2], kind=HookKind.EXCEPTION, body=body, truncated=False, now=NOW)
    assert message is not None
    inbox.digest(message.pk, NOW)
    assert list(station.exceptions.values_list("vendor_exception_id", "type")) == [("ex_1", "stationOffline")]


def job(body: bytes, *, with_call: bool) -> tuple[Station, RawMessage]:
    station = factories.station()
    row, url = hooks.mint(account=station.account, kind=HookKind.JOB, now=NOW)
    if with_call:
        ManageCall.objects.create(
            account=station.account, token=row, station_ids=[station.pk], values={"setMessage": "hi"}, attempted_at=NOW
        )
    assert url is not None
    message = hooks.receive(token=url.rpartition("/")[2], kind=HookKind.JOB, body=body, truncated=False, now=NOW)
    assert message is not None
    inbox.digest(message.pk, NOW)
    message.refresh_from_db()
    return station, message


def test_a_job_webhook_settles_its_call() -> None:
    body = b'{"jobId": "job_1", "status": "succeeded", "stationIds": [], "results": []}'
    _station, message = job(body, with_call=True)
    assert (message.digested_at, message.error) == (NOW, "")
    call = ManageCall.objects.get()
    assert (call.job_id, call.settled_at) == ("job_1", NOW)


@pytest.mark.parametrize(
    ("body", "with_call", "error"),
    [
        (b"{}", False, "No call to the vendor belongs to this URL any more."),
        (b"rubbish", True, "The document is not JSON."),
    ],
)
def test_a_job_webhook_that_is_of_no_use_is_kept_with_its_error(body: bytes, with_call: bool, error: str) -> None:
    _station, message = job(body, with_call=with_call)
    assert (message.digested_at, message.attempts, message.error) == (None, 1, error)
