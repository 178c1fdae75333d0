"""When the calls of a command will have been made at the present budget of their keys. Pure.

`T*`, the bound that no sender can beat, stands here too: with all slots free and nobody ahead the forecast equals it.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """The budget of one key as it is now; seconds are wall time from now.

    `free_in_s` of each slot that commands may take, `ahead` the calls that go out before ours.
    """

    free_in_s: Sequence[float]
    window_s: float
    rtt_s: float
    ahead: int = 0


def bound_s(calls: int, *, slots: int, window_s: float, rtt_s: float) -> float:
    """`T*(N) = (W + RTT) * (ceil(N / c) - 1) + RTT`: from the first call to the answer of the last, all slots free."""
    return (window_s + rtt_s) * (math.ceil(calls / slots) - 1) + rtt_s if calls else 0.0


def done_in_s(calls: int, key: Key, *, begins_in_s: float = 0.0) -> float | None:
    """Seconds until the last of `calls` is answered, none made before `begins_in_s`. None: the key has no slot at all.

    Each call takes the slot that is free first; a slot is free again a window after its answer.
    """
    if not calls:
        return 0.0
    if not key.free_in_s:
        return None
    slots = [max(0.0, free_s) for free_s in key.free_in_s]
    heapq.heapify(slots)
    answered_s = 0.0
    for number in range(key.ahead + calls):
        start_s = slots[0] if number < key.ahead else max(slots[0], begins_in_s)
        answered_s = start_s + key.rtt_s
        heapq.heapreplace(slots, answered_s + key.window_s)
    return answered_s


def all_done_in_s(parts: Iterable[tuple[int, Key]], *, begins_in_s: float = 0.0) -> float | None:
    """The last of several keys, each with its own calls. None: one of them never ends."""
    ends = [done_in_s(calls, key, begins_in_s=begins_in_s) for calls, key in parts if calls]
    return None if None in ends else max((end for end in ends if end is not None), default=0.0)
