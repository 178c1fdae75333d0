"""Business time of the world: origin + speed x wall, never backwards; and its spelling on the wire."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

MICROSECOND = timedelta(microseconds=1)


class Clock:
    """Business time. `speed` 0 stands still; changing speed or advancing keeps what has already passed."""

    def __init__(
        self,
        *,
        origin_at: datetime,
        epoch_s: float,
        speed: float,
        wall: Callable[[], float] = time.time,
        ordered: str = "",
    ) -> None:
        """`ordered` tells one order of time from another: a change is kept for a restart under the same one only."""
        self._lock = threading.Lock()
        self._wall = wall
        self._anchor_at = origin_at
        self._anchor_wall_s = epoch_s
        self._last_at = datetime.min.replace(tzinfo=UTC)
        self.speed = speed
        self._ordered = ordered
        self._changed = False

    def now(self) -> datetime:
        """The present business time; never earlier than an answer given before, whatever the wall clock does."""
        with self._lock:
            return self._read()

    def change(self, *, speed: float | None = None, advance_s: float = 0) -> datetime:
        """Go on from the present moment (plus `advance_s`) at another speed. ValueError for negative numbers."""
        if advance_s < 0 or (speed is not None and speed < 0):
            raise ValueError("Business time cannot run backwards: give speed and advance_s of zero or more.")
        with self._lock:
            self._anchor_at = self._read() + timedelta(seconds=advance_s)
            self._anchor_wall_s = self._wall()
            self.speed = self.speed if speed is None else speed
            self._changed = True
            return self._read()

    def keep(self) -> dict[str, Any] | None:
        """How time was changed, as plain JSON values for `recall`; None while it runs as ordered."""
        with self._lock:
            if not self._changed:
                return None
            return {
                "ordered": self._ordered,
                "anchor_at": self._anchor_at.isoformat(),
                "anchor_wall_s": self._anchor_wall_s,
                "speed": self.speed,
            }

    def recall(self, kept: dict[str, Any]) -> None:
        """Go on as changed, as if this process had run all the while; unless time was ordered otherwise since."""
        with self._lock:
            if kept["ordered"] == self._ordered:
                self._anchor_at = datetime.fromisoformat(kept["anchor_at"])
                self._anchor_wall_s, self.speed = kept["anchor_wall_s"], kept["speed"]
                self._changed = True

    def resume_from(self, at: datetime) -> None:
        """Continue from `at` if that is later than now: a restarted world must not relive what it has recorded."""
        with self._lock:
            if at > self._read():
                self._anchor_at, self._anchor_wall_s, self._last_at = at, self._wall(), at

    def wall_s_until(self, at: datetime) -> float:
        """Wall seconds until business time `at`; infinity while the clock stands still."""
        remaining_s = (at - self.now()).total_seconds()
        if remaining_s <= 0:
            return 0.0
        return remaining_s / self.speed if self.speed else float("inf")

    def _read(self) -> datetime:
        elapsed_us = round((self._wall() - self._anchor_wall_s) * self.speed * 1_000_000)
        self._last_at = max(self._last_at, self._anchor_at + elapsed_us * MICROSECOND)
        return self._last_at


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`; fractions only where there are any."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """An aware ISO 8601 time as UTC. ValueError when it is none or has no offset."""
    at = datetime.fromisoformat(text.replace(" ", "+"))
    if at.tzinfo is None:
        raise ValueError("A time needs an offset, such as 2026-01-08T17:02:11Z.")
    return at.astimezone(UTC)


def microseconds(span: timedelta) -> int:
    """A span as exact whole microseconds."""
    return span // MICROSECOND


def seconds(amount: float) -> timedelta:
    """A span of `amount` seconds."""
    return timedelta(seconds=amount)
