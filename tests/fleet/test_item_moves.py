"""The table of moves as it is published is the one that holds."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from fleet import items
from fleet.models import Command, CommandItem
from fleet.models.command import ITEM_MOVES, ItemState
from tests import factories
from tests.factories import NOW

PUBLISHED = Path(__file__).parents[2] / "docs" / "algorithms" / "commands.md"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def published() -> dict[str, frozenset[str]]:
    return {state: frozenset(re.findall(r"`(\w+)`", after)) for state, after in ROW.findall(PUBLISHED.read_text())}


def test_the_published_table_is_the_code() -> None:
    found = {state: after for state, after in published().items() if state in ItemState.values}
    assert found == {str(state): frozenset(map(str, after)) for state, after in ITEM_MOVES.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("state", list(ItemState))
def test_every_other_move_raises_and_changes_nothing(state: ItemState) -> None:
    station = factories.station()
    command = Command.objects.create(
        organisation=station.organisation, requested_by_label="test", requested_at=NOW, values={}
    )
    item = CommandItem.objects.create(command=command, station=station, kind="setMessage", state=state)
    forbidden = [after for after in ItemState if after not in ITEM_MOVES[state]]
    for after in forbidden:
        with pytest.raises(items.ForbiddenMove):
            items.move(item, after, now=NOW + timedelta(minutes=1))
    item.refresh_from_db()
    assert (item.state, item.finished_at, state in forbidden) == (state, None, True)
