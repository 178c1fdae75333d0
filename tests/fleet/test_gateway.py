"""The one door: slots, lanes, freezing, the log. The vendor is a small server on loopback that says what it is told."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

import eevion
from fleet import budget, gateway
from fleet.gateway import Lane
from fleet.models import Account, ApiCall, DriftNotice, RequestBudget, RequestSlot
from tests import factories

pytestmark = pytest.mark.django_db
SESSION = {"sessionID": "ses_1", "stationId": "HC-1", "status": "charging"}


class Peer:
    """Answers each request with the next of `answers`: (status, headers, document); the last one stays."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = [(200, {}, SESSION)]
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, document = peer.answers.pop(0) if len(peer.answers) > 1 else peer.answers[0]
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.server.shutdown()
    server.server.server_close()


def account(url: str = "http://127.0.0.1:9", limit: int = 60) -> Account:
    row = factories.account(base_url=url)
    row.budget = budget.budget_for(base_url=url, api_key=row.api_key, request_limit=limit)
    row.save()
    return row


def read(row: Account, lane: Lane = Lane.READS) -> eevion.SessionDocument:
    return gateway.call(
        account=row, lane=lane, why="read 1", endpoint="session.get", request=lambda c: c.get_session("ses_1")
    )


def take_all(row: Account, lane: Lane) -> list[str]:
    """The lanes of the slots it gets, in order, until there is none."""
    taken = []
    while found := budget.take(budget_id=row.budget_id, lane=lane, timeout_s=8):
        taken.append(RequestSlot.objects.get(pk=found.slot_id).lane)
    return taken


