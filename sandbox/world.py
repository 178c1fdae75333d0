"""The state of the world, its one lock, its timetable of due events, its life on disk. No rule of charging."""

import heapq
import itertools
import queue
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sandbox import model
from sandbox.clock import Clock, iso, parse
from sandbox.faults import Faults
from sandbox.limiter import Limiter, WallStamps
from sandbox.memory import Memory
from sandbox.store import Store
from sandbox.webhooks import Sender

Event = Callable[["World", str, datetime], None]
Place = tuple[str, str]
LONGEST_NAP_S = 0.5
ERRAND_THREADS = 4


class World:
    """Everything that really happened. All reading and changing goes on inside `turn()`.

    No network inside a turn: webhooks go to `sender`, other calls to `errands`.
    """

    def __init__(self, *, clock: Clock, store: Store, seed: int = 1) -> None:
        self.clock = clock
        self.store = store
        self.lock = threading.RLock()
        self.stamp = WallStamps()
        self.sender = Sender(self)
        self.forget(seed=seed, name="empty")
        self._alarm_clock = threading.Event()
        self.errands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closing = False

    def forget(self, *, seed: int, name: str) -> None:
        """Become a blank world: no site, no key, no session, no fault. The clock goes on."""
        self.seed, self.name = seed, name
        self.random = random.Random(f"{seed}:world")
        self.sender.forget()
        self._memory = Memory()
        self.faults = Faults(seed)
        self.settings = model.Settings()
        self.born_at = self.clock.now()
        self.sites: dict[Place, model.Site] = {}
        self.fees: dict[str, model.Fee] = {}
        self.stations: dict[Place, model.Station] = {}
        self.sessions: dict[str, model.Session] = {}
        self.jobs: dict[str, model.Job] = {}
        self.alarms: dict[str, model.Alarm] = {}
        self.keys: dict[str, model.Key] = {}
        self.limiters: dict[str, Limiter] = {}
        self._timetable: list[tuple[datetime, int, Event, str]] = []
        self._order = itertools.count()
        self._unsaved: dict[tuple[str, str], Any] = {}
        self._last_turn_at = self.born_at

    @contextmanager
    def turn(self) -> Iterator[datetime]:
        """Hold the world, bring it up to the present, and yield that moment. Changes are on disk when this ends."""
        with self.lock:
            now = self._settle()
            try:
                yield now
            finally:
                self.save()

    def _settle(self) -> datetime:
        # Every due event sees its own due time, so a late thread or a fast clock changes no result.
        now = max(self.clock.now(), self._last_turn_at)
        while self._timetable and self._timetable[0][0] <= now:
            due_at, _, event, name = heapq.heappop(self._timetable)
            event(self, name, due_at)
        self._last_turn_at = now
        return now

    def schedule(self, at: datetime, event: Event, name: str) -> None:
        """Call `event(world, name, at)` when business time gets there. Events must bear being called in vain."""
        heapq.heappush(self._timetable, (at, next(self._order), event, name))
        if self._timetable[0][0] == at:
            self._alarm_clock.set()

    def holds(self, thing: Any) -> bool:
        """Whether a session, job or alarm is of this world, not of one that was thrown away meanwhile."""
        kind, name = _identity(thing)
        shelves: dict[str, dict[str, Any]] = {"Session": self.sessions, "Job": self.jobs, "Alarm": self.alarms}
        return shelves[kind].get(name) is thing

    def touch(self, thing: Any) -> None:
        """Note that a record changed; it is written when the turn ends."""
        self._unsaved[_identity(thing)] = thing

    def save(self) -> None:
        """Write what was touched, and what else must be remembered."""
        changed = [(kind, name, thing) for (kind, name), thing in self._unsaved.items()] + self._memory.notes(self)
        if changed:
            if self.store.on_disk:
                changed.append(("meta", "now", {"at": iso(self._last_turn_at)}))
            self.store.save(changed)
            self._unsaved = {}

    def load(self) -> bool:
        """Take up the world that the store holds. False when it holds none. Events must be scheduled afterwards."""
        meta = next((document for document in self.store.load("meta") if "seed" in document), None)
        if meta is None:
            return False
        self.forget(seed=meta["seed"], name=meta["name"])
        for record in itertools.chain.from_iterable(map(self.store.load, model_kinds())):
            self.put(record, save=False)
        self._memory.recall(self)
        latest = max((parse(m["at"]) for m in self.store.load("meta") if "at" in m), default=parse(meta["born_at"]))
        self.clock.resume_from(latest)
        self.born_at, self._last_turn_at = parse(meta["born_at"]), latest
        return True

    def write_birth(self) -> None:
        """Make this world the one that the store holds."""
        self.store.clear()
        meta = {"seed": self.seed, "name": self.name, "born_at": iso(self.born_at)}
        self.store.save([("meta", "world", meta)])
        for shelf in (self.sites, self.fees, self.stations, self.sessions, self.jobs, self.alarms, self.keys):
            for thing in shelf.values():
                self.touch(thing)
        self.touch(self.settings)
        self.save()

    def put(self, thing: Any, *, save: bool = True) -> None:
        """Add or replace a record where it belongs."""
        match thing:
            case model.Site():
                self.sites[thing.environment, thing.site_id] = thing
            case model.Station():
                self.stations[thing.environment, thing.station_id] = thing
            case model.Fee():
                self.fees[thing.fee_id] = thing
            case model.Session():
                self.sessions[thing.session_id] = thing
            case model.Job():
                self.jobs[thing.job_id] = thing
            case model.Alarm():
                self.alarms[thing.alarm_id] = thing
            case model.Key():
                self._put_key(thing)
            case model.Settings():
                self.settings = thing
        if save:
            self.touch(thing)

    def _put_key(self, key: model.Key) -> None:
        self.keys[key.key] = key
        if key.key in self.limiters:
            self.limiters[key.key].change(limit=key.limit, window_s=key.window_s)
        else:
            self.limiters[key.key] = Limiter(limit=key.limit, window_s=key.window_s, stamp=self.stamp)

    def run(self) -> None:
        """Keep the world going until `close`; for a thread of its own."""
        while not self._closing:
            try:
                self._alarm_clock.wait(self._keep_time())
            except Exception:
                # One event that fails must not stop time for all others.
                traceback.print_exc()

    def _keep_time(self) -> float:
        with self.turn():
            due_at = self._timetable[0][0] if self._timetable else None
            self._alarm_clock.clear()
        return LONGEST_NAP_S if due_at is None else min(LONGEST_NAP_S, self.clock.wall_s_until(due_at))

    def _run_errands(self) -> None:
        while (errand := self.errands.get()) is not None:
            try:
                errand()
            except Exception:
                traceback.print_exc()

    def wake(self) -> None:
        """Look at the timetable again now (the clock was changed)."""
        self._alarm_clock.set()

    def start(self) -> None:
        """Start the threads that keep time and deliver webhooks."""
        threading.Thread(target=self.run, name="world", daemon=True).start()
        for number in range(ERRAND_THREADS):
            threading.Thread(target=self._run_errands, name=f"errands-{number}", daemon=True).start()
        self.sender.start()

    def close(self) -> None:
        """Stop the threads and close the store."""
        self._closing = True
        self.wake()
        for _ in range(ERRAND_THREADS):
            self.errands.put(None)
        self.sender.close()
        with self.lock:
            self.save()
            self.store.close()
            self.store = Store(None)


def model_kinds() -> tuple[str, ...]:
    """The kinds of record a world is made of."""
    return ("Settings", "Key", "Fee", "Site", "Station", "Session", "Job", "Alarm")


def _identity(thing: Any) -> tuple[str, str]:
    match thing:
        case model.Site():
            return "Site", f"{thing.environment}/{thing.site_id}"
        case model.Station():
            return "Station", f"{thing.environment}/{thing.station_id}"
        case model.Fee():
            return "Fee", thing.fee_id
        case model.Session():
            return "Session", thing.session_id
        case model.Job():
            return "Job", thing.job_id
        case model.Alarm():
            return "Alarm", thing.alarm_id
        case model.Key():
            return "Key", thing.key
    return type(thing).__name__, "one"
