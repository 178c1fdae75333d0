"""Replies, webhooks and histories, lost, doubled, late or in any order: moves along the table, and the same end.

A vendor with a fixed truth plays two jobs about two stations: one of ours, and one of the portal. What it says of them
at each step may arrive later, again, or never; only the last history, read to its end, is sure to come.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eevion
from fleet import hooks, items, job_history, job_results, jobs, timeouts
from fleet.models import Command, CommandItem, ManageCall, StationSetting
from fleet.models.command import ITEM_MOVES, ItemState, Origin
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
S = ItemState
STEPS = ("queued", "running", "ended")
OURS_ENDED, THEIRS_ENDED = NOW + timedelta(seconds=40), NOW + timedelta(seconds=50)
DEEDS = (
    "vendor goes on", "vendor goes on", "answer", "silence", "webhook", "webhook again", "old webhook", "history",
    "old history", "time passes", "their history", "their old history",
)  # fmt: skip
RESULTS = ("succeeded", "failed", "nothing")


class Undo(Exception):
    """Every example starts from the same database."""


class Play:
    """One call of ours on its way, and what the vendor made of it; `truth` is the result of each station and kind."""

    def __init__(self, truth: list[str]) -> None:
        self.step, self.now = 0, NOW
        site = factories.site()
        self.account = factories.account(site.organisation)
        self.stations = [factories.station(site, account=self.account) for _ in range(2)]
        self.values = {"setMessage": "Hi", "priorityStatus": "unavailable"}
        self.token, _url = hooks.mint(account=self.account, kind="job", now=NOW)
        self.call = ManageCall.objects.create(
            account=self.account, token=self.token, station_ids=[station.pk for station in self.stations],
            values=self.values, attempted_at=NOW,
        )  # fmt: skip
        command = Command.objects.create(
            organisation=site.organisation, requested_by_label="test", requested_at=NOW, values=self.values
        )
        self.keys = [(station.pk, kind) for station in self.stations for kind in self.values]
        self.truth = dict(zip(self.keys, truth, strict=True))
        for station_id, kind in self.keys:
            CommandItem.objects.create(
                command=command, station_id=station_id, kind=kind, wanted_value=self.values[kind], call=self.call,
                state=S.SENDING, sent_at=NOW,
            )  # fmt: skip
        self.command = command

    def ours(self, step: int) -> eevion.Job:
        results = [self._result(key) for key in self.keys if step == 2 and self.truth[key] != "nothing"]
        status = "partiallyFailed" if step == 2 else STEPS[step]
        return self._job("job_1", "api", status, OURS_ENDED if step == 2 else None, self.values, results)

    def theirs(self, step: int) -> eevion.Job:
        status = "succeeded" if step == 2 else STEPS[step]
        ended_at = THEIRS_ENDED if step == 2 else None
        return self._job("job_2", "portal", status, ended_at, {"setMessage": "Portal"}, [])

    def _job(self, job_id: str, source: str, status: str, ended_at: Any, values: Any, results: Any) -> eevion.Job:
        document = {
            "jobId": job_id, "source": source, "status": status, "createdAt": NOW.isoformat(), "results": results,
            "finishedAt": ended_at and ended_at.isoformat(), **values,
            "stationIds": [station.vendor_id for station in self.stations],
        }  # fmt: skip
        return eevion.parse_job_webhook(json.dumps(document).encode())

    def _result(self, key: tuple[int, str]) -> dict[str, Any]:
        (name,) = [station.vendor_id for station in self.stations if station.pk == key[0]]
        error = {"code": "offline", "message": "away"} if self.truth[key] == "failed" else None
        return {"stationId": name, "command": key[1], "status": self.truth[key], "error": error}

    def do(self, deed: str) -> None:
        self.now += timedelta(seconds=30)
        old = max(0, self.step - 1)
        told = {
            "webhook": partial(self.post, self.step), "webhook again": partial(self.post, self.step),
            "old webhook": partial(self.post, old), "history": partial(self.read, self.ours, self.step),
            "old history": partial(self.read, self.ours, old),
            "their history": partial(self.read, self.theirs, self.step),
            "their old history": partial(self.read, self.theirs, old),
        }  # fmt: skip
        if deed == "vendor goes on":
            self.step = min(self.step + 1, 2)
        elif deed == "answer":
            self.answer(S.ACCEPTED)
        elif deed == "silence":
            self.answer(S.UNKNOWN)
        elif deed == "time passes":
            timeouts.look(now=self.now + timedelta(hours=1))
        else:
            told[deed]()

    def answer(self, state: ItemState) -> None:
        """What the sender writes down: only what is still being sent moves, for the webhook may have been faster."""
        for item in CommandItem.objects.filter(call=self.call, state=S.SENDING):
            items.move(item, state, now=self.now)
        if state == S.ACCEPTED:
            ManageCall.objects.filter(pk=self.call.pk).update(job_id="job_1")

    def post(self, step: int) -> None:
        jobs.settle(job=self.ours(step), call=self.call, now=self.now)

    def read(self, job: Any, step: int) -> None:
        job_history._take(self.account, job(step), self.now)

    def rows(self) -> dict[tuple[int, str], CommandItem]:
        return {(row.station_id, row.kind): row for row in CommandItem.objects.filter(command=self.command)}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Each deed moves along the table, or nothing."""
        before = {key: row.state for key, row in self.rows().items()}
        yield
        for key, row in self.rows().items():
            assert row.state in _reachable(before[key]), f"{before[key]} to {row.state}"

    def end(self) -> None:
        """The answer or its loss is known by now, and the last history has come."""
        self.step = 2
        for deed in ("silence", "history", "their history", "history", "old history", "their old history"):
            with self.watched():
                self.do(deed)


