"""What a person saw of a plan, in one text that travels with the page: whether it still holds, and what has changed.

Nobody is protected by it from themselves: a forged text only says that its sender has seen something else.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from fleet.command_plan import Line, Outcome, Plan

LONGEST = 4_000_000  # characters, unpacked: some 200,000 stations
FIRST_LETTERS = {outcome[0]: outcome for outcome in Outcome}


@dataclass(frozen=True)
class Difference:
    """A station that is not as it was shown. `before` None: it was not in the plan, or the text could not be read."""

    line: Line
    before: Outcome | None


def of(plan: Plan) -> str:
    """The same text for the same doing; stations of which nothing is known alike cost next to nothing."""
    told = _told(plan)
    packed = base64.urlsafe_b64encode(zlib.compress(told.encode(), 9)).decode()
    return f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.{packed}"


def holds(plan: Plan, seen: str) -> bool:
    """Whether what would be done is still what was seen."""
    return seen.partition(".")[0] == of(plan).partition(".")[0]


def differences(plan: Plan, seen: str) -> list[Difference]:
    """The stations that would now be treated in another way than was seen."""
    before = _read(seen)
    found = [line for line in plan.lines if before.get(line.facts.station_id) != line.mark]
    return [Difference(line, _outcome(before.get(line.facts.station_id, ""))) for line in found]


def _told(plan: Plan) -> str:
    return " ".join(
        [f"gone:{plan.gone}", *(f"{line.facts.station_id}:{line.mark}" for line in plan.lines)],
    )


def _outcome(mark: str) -> Outcome | None:
    return FIRST_LETTERS.get(mark[:1])


def _read(seen: str) -> Mapping[int, str]:
    try:
        packed = base64.urlsafe_b64decode(seen.partition(".")[2].encode("ascii", "replace"))
        told = zlib.decompressobj().decompress(packed, LONGEST).decode("ascii", "replace")
    except (binascii.Error, zlib.error):
        return {}
    pairs = (part.partition(":") for part in told.split(" "))
    return {int(key): mark for key, _colon, mark in pairs if key.isascii() and key.isdecimal() and len(key) < 18}
