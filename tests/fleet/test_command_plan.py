"""The dry run: what would become of each station. Pure."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import command_plan
from fleet.command_plan import Facts, Outcome, Plan, Setting
from fleet.models.command import InSession

KIND = "priorityStatus"
WANTED = "unavailable"
VALUES = st.sampled_from(["available", "unavailable", ""])
SETTINGS = st.builds(Setting, now=st.none() | VALUES, under_way=st.none() | VALUES, has_left=st.booleans())
KINDS = st.sampled_from(["tariffId", "priorityStatus", "setMessage"])
FACTS = st.builds(
    Facts,
    station_id=st.integers(1, 9),
    name=st.just("HC"),
    account_id=st.integers(1, 2),
    in_service=st.booleans(),
    is_busy=st.booleans(),
    is_blocked=st.booleans(),
    is_offline=st.booleans(),
    settings=st.dictionaries(KINDS, SETTINGS),
)
FLEETS = st.lists(FACTS, unique_by=lambda row: row.station_id)
WISHES = st.dictionaries(KINDS, VALUES, min_size=1)
GUARDS = st.sampled_from(list(InSession))


def a_station(number: int = 1, *, account: int = 1, now: str | None = None, **fields: bool) -> Facts:
    return Facts(number, f"HC-{number}", account, settings={KIND: Setting(now)}, **fields)


def planned(*facts: Facts, guard: InSession = InSession.WAIT, send_equal: bool = False) -> Plan:
    wanted = {row.station_id: {KIND: WANTED} for row in facts}
    return command_plan.plan(facts, wanted, in_session=guard, send_equal=send_equal)


@pytest.mark.parametrize(
    ("facts", "guard", "outcome"),
    [
        (a_station(), InSession.WAIT, Outcome.SEND),
        (a_station(now="available"), InSession.SKIP, Outcome.SEND),
        (a_station(now=WANTED), InSession.WAIT, Outcome.ALREADY),
        (a_station(now=WANTED, is_busy=True), InSession.WAIT, Outcome.ALREADY),
        (a_station(is_busy=True), InSession.PROCEED, Outcome.SEND),
        (a_station(is_busy=True), InSession.WAIT, Outcome.WAIT),
        (a_station(is_busy=True), InSession.SKIP, Outcome.LEFT_OUT),
        (a_station(is_blocked=True), InSession.WAIT, Outcome.WAIT),
        (a_station(is_offline=True), InSession.SKIP, Outcome.SEND),
        (a_station(in_service=False), InSession.PROCEED, Outcome.DROPPED),
        (a_station(now=WANTED, in_service=False), InSession.PROCEED, Outcome.DROPPED),
    ],
)
def test_what_becomes_of_a_station(facts: Facts, guard: InSession, outcome: Outcome) -> None:
    assert [line.outcome for line in planned(facts, guard=guard).lines] == [outcome]


@pytest.mark.parametrize(
    ("setting", "is_right"),
    [
        (Setting(), False),
        (Setting("available"), False),
        (Setting(WANTED), True),
        (Setting(WANTED, under_way=WANTED), True),
        (Setting(WANTED, seen_otherwise=True), False),
        (Setting(WANTED, under_way="available"), False),  # somebody's command would take it away again
        (Setting("available", under_way=WANTED), False),  # it may fail
    ],
)
def test_right_is_what_also_stays(setting: Setting, is_right: bool) -> None:
    assert command_plan.is_right(setting, WANTED) is is_right


def test_only_what_is_not_right_already_is_sent() -> None:
    facts = Facts(1, "HC-1", 1, settings={"setMessage": Setting("Hi"), KIND: Setting("available")})
    wanted = {1: {"setMessage": "Hi", KIND: WANTED}}
    (line,) = command_plan.plan([facts], wanted, in_session=InSession.WAIT).lines
    assert [(change.kind, change.setting.now, change.wanted) for change in line.sent] == [(KIND, "available", WANTED)]
    (all_of_it,) = command_plan.plan([facts], wanted, in_session=InSession.WAIT, send_equal=True).lines
    assert [change.kind for change in all_of_it.sent] == ["setMessage", KIND]


def test_without_a_value_before_there_is_no_way_back() -> None:
    lines = planned(
        a_station(1), a_station(2, now="available"), a_station(3, now=""), a_station(4, in_service=False)
    ).lines
    assert [line.is_one_way for line in lines] == [True, False, False, False]


@pytest.mark.parametrize(("per_call", "calls"), [(1, 5), (2, 3), (3, 2), (100, 1)])
def test_equal_wishes_of_an_account_share_a_request(per_call: int, calls: int) -> None:
    plan = planned(*[a_station(number) for number in range(5)], a_station(9, account=2), a_station(8, now=WANTED))
    assert plan.requests({1: per_call, 2: 1}) == {1: calls, 2: 1}


def test_other_wishes_take_other_requests() -> None:
    facts = [
        Facts(number, "HC", 1, settings={"setMessage": Setting("Hi" if number == 1 else None)}) for number in (1, 2, 3)
    ]
    wanted = {1: {"setMessage": "Hi", KIND: WANTED}, 2: {"setMessage": "Hi", KIND: WANTED}, 3: {KIND: WANTED}}
    plan = command_plan.plan(facts, wanted, in_session=InSession.WAIT)
    assert plan.requests({1: 10}) == {1: 2}  # the first one's message is right already, so it is like the third


def test_a_station_that_is_not_found_is_gone() -> None:
    plan = command_plan.plan([a_station(1)], {1: {KIND: WANTED}, 2: {KIND: WANTED}}, in_session=InSession.WAIT)
    assert (plan.gone, len(plan.lines)) == (1, 1)


@given(FLEETS, WISHES, GUARDS, st.booleans())
def test_every_station_is_in_one_place_and_only_the_affected_are_sent_to(
    fleet: list[Facts], values: Mapping[str, str], guard: InSession, send_equal: bool
) -> None:
    wanted = {row.station_id: values for row in fleet}
    plan = command_plan.plan(fleet, wanted, in_session=guard, send_equal=send_equal)
    assert [line.facts for line in plan.lines] == fleet
    assert sum(plan.counts.values()) == len(fleet)
    assert all(bool(line.sent) is line.is_affected for line in plan.lines)
    assert all(line.facts.in_service for line in plan.affected)
    held = [line for line in plan.affected if line.facts.is_held]
    assert {line.outcome for line in held} <= {
        InSession.PROCEED: {Outcome.SEND}, InSession.WAIT: {Outcome.WAIT}, InSession.SKIP: set[Outcome](),
    }[guard]  # fmt: skip
    calls = plan.requests({1: 1, 2: 3})
    assert calls.get(1, 0) == sum(line.facts.account_id == 1 for line in plan.affected)
    assert calls.get(2, 0) <= sum(line.facts.account_id == 2 for line in plan.affected)


@given(FLEETS, WISHES, GUARDS)
def test_done_to_the_end_there_is_nothing_left_to_do(
    fleet: list[Facts], values: Mapping[str, str], guard: InSession
) -> None:
    wanted = {row.station_id: values for row in fleet}
    plan = command_plan.plan(fleet, wanted, in_session=guard)
    after = {
        line.facts.station_id: {change.kind: Setting(change.wanted) for change in line.changes}
        for line in plan.affected
    }
    done = [
        Facts(
            row.station_id, row.name, row.account_id, row.in_service, settings=after.get(row.station_id, row.settings)
        )
        for row in fleet
    ]
    again = command_plan.plan(done, wanted, in_session=guard)
    left_out = {line.facts.station_id for line in plan.of(Outcome.LEFT_OUT)}
    assert {line.facts.station_id for line in again.affected} == left_out
