"""The vendor's limit: so many requests in any window of wall time per key, judged by arrival. No business time here."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

NS_PER_S = 1_000_000_000
KEPT_ARRIVALS = 500_000


class WallStamps:
    """Wall nanoseconds since the epoch that never run backwards, even when the machine's clock is set."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def __call__(self) -> int:
        return time.monotonic_ns() + self._offset_ns


class Limiter:
    """Exact sliding log of one key. A request that arrives a whole window after another does not meet it."""

    def __init__(self, *, limit: int, window_s: float, stamp: Callable[[], int]) -> None:
        self._lock = threading.Lock()
        self._stamp = stamp
        self.limit = limit
        self.window_ns = round(window_s * NS_PER_S)
        self._inside: deque[int] = deque()
        self.arrivals_ns: deque[int] = deque(maxlen=KEPT_ARRIVALS)
        self.accepted_ns: deque[int] = deque(maxlen=KEPT_ARRIVALS)
        self.accepted = 0
        self.refused = 0

    def admit(self) -> int | None:
        """Count an arrival. None: accepted. Else refused, with the nanoseconds until there is room; not counted."""
        with self._lock:
            now_ns = self._stamp()
            self.arrivals_ns.append(now_ns)
            while self._inside and self._inside[0] <= now_ns - self.window_ns:
                self._inside.popleft()
            if len(self._inside) >= self.limit:
                self.refused += 1
                return self._inside[-self.limit] + self.window_ns - now_ns if self.limit else self.window_ns
            self._inside.append(now_ns)
            self.accepted_ns.append(now_ns)
            self.accepted += 1
            return None

    def change(self, *, limit: int, window_s: float) -> None:
        """Another limit from now on; what has arrived stays counted."""
        with self._lock:
            self.limit, self.window_ns = limit, round(window_s * NS_PER_S)
            self._inside = deque(self.accepted_ns)

    def keep(self) -> dict[str, Any]:
        """The counts and what still lies in the window, as plain JSON values for `recall`; not the log of arrivals."""
        with self._lock:
            return {"accepted": self.accepted, "refused": self.refused, "inside": list(self._inside)}

    def recall(self, kept: dict[str, Any]) -> None:
        with self._lock:
            self.accepted, self.refused = kept["accepted"], kept["refused"]
            self._inside.extend(kept["inside"])
            self.accepted_ns.extend(kept["inside"])

    def snapshot(self) -> tuple[list[int], list[int]]:
        """All arrivals and the accepted ones, as of one moment."""
        with self._lock:
            return list(self.arrivals_ns), list(self.accepted_ns)


def max_in_any_window(stamps_ns: Iterable[int], window_ns: int) -> int:
    """The most stamps that any half-open window of that length holds."""
    inside: deque[int] = deque()
    most = 0
    for stamp_ns in stamps_ns:
        inside.append(stamp_ns)
        while inside[0] <= stamp_ns - window_ns:
            inside.popleft()
        most = max(most, len(inside))
    return most
