"""What a restart must not forget beside the records: faults, a changed clock, request counts; written on change."""

from typing import Any, Protocol

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.limiter import Limiter
from sandbox.store import Store

Note = tuple[str, str, Any]


class Owner(Protocol):
    """The world, as far as it is remembered here."""

    clock: Clock
    faults: Faults
    limiters: dict[str, Limiter]
    store: Store


class Memory:
    """Knows what was last written, so that a turn in which nothing changed writes nothing."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], Any] = {}

    def notes(self, world: Owner) -> list[Note]:
        """What changed since the last call, to be stored with the records of the same turn."""
        if not world.store.on_disk:
            return []
        present: dict[tuple[str, str], Any] = {
            ("faults", "one"): world.faults.keep(),
            ("clock", "one"): world.clock.keep(),
            **{("requests", key): {"key": key, **limiter.keep()} for key, limiter in world.limiters.items()},
        }
        changed = [(*place, note) for place, note in present.items() if self._written.get(place) != note]
        self._written = present
        return changed

    def recall(self, world: Owner) -> None:
        """Give a world whose records are loaded the rest of its memory."""
        for kept in world.store.load("faults"):
            world.faults.recall(kept)
        for kept in world.store.load("clock"):
            if kept is not None:
                world.clock.recall(kept)
        for kept in world.store.load("requests"):
            if kept["key"] in world.limiters:
                world.limiters[kept["key"]].recall(kept)
