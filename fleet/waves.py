"""A canary's waves: one station first, then a tenth of all, then the rest. Opening them lives in fleet/rollouts.py."""

import math
from collections.abc import Sequence

WAVES = 3
TENTH = 10


def divide(station_ids: Sequence[int]) -> dict[int, int]:
    """The wave (0, 1 or 2) of each station, in the order given. Pure."""
    second = 1 + math.ceil(len(station_ids) / TENTH)
    return {pk: 0 if place == 0 else 1 if place < second else 2 for place, pk in enumerate(station_ids)}
