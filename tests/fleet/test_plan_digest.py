"""What was seen of a plan, and what has changed since. Pure."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import command_plan, plan_digest
from fleet.command_plan import Facts, Outcome, Plan, Setting
from fleet.models.command import InSession
from tests.fleet.test_command_plan import FLEETS

WANTED = {"priorityStatus": "unavailable"}


def planned(facts: list[Facts], guard: InSession = InSession.SKIP, *, gone: int = 0) -> Plan:
    wanted = {row.station_id: WANTED for row in facts} | {-number: WANTED for number in range(gone)}
    return command_plan.plan(facts, wanted, in_session=guard)


FLEET = [Facts(number, f"HC-{number}", 1, settings={"priorityStatus": Setting("available")}) for number in range(1, 6)]


@given(FLEETS)
def test_the_same_plan_holds(fleet: list[Facts]) -> None:
    seen = plan_digest.of(planned(fleet))
    assert plan_digest.holds(planned(fleet), seen)
    assert plan_digest.differences(planned(fleet), seen) == []


@pytest.mark.parametrize(
    ("change", "guard", "outcome"),
    [
        ({"in_service": False}, InSession.WAIT, Outcome.DROPPED),
        ({"is_busy": True}, InSession.SKIP, Outcome.LEFT_OUT),
        ({"is_busy": True}, InSession.WAIT, Outcome.WAIT),
        ({"settings": {"priorityStatus": Setting("unavailable")}}, InSession.WAIT, Outcome.ALREADY),
        ({"settings": {"priorityStatus": Setting("outOfService")}}, InSession.WAIT, Outcome.SEND),
        ({"settings": {"priorityStatus": Setting("available", "unavailable")}}, InSession.WAIT, Outcome.SEND),
    ],
)
def test_what_has_changed_is_told(change: dict[str, object], guard: InSession, outcome: Outcome) -> None:
    seen = plan_digest.of(planned(FLEET, guard))
    now = planned([replace(FLEET[0], **change), *FLEET[1:]], guard)  # type: ignore[arg-type]
    assert not plan_digest.holds(now, seen)
    found = plan_digest.differences(now, seen)
    assert [(row.line.facts.station_id, row.before, row.line.outcome) for row in found] == [(1, Outcome.SEND, outcome)]


def test_what_does_not_change_the_doing_does_not_matter() -> None:
    seen = plan_digest.of(planned(FLEET, InSession.PROCEED))
    offline = [replace(row, is_offline=True, is_busy=True) for row in FLEET]
    assert plan_digest.holds(planned(offline, InSession.PROCEED), seen)


def test_a_station_that_is_gone_changes_it() -> None:
    assert not plan_digest.holds(planned(FLEET[1:], gone=1), plan_digest.of(planned(FLEET)))


@given(st.text() | st.binary().map(lambda raw: f"x.{raw.hex()}"))
def test_nonsense_is_told_as_everything(seen: str) -> None:
    assert not plan_digest.holds(planned(FLEET), seen)
    assert [row.before for row in plan_digest.differences(planned(FLEET), seen)] == [None] * 5


def test_ten_thousand_stations_alike_are_a_short_text() -> None:
    fleet = [Facts(number, "HC", 1, settings={}) for number in range(10_000)]
    assert len(plan_digest.of(planned(fleet))) < 60_000