def busy_s(row: Account) -> list[int]:
    """For how many more seconds the busy slots are busy, rounded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(EXTRACT(EPOCH FROM free_at - clock_timestamp()))::int FROM fleet_requestslot"
            " WHERE budget_id = %s AND free_at > clock_timestamp() ORDER BY free_at",
            [row.budget_id],
        )
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("limit", "counts"),
    [
        (60, {"people": 6, "history": 1, "reads": 5, "shared": 48}),
        (600, {"people": 60, "history": 10, "reads": 50, "shared": 480}),
        (4, {"people": 1, "history": 1, "reads": 1, "shared": 1}),
        (1, {"shared": 1}),
    ],
)
def test_lanes_scale_with_the_limit(limit: int, counts: dict[str, int]) -> None:
    lanes = [lane.value for lane in budget.lanes(limit)]
    assert {lane: lanes.count(lane) for lane in lanes} == counts


def test_one_key_has_one_budget_whose_limit_can_be_raised_and_lowered() -> None:
    first = gateway.budget_for(base_url="http://v.example/", api_key="k", request_limit=60)
    again = gateway.budget_for(base_url="http://v.example", api_key="k", request_limit=90)
    assert (first.pk, RequestSlot.objects.filter(budget=first).count()) == (again.pk, 90)
    gateway.budget_for(base_url="http://v.example", api_key="k", request_limit=20)
    counts = {lane: RequestSlot.objects.filter(budget=first, lane=lane).count() for lane in budget.SlotLane}
    assert counts == {"people": 2, "history": 1, "reads": 2, "shared": 15}
    assert gateway.budget_for(base_url="http://v.example", api_key="another").pk != first.pk


def test_a_raised_limit_leaves_no_lane_empty_while_its_new_slots_wait() -> None:
    row = account(limit=60)
    before = {lane: gateway.free_now(row, lane) for lane in Lane}
    budget.same_key(row.budget, request_limit=600)
    assert {lane: gateway.free_now(row, lane) for lane in Lane} == before
    RequestSlot.objects.filter(budget=row.budget).update(free_at=Now())  # a window later
    assert gateway.free_now(row, Lane.API) == 480


def test_lowering_and_raising_the_limit_admits_no_more_than_the_vendor_does() -> None:
    row = account(limit=6)
    for _ in range(2):
        taken = budget.take(budget_id=row.budget_id, lane=Lane.PEOPLE, timeout_s=8)
        assert taken is not None
        budget.answered(taken)
    sent = set(RequestSlot.objects.filter(budget=row.budget, free_at__gt=Now()).values_list("pk", flat=True))
    budget.same_key(row.budget, request_limit=2)
    assert set(RequestSlot.objects.filter(budget=row.budget).values_list("pk", flat=True)) == sent
    assert gateway.free_now(row, Lane.PEOPLE) == 0  # two were sent within the window
    budget.same_key(row.budget, request_limit=5)
    assert gateway.free_now(row, Lane.PEOPLE) == 0
    slots = RequestSlot.objects.filter(budget=row.budget)
    slots.exclude(pk__in=sent).update(free_at=F("free_at") - timedelta(seconds=60))  # a window later
    assert gateway.free_now(row, Lane.PEOPLE) == 3
    assert slots.count() == 5


@pytest.mark.parametrize(
    ("lane", "slots"),
    [
        (Lane.PEOPLE, ["people"] * 6 + ["shared"] * 48 + ["reads"] * 5 + ["history"]),
        (Lane.API, ["shared"] * 48),
        (Lane.COMMANDS, ["shared"] * 48),
        (Lane.READS, ["reads"] * 5 + ["shared"] * 48),
        (Lane.HISTORY, ["history"] + ["shared"] * 48),
    ],
)
def test_each_lane_takes_its_own_slots_and_no_others(lane: Lane, slots: list[str]) -> None:
    row = account()
    assert gateway.free_now(row, lane) == len(slots)
    assert take_all(row, lane) == slots
    assert gateway.free_now(row, lane) == 0


def test_whoever_waits_closes_shared_slots_to_the_lanes_behind() -> None:
    row = account()
    take_all(row, Lane.COMMANDS)
    with pytest.raises(gateway.NoSlot):
        read(row, Lane.COMMANDS)
    RequestSlot.objects.filter(budget=row.budget).update(free_at=Now())
    assert [gateway.free_now(row, lane) for lane in Lane] == [60, 48, 48, 5, 1]
    budget.wait_in(budget_id=row.budget_id, lane=Lane.API, next_s=30)
    assert [gateway.free_now(row, lane) for lane in Lane] == [60, 48, 0, 5, 1]
    assert budget.outlook(budget_id=row.budget_id, lane=Lane.COMMANDS).next_s == pytest.approx(30.5, abs=0.5)


def test_a_call_stamps_its_slot_and_is_logged(peer: Peer) -> None:
    row = account(peer.url)
    assert read(row).status == "charging"
    assert busy_s(row) == [60]
    logged = ApiCall.objects.values("account_id", "lane", "why", "endpoint", "status", "outcome", "message").get()
    assert logged == {
        "account_id": row.pk,
        "lane": "reads",
        "why": "read 1",
        "endpoint": "session.get",
        "status": 200,
        "outcome": "ok",
        "message": "",
    }
    row.refresh_from_db()
    assert row.last_answer_at == ApiCall.objects.get().started_at


def test_what_was_not_sent_costs_nothing() -> None:
    row = account("http://127.0.0.1:9")
    with pytest.raises(eevion.NotSent):
        read(row)
    assert busy_s(row) == []
    assert ApiCall.objects.get().outcome == "not_sent"


def test_without_an_answer_the_slot_is_held_for_timeout_and_window() -> None:
    row = account()

    def lost(client: eevion.Client) -> None:
        raise eevion.OutcomeUnknown("no answer within 8 s")

    with pytest.raises(eevion.OutcomeUnknown):
        gateway.call(account=row, lane=Lane.COMMANDS, why="x", endpoint="manage", request=lost)
    assert busy_s(row) == [69]
    assert ApiCall.objects.get().outcome == "unknown"


def test_a_slot_whose_lease_ran_out_is_not_stamped_by_its_former_holder() -> None:
    row = account(limit=1)
    slow = budget.take(budget_id=row.budget_id, lane=Lane.PEOPLE, timeout_s=8)
    assert slow is not None
    RequestSlot.objects.filter(budget=row.budget).update(free_at=Now())
    assert budget.take(budget_id=row.budget_id, lane=Lane.PEOPLE, timeout_s=8)
    budget.unused(slow)
    assert busy_s(row) == [68]


def test_429_freezes_everyone_for_as_long_as_the_vendor_says(peer: Peer) -> None:
    peer.answers = [(429, {"Retry-After": "17"}, {"error": {"code": "tooMany", "message": "slow down"}})]
    row = account(peer.url)
    with pytest.raises(eevion.RateLimited):
        read(row)
    with pytest.raises(gateway.Frozen) as frozen:
        read(row, Lane.PEOPLE)
    assert frozen.value.wait_s == pytest.approx(17, abs=1)
    assert [gateway.free_now(row, lane) for lane in Lane] == [0, 0, 0, 0, 0]
    assert ApiCall.objects.count() == 1


def test_a_second_429_never_shortens_the_freeze() -> None:
    row = account()
    budget.freeze(budget_id=row.budget_id, seconds=100, why="first")
    budget.freeze(budget_id=row.budget_id, seconds=1, why="second")
    assert RequestBudget.objects.filter(pk=row.budget_id, frozen_until__gt=Now() + timedelta(seconds=90)).exists()


def test_a_refused_key_is_noted_until_it_is_taken_again(peer: Peer) -> None:
    peer.answers = [(401, {}, {"error": {"code": "key", "message": "no"}}), (200, {}, SESSION)]
    row = account(peer.url)
    with pytest.raises(eevion.Rejected):
        read(row)
    row.refresh_from_db()
    assert row.key_refused_at == ApiCall.objects.get().started_at
    read(row)
    row.refresh_from_db()
    assert row.key_refused_at is None


def test_drift_is_noted_once_and_counted(peer: Peer) -> None:
    peer.answers = [(200, {}, {**SESSION, "colour": "blue"})]
    row = account(peer.url)
    read(row)
    read(row)
    found = DriftNotice.objects.values("account_id", "document", "path", "kind", "sample", "times").get()
    assert found == {
        "account_id": row.pk,
        "document": "session",
        "path": "colour",
        "kind": "unknown_key",
        "sample": '"blue"',
        "times": 2,
    }


def test_no_call_inside_a_transaction(peer: Peer) -> None:
    row = account(peer.url)
    with transaction.atomic(), pytest.raises(gateway.InTransaction):
        read(row)
    assert (busy_s(row), ApiCall.objects.count()) == ([], 0)


def test_a_mistake_of_the_caller_holds_its_slot_and_is_logged() -> None:
    row = account()
    with pytest.raises(ZeroDivisionError):
        gateway.call(account=row, lane=Lane.API, why="x", endpoint="x", request=lambda client: 1 // 0)
    assert (busy_s(row), ApiCall.objects.get().message) == ([69], "ZeroDivisionError")


def test_a_patient_sender_takes_the_slot_that_comes_free(peer: Peer) -> None:
    row = account(peer.url, limit=1)
    RequestSlot.objects.filter(budget=row.budget).update(free_at=Now() + timedelta(seconds=0.2))
    gateway.call(
        account=row,
        lane=Lane.COMMANDS,
        why="x",
        endpoint="session.get",
        request=lambda client: client.get_session("ses_1"),
        patience_s=5,
    )
    assert ApiCall.objects.get().waited_ms < 2000
