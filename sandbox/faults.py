"""What goes wrong, by probability or by script, drawn from the seeded source. Decides only; others make it happen."""

import random
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

ENDPOINTS = ("session.start", "session.get", "session.stop", "manage", "history", "reporting", "exceptions")
ANSWER_FAULTS = ("refuse", "error", "errorAfter", "lostRequest", "lostReply", "invalidJson", "cutOff", "drip", "slow")
WEBHOOKS = ("webhook.session", "webhook.job", "webhook.exception")
WEBHOOK_FAULTS = ("lost", "doubled", "late", "reordered", "malformed", "forged")
KNOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*ENDPOINTS, "*"), ANSWER_FAULTS),
    **dict.fromkeys((*WEBHOOKS, "webhook"), WEBHOOK_FAULTS),
    "job": ("fail",),
    "session": ("failStart",),
}
OPTIONS: dict[str, Any] = {
    "slow_s": [0.5, 5.0],
    "drip_interval_s": 1.0,
    "late_s": [5.0, 30.0],
    "reordered_s": 5.0,
    "refuse_status": None,
    "error_status": 500,
    "job_code": "rejected",
}


@dataclass(slots=True)
class Step:
    """One line of a script: the next `times` events at `endpoint` (after `skip` others) get `fault`."""

    endpoint: str
    fault: str
    times: int = 1
    skip: int = 0
    station_id: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drawn:
    """`fault` is None when all goes well; `slow_s` (drawn apart) comes on top of any."""

    fault: str | None
    slow_s: float
    options: dict[str, Any]


class Faults:
    """Probabilities, script and options. Scripted steps go before chance. Safe to use from any thread."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"{seed}:faults")
        self.probabilities: dict[str, dict[str, float]] = {}
        self.script: list[Step] = []
        self.options = dict(OPTIONS)
        self.drawn: dict[str, int] = {}

    def change(self, order: dict[str, Any]) -> None:
        """Apply an order: `clear`, then `probabilities` by endpoint, `options`, `script`. ValueError if unknown."""
        steps = [_step(line) for line in order.get("script", [])]
        probabilities = {place: _checked(place, chances) for place, chances in order.get("probabilities", {}).items()}
        unknown = set(order.get("options", {})) - set(OPTIONS)
        if unknown:
            raise ValueError(f"Unknown option {sorted(unknown)[0]}. Known: {', '.join(OPTIONS)}.")
        with self._lock:
            if order.get("clear"):
                self.probabilities, self.script, self.options = {}, [], dict(OPTIONS)
            self.probabilities.update(probabilities)
            self.options.update(order.get("options", {}))
            self.script.extend(steps)

    def describe(self) -> dict[str, Any]:
        """The present state, and how often each fault was drawn so far."""
        with self._lock:
            script = [
                {"endpoint": s.endpoint, "fault": s.fault, "times": s.times, "skip": s.skip, "stationId": s.station_id}
                for s in self.script
            ]
            return {
                "probabilities": {place: dict(chances) for place, chances in self.probabilities.items()},
                "script": script,
                "options": dict(self.options),
                "drawn": dict(self.drawn),
                "known": {place: list(names) for place, names in KNOWN.items()},
            }

    def keep(self) -> dict[str, Any]:
        """Everything but the position in the seeded draws, as plain JSON values for `recall`."""
        with self._lock:
            return {
                "probabilities": {place: dict(chances) for place, chances in self.probabilities.items()},
                "script": [asdict(step) for step in self.script],
                "options": dict(self.options),
                "drawn": dict(self.drawn),
            }

    def recall(self, kept: dict[str, Any]) -> None:
        with self._lock:
            self.probabilities, self.options, self.drawn = kept["probabilities"], kept["options"], kept["drawn"]
            self.script = [Step(**step) for step in kept["script"]]

    def answer(self, endpoint: str, station_ids: Collection[str] = ()) -> Drawn:
        """What happens to one API call about these stations."""
        if not self.probabilities and not self.script:
            return Drawn(None, 0.0, OPTIONS)
        return self._draw((endpoint, "*"), station_ids)

    def webhook(self, kind: str) -> Drawn:
        """What happens to one webhook; kind is session, job or exception."""
        return self._draw((f"webhook.{kind}", "webhook"), ())

    def job(self, station_id: str) -> str | None:
        """The error code with which a command fails at this station, or None."""
        drawn = self._draw(("job",), (station_id,))
        return str(drawn.options["job_code"]) if drawn.fault else None

    def start_fails(self, station_id: str) -> bool:
        """Whether the charger gives up on a session that was accepted."""
        return self._draw(("session",), (station_id,)).fault is not None

    def _draw(self, places: tuple[str, ...], station_ids: Collection[str]) -> Drawn:
        with self._lock:
            step = self._scripted(places, station_ids)
            options = {**self.options, **(step.options if step else {})}
            fault = step.fault if step else self._by_chance(places)
            slow = fault == "slow" or any(self._chance(place, "slow") for place in places)
            if fault:
                name = f"{places[0]}:{fault}"
                self.drawn[name] = self.drawn.get(name, 0) + 1
            return Drawn(fault, self._between(options["slow_s"]) if slow else 0.0, options)

    def _scripted(self, places: tuple[str, ...], station_ids: Collection[str]) -> Step | None:
        for step in self.script:
            if step.endpoint in places and (step.station_id is None or step.station_id in station_ids):
                if step.skip > 0:
                    step.skip -= 1
                    return None
                step.times -= 1
                if step.times <= 0:
                    self.script.remove(step)
                return step
        return None

    def _by_chance(self, places: tuple[str, ...]) -> str | None:
        draw = self._random.random()
        for place in places:
            for fault, chance in self.probabilities.get(place, {}).items():
                if fault != "slow":
                    draw -= chance
                    if draw < 0:
                        return fault
        return None

    def _chance(self, place: str, fault: str) -> bool:
        return self._random.random() < self.probabilities.get(place, {}).get(fault, 0)

    def between(self, span: list[float] | float) -> float:
        """A seeded draw between two bounds, or the number itself."""
        with self._lock:
            return self._between(span)

    def _between(self, span: list[float] | float) -> float:
        return self._random.uniform(float(span[0]), float(span[1])) if isinstance(span, list) else float(span)


def _checked(place: str, chances: dict[str, Any]) -> dict[str, float]:
    numbers = {_known(place, fault): float(chance) for fault, chance in chances.items()}
    exclusive = sum(chance for fault, chance in numbers.items() if fault != "slow")
    if any(not 0 <= chance <= 1 for chance in numbers.values()) or exclusive > 1 + 1e-9:
        raise ValueError(f"The probabilities of {place} must lie in 0 to 1 and, slow apart, add up to 1 at most.")
    return numbers


def _step(line: dict[str, Any]) -> Step:
    place = str(line.get("endpoint", ""))
    options = {name: value for name, value in line.items() if name in OPTIONS}
    return Step(
        endpoint=place,
        fault=_known(place, str(line.get("fault", ""))),
        times=int(line.get("times", 1)),
        skip=int(line.get("skip", 0)),
        station_id=line.get("stationId"),
        options=options,
    )


def _known(place: str, fault: str) -> str:
    if place not in KNOWN:
        raise ValueError(f"Unknown endpoint {place!r}. Known: {', '.join(KNOWN)}.")
    if fault not in KNOWN[place]:
        raise ValueError(f"{place} has no fault {fault!r}. Known: {', '.join(KNOWN[place])}.")
    return fault
