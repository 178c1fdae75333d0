"""Whatever is lost, doubled, late or reordered on the way: the state moves along the table, and the end is the same.

A vendor plays one session with a fixed truth. Answers to reads arrive late, doubled or never, webhooks likewise and
garbled; starts and stops are answered, refused or met with silence; a person decides in between.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eevion
from charging import decisions, ends, inbox, sessions, starts, stops
from charging.models import Correction, Reading, Session
from charging.models.session import LIVE, MOVES, Origin, State
from eevion import dump
from eevion.sessions import SessionStarted, SessionStopped, read_session, read_started, read_stopped
from fleet import hooks
from fleet.models.message import HookKind
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
# What is true at each step: status, energy, cost. The last one is final.
TRUTH = [
    ("pending", None, None),
    ("charging", "0.100", "0.04"),
    ("charging", "1.250", "0.44"),
    ("suspended", "2.000", "0.70"),
    ("charging", "2.400", "0.84"),
    ("stopping", "2.900", "1.02"),
    ("stopped", "3.000", "1.05"),
    ("completed", "3.000", "1.35"),
]
DEEDS = (
    "advance", "advance", "advance", "read", "read", "read", "ask", "arrive", "arrive again", "webhook",
    "webhook again", "garbage", "stop", "stop accepted", "stop refused", "stop unknown", "decide", "sweep",
    "lose reads",
)  # fmt: skip


class Undo(Exception):
    """Every example starts from the same database."""


class Play:
    """One session between the vendor's truth and ours."""

    def __init__(self, start: str) -> None:
        self.at, self.now = 0, NOW
        self.on_the_way: list[int] = []
        self.actor = factories.actor()
        station = factories.station(factories.site(factories.Organisation.objects.get(pk=self.actor.organisation_id)))
        self.session = sessions.request_start(
            actor=self.actor, station=station, connector_number=1, reference="van", origin=Origin.PERSON, now=NOW
        )
        self.token, _url = hooks.mint(account=station.account, kind=HookKind.SESSION, now=NOW)
        Session.objects.filter(pk=self.session.pk).update(token=self.token)
        self.begin(start)

    def begin(self, start: str) -> None:
        if start == "accepted":
            answer: SessionStarted = read_started({"sessionID": "ses_1", "stationId": "HC-1", "status": "pending"})
            starts._settle(self.session, self.now, partial(starts._accepted, answer=answer))
        else:
            starts._settle(self.session, self.now, partial(starts._unknown, why="silence."))

    def document(self, step: int) -> eevion.SessionDocument:
        status, energy, cost = TRUTH[step]
        moment = NOW + step * 10 * MINUTE
        said: dict[str, Any] = {"sessionID": "ses_1", "status": status, "updatedAt": moment.isoformat()}
        if energy is not None:
            said |= {"energy": Decimal(energy), "cost": Decimal(cost or 0), "currency": "CAD", "duration": step * 600}
        if status == "completed":
            said["completedAt"] = moment.isoformat()
        return read_session(said)

    def take(self, step: int) -> None:
        """A read needs the vendor's id; without one nobody can ask."""
        if self.row().vendor_session_id:
            sessions.apply(session=self.session, document=self.document(step), now=self.now, via="read")

    def row(self) -> Session:
        return Session.objects.get(pk=self.session.pk)

    def post(self, body: bytes) -> None:
        message = hooks.receive(token=self.plain(), kind=HookKind.SESSION, body=body, truncated=False, now=self.now)
        assert message is not None
        inbox.digest(message.pk, self.now)

    def plain(self) -> str:
        """The webhook's token; a new one of the same session, for only its hash is kept."""
        fresh, url = hooks.mint(account=self.session.station.account, kind=HookKind.SESSION, now=self.now, keep=True)
        Session.objects.filter(pk=self.session.pk).update(token=fresh)
        return str(url).rsplit("/", 1)[-1]

    def do(self, deed: str) -> None:
        self.now += timedelta(seconds=20)
        last = len(TRUTH) - 1
        match deed:
            case "advance":
                self.at = min(self.at + 1, last)
            case "read":
                self.take(self.at)
            case "ask":
                self.on_the_way.append(self.at)
            case "arrive" if self.on_the_way:
                self.take(self.on_the_way.pop(0))
            case "arrive again" if self.on_the_way:
                self.take(self.on_the_way[-1])
            case "webhook" | "webhook again" if self.at == last:
                self.post(dump(self.document(last).raw).encode())
            case "garbage" if self.at == last:
                self.post(b"{" * 99)
            case "lose reads":
                Session.objects.filter(pk=self.session.pk).update(read_failures=2)
            case "sweep":
                for step in (starts.release_blocks, ends.look_at_lapsed_starts, ends.follow_given_up, ends.reap):
                    step(self.now)
            case "decide":
                self.decide()
            case _ if deed.startswith("stop"):
                self.stop(deed)

    def decide(self) -> None:
        row = self.row()
        word = "never_started" if row.state == State.UNKNOWN else "closed"
        try:
            decisions.decide(actor=self.actor, session=row, decision=word, now=self.now)
        except decisions.NothingToDecide:
            return

    def stop(self, deed: str) -> None:
        if deed == "stop":
            try:
                sessions.request_stop(actor=self.actor, session=self.session, now=self.now)
            except sessions.NotStoppable:
                return
        elif self.row().stop_state == "wanted":
            stops._settle(self.session, self.now, self.outcome(deed))

    def outcome(self, deed: str) -> Any:
        if deed == "stop accepted":
            answer: SessionStopped = read_stopped({"sessionID": "ses_1", "status": "stopping"}, asked_id="ses_1")
            return partial(stops._accepted, answer=answer)
        if deed == "stop refused":
            error = eevion.Rejected("refused by the charger", status=422, code="refused")
            return partial(stops._refused, error=error)
        return partial(stops._unknown, why="silence.")

    def finish(self) -> None:
        """Everything that was promised arrives once: the webhook, what was on the way, and a fresh read."""
        self.at = len(TRUTH) - 1
        self.do("webhook")
        while self.on_the_way:
            self.do("arrive")
        self.do("read")


