"""What a command's lamps, bar and sentence say, without a database. The table of lamps is that of the documentation."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet import command_lamps, command_standing
from fleet.command_progress import Progress
from fleet.models import Command, CommandItem
from fleet.models.command import ItemState
from lib import icons

DOCS = Path(__file__).parents[2] / "docs/algorithms/commands.md"
NOW = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)


def published() -> dict[str, list[str]]:
    """State: the words of its three lamps."""
    table = DOCS.read_text().split("| state of the item | accepted | finished | observed |")[1].split("\n\n")[0]
    rows = [[cell.strip(" *`") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {state: ["" if words == "–" else words for words in lamps] for state, *lamps in rows}


def item(state: str, kind: str = "priorityStatus", **fields: datetime) -> CommandItem:
    return CommandItem(state=state, kind=kind, **fields)


def test_every_state_has_the_lamps_that_are_published() -> None:
    lamps = {state: [lamp.words for lamp in command_lamps.lamps(item(state))] for state in ItemState.values}
    assert lamps == published()


def test_every_mark_has_a_shape_and_states_that_differ_look_different() -> None:
    shown = [command_lamps.mark(state) for state in ItemState.values]
    shown += [lamp.mark for state in ItemState.values for lamp in command_lamps.lamps(item(state)) if lamp.mark]
    assert {mark for mark in shown if icons.key(mark) not in icons.MARKS} == set()
    distinct = ("unknown", "timed_out", "finished", "finished_late", "observed", "contradicted", "failed")
    assert len({icons.MARKS[icons.key(command_lamps.mark(state))][0] for state in distinct}) == len(distinct)


def test_a_message_cannot_be_observed_once_it_is_on_its_way() -> None:
    words = {
        state: command_lamps.observed(item(state, "setMessage")).words for state in ("queued", "finished", "failed")
    }
    assert words == {"queued": "cannot be observed", "finished": "cannot be observed", "failed": ""}


def test_late_stays_late_when_it_is_observed() -> None:
    assert command_lamps.finished(item("observed", timed_out_at=NOW)).words == "timed out, then done"


def test_what_waits_says_for_what() -> None:
    due, closed = item("queued", due_at=NOW), item("queued")
    guarded = CommandItem(state="queued", due_at=NOW, error="in session: waits until it is free")
    running, paused = Command(), Command(paused_at=NOW)
    assert [
        command_lamps.why(due, running, is_held=True),
        command_lamps.why(due, running, is_held=False),
        command_lamps.why(closed, running, is_held=False),
        command_lamps.why(closed, paused, is_held=False),
        command_lamps.why(guarded, running, is_held=False),
        command_lamps.why(CommandItem(state="observed", evidence="a start was refused"), running, is_held=False),
    ] == [
        "Held, can still be taken back", "Waits for its turn", "Waits for the wave before it",
        "Waits: the command is paused", "in session: waits until it is free", "a start was refused",
    ]  # fmt: skip


# --- counted ----------------------------------------------------------------------------------------------------------
EXAMPLE = Progress(
    {"failed": 3, "rejected": 1, "timed_out": 1, "finished_late": 1, "contradicted": 1, "observed": 5, "finished": 4}
)


def test_the_example_of_the_documentation() -> None:
    assert [lamp.words for lamp in EXAMPLE.lamps] == ["15 of 16", "11 of 16", "5 of 16"]
    assert [[words for _mark, words in lamp.notes] for lamp in EXAMPLE.lamps] == [
        ["1 refused"],
        ["3 failed", "1 no word in time", "1 timed out, then done"],
        ["1 seen otherwise"],
    ]
    said = command_standing.say(Command(), EXAMPLE)
    assert (said.mark, said.words) == (
        "partially_failed", "11 of 16 finished, 4 went wrong, 1 without a word in time, 1 seen otherwise",
    )  # fmt: skip
    assert [n for _mark, n, _words in EXAMPLE.parts] == [10, 1, 1, 4]


@pytest.mark.parametrize("state", ItemState.values)
def test_each_item_stands_once_in_the_bar(state: str) -> None:
    assert [n for _mark, n, _words in Progress({state: 7}).parts] == [7]


def test_what_was_left_out_is_in_no_total() -> None:
    progress = Progress({"finished": 2, "skipped": 3, "cancelled": 1}, messages=2)
    accepted, finished, observed = progress.lamps
    assert [(lamp.n, lamp.total) for lamp in (accepted, finished)] == [(2, 2), (2, 2)]
    assert (observed.words, progress.asked, progress.dropped) == ("cannot be observed", 2, 4)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"queued": 2}, "0 of 2 finished"),
        ({"queued": 1, "unknown": 1}, "0 of 2 finished, 1 unknown"),
        ({"finished": 1}, "Finished"),
        ({"finished": 1, "observed": 1}, "All 2 finished"),
        ({"skipped": 2}, "Nothing to send: every station was left out"),
        ({"cancelled": 2, "skipped": 1}, "Taken back before it was sent"),
        ({"expired": 2}, "0 of 2 finished, 2 went wrong"),
    ],
)
def test_the_sentence_of_what_is_counted(states: dict[str, int], words: str) -> None:
    assert command_standing.say(Command(), Progress(states)).words == words


def test_a_pause_comes_before_a_hold_and_a_hold_before_a_refused_key() -> None:
    waits, over = Progress({"queued": 2}), Progress({"finished": 2})
    paused = Command(paused_at=NOW, paused_why="3 of 5 failed")
    said = [
        command_standing.say(paused, waits, hold_left_s=8, key_refused=True),
        command_standing.say(Command(), waits, hold_left_s=8, key_refused=True),
        command_standing.say(Command(), waits, key_refused=True),
        command_standing.say(paused, over, hold_left_s=8, key_refused=True),
    ]
    assert [(one.mark, one.words, one.hold_left_s) for one in said] == [
        ("paused", "Paused: 3 of 5 failed", None),
        ("held", "Goes out in 8 s", 8),
        ("unknown", "Waits: the account's key is refused", None),
        ("finished", "All 2 finished", None),
    ]