def _reachable(state: str) -> set[str]:
    """From one deed several moves may follow: accepted and finished, say."""
    found, fresh = {state}, {state}
    while fresh:
        fresh = {str(after) for before in fresh for after in ITEM_MOVES[before]} - found
        found |= fresh
    return found


def told(play: Play, key: tuple[int, str]) -> tuple[Any, ...]:
    row = play.rows()[key]
    return row.state, row.finished_at, row.error_code


def expected(play: Play, key: tuple[int, str]) -> tuple[Any, ...]:
    late = play.rows()[key].timed_out_at is not None
    return {
        "succeeded": (S.FINISHED_LATE if late else S.FINISHED, OURS_ENDED, ""),
        "failed": (S.FAILED, OURS_ENDED, "offline"),
        "nothing": (S.TIMED_OUT, None, job_results.NO_WORD),
    }[play.truth[key]]


def check(play: Play) -> None:
    for key in play.keys:
        got, wanted = told(play, key), expected(play, key)
        if play.truth[key] == "nothing":
            got, wanted = (got[0], got[1], ""), (wanted[0], wanted[1], "")  # which of the two silences came first
        assert got == wanted
    found = {(row.station_id, row.kind): row for row in StationSetting.objects.all()}
    for station in play.stations:
        message = found[station.pk, "setMessage"]
        assert (message.finished_value, message.finished_at, message.finished_by) == ("Portal", THEIRS_ENDED, "portal")
        shut = found.get((station.pk, "priorityStatus"))
        done = play.truth[station.pk, "priorityStatus"] == "succeeded"
        assert (shut and (shut.finished_value, shut.finished_at)) == (("unavailable", OURS_ENDED) if done else None)
    theirs = Command.objects.get(origin=Origin.PORTAL)
    states = {row.state for row in theirs.items.all()}
    assert (theirs.job_id, theirs.items.count()) == ("job_2", 2)
    assert states <= {S.FINISHED, S.FINISHED_LATE}
    play.call.refresh_from_db()
    assert (play.call.job["status"], theirs.job["status"]) == ("partiallyFailed", "succeeded")
    assert (play.call.settled_at is not None) == ("nothing" not in play.truth.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    truth=st.lists(st.sampled_from(RESULTS), min_size=4, max_size=4),
    deeds=st.lists(st.sampled_from(DEEDS), max_size=12),
)
def test_the_end_is_the_same_in_any_order(truth: list[str], deeds: list[str]) -> None:
    try:
        with transaction.atomic():
            play = Play(truth)
            for deed in deeds:
                with play.watched():
                    play.do(deed)
            play.end()
            check(play)
            raise Undo
    except Undo:
        pass