def check_always(play: Play, before: Session) -> None:
    row = play.row()
    assert row.state == before.state or row.state in reachable(before.state), (before.state, row.state)
    assert not (row.holds_connector and row.state not in (*LIVE, State.REQUESTED, State.UNKNOWN))
    if before.energy_kwh is not None:
        assert row.energy_kwh is not None and row.energy_kwh >= before.energy_kwh
    if before.final_at is not None and before.state == State.COMPLETED:
        assert (row.energy_kwh, row.cost, row.final_at) == (before.energy_kwh, before.cost, before.final_at)


def reachable(state: str) -> set[str]:
    """In at most three moves of the table: one deed may learn a start, move and end."""
    found, edge = set[str](), {state}
    for _n in range(3):
        edge = {to for at in edge for to in MOVES[at]}
        found |= edge
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from(["accepted", "unknown"]), deeds=st.lists(st.sampled_from(DEEDS), max_size=25))
def test_any_order_reaches_the_same_final_row(start: str, deeds: list[str]) -> None:
    with pytest.raises(Undo), transaction.atomic():
        play = Play(start)
        for deed in deeds:
            before = play.row()
            play.do(deed)
            check_always(play, before)
        play.finish()
        check_final(play)
        raise Undo


def check_final(play: Play) -> None:
    row = play.row()
    if row.state == State.COMPLETED and row.final_at is None:
        raise AssertionError("completed, and never final")
    assert (row.state, row.energy_kwh, row.cost) == (State.COMPLETED, Decimal("3.000"), Decimal("1.35"))
    assert (row.holds_connector, row.stop_state in ("", "sent", "refused")) == (False, True)
    assert Correction.objects.filter(session=row).count() == 0
    digests = list(Reading.objects.filter(session=row).values_list("document_sha256", flat=True))
    assert len(digests) == len(set(digests))
    assert row.completed_at == datetime.fromisoformat((NOW + (len(TRUTH) - 1) * 10 * MINUTE).isoformat())
