"""The slots of a key's request budget: who may take one, when it is free again, who waits for whom.

One clock only, the database's. Nothing is sent here: fleet/gateway.py does. The proof is in docs/algorithms/budget.md.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from fleet.models import RequestBudget, RequestSlot
from fleet.models.account import SlotLane
from lib import secrets

DEFAULT_LIMIT = 60  # contract: 60 requests in any 60 s per key
DEFAULT_WINDOW_S = 60.0
WAITING_BEYOND_S = 0.5  # a waiting sender is given this long after the next free_at to come back for it


class Lane(StrEnum):
    """Who asks. Which slots each may take: SLOTS."""

    PEOPLE = "people"
    API = "api"
    COMMANDS = "commands"
    READS = "reads"
    HISTORY = "history"


# In order of preference. Each uses its own first, so that what people do takes little from a fan-out under way.
SLOTS: dict[Lane, tuple[SlotLane, ...]] = {
    Lane.PEOPLE: (SlotLane.PEOPLE, SlotLane.SHARED, SlotLane.READS, SlotLane.HISTORY),
    Lane.API: (SlotLane.SHARED,),
    Lane.COMMANDS: (SlotLane.SHARED,),
    Lane.READS: (SlotLane.READS, SlotLane.SHARED),
    Lane.HISTORY: (SlotLane.HISTORY, SlotLane.SHARED),
}
# When shared slots are closed to a lane, because somebody before it waits. GREATEST passes over nulls.
_NEVER = "'-infinity'::timestamptz"
_CLOSED_UNTIL = {
    Lane.PEOPLE: _NEVER,
    Lane.API: _NEVER,
    Lane.COMMANDS: f"COALESCE(b.api_waiting_until, {_NEVER})",
    Lane.READS: f"GREATEST(b.api_waiting_until, b.commands_waiting_until, {_NEVER})",
    Lane.HISTORY: f"GREATEST(b.api_waiting_until, b.commands_waiting_until, {_NEVER})",
}


class NoSlot(Exception):
    """No slot came free in time. Nothing was sent; try again later."""

    def __init__(self, message: str = "no request slot is free", *, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Frozen(NoSlot):
    """The vendor answered 429 a moment ago: somebody else spends this key's requests. Nothing was sent."""


@dataclass(frozen=True)
class Taken:
    """A slot in our hands, with the stamp that proves it is still ours."""

    slot_id: int
    stamp: datetime
    taken_at: datetime


@dataclass(frozen=True)
class Outlook:
    """Seconds until a try may succeed; frozen_s > 0 means that nobody may try before that. `free`: slots at once."""

    next_s: float
    frozen_s: float
    free: int = 0


def lanes(limit: int) -> list[SlotLane]:
    """The lane of each slot: 6 people, 1 history, 5 reads and 48 shared of 60, scaled, with at least one each.

    Below four slots there is not one for each: shared comes first, because every lane may take it.
    """
    if limit < 4:
        return [SlotLane.SHARED, SlotLane.PEOPLE, SlotLane.READS][:limit]
    people, history, reads = (max(1, round(limit * part / 60)) for part in (6, 1, 5))
    counts = {SlotLane.PEOPLE: people, SlotLane.HISTORY: history, SlotLane.READS: reads}
    counts[SlotLane.SHARED] = limit - people - history - reads
    return [lane for lane, count in counts.items() for _ in range(count)]


def budget_for(
    *, base_url: str, api_key: str, request_limit: int = DEFAULT_LIMIT, window_s: float = DEFAULT_WINDOW_S
) -> RequestBudget:
    """The one budget of this key, with its slots. A second call with another limit changes it for all its accounts."""
    return _made(base_url.rstrip("/"), secrets.fingerprint(api_key), request_limit, window_s)


def same_key(budget: RequestBudget, *, base_url: str | None = None, request_limit: int | None = None) -> RequestBudget:
    """The budget of the same key at another base URL or with another limit. Needs no key, for it may be unreadable."""
    url = budget.base_url if base_url is None else base_url.rstrip("/")
    return _made(url, budget.key_fingerprint, request_limit or budget.request_limit, budget.window_s)


def _made(base_url: str, fingerprint: str, request_limit: int, window_s: float) -> RequestBudget:
    with transaction.atomic():
        RequestBudget.objects.bulk_create(
            [
                RequestBudget(
                    base_url=base_url,
                    key_fingerprint=fingerprint,
                    request_limit=request_limit,
                    window_s=window_s,
                )
            ],
            ignore_conflicts=True,
        )
        budget = RequestBudget.objects.select_for_update().get(base_url=base_url, key_fingerprint=fingerprint)
        _resize(budget, request_limit, window_s)
    return budget


def take(*, budget_id: int, lane: Lane, timeout_s: float) -> Taken | None:
    """One free slot that this lane may use, stamped busy until timeout and window have passed; None when none is."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(closed_until=_CLOSED_UNTIL[lane]), _words(budget_id, lane) | {"timeout": timeout_s})
        row = cursor.fetchone()
    return Taken(*row) if row else None


def answered(taken: Taken) -> None:
    """The answer is here, so the request has arrived: the slot is free a window from now. A lost slot stays lost."""
    _stamp(taken, "clock_timestamp() + b.window_s * interval '1 second'")


def unused(taken: Taken) -> None:
    """Nothing was sent: the slot is free at once."""
    _stamp(taken, "clock_timestamp()")


def outlook(*, budget_id: int, lane: Lane) -> Outlook:
    """When this lane may find a slot."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOK.format(closed_until=_CLOSED_UNTIL[lane]), _words(budget_id, lane))
        row = cursor.fetchone()
    return Outlook(next_s=max(0.0, row[0]), frozen_s=max(0.0, row[1]), free=row[2]) if row else Outlook(0.0, 0.0)


def outlooks(lane: Lane) -> dict[int, Outlook]:
    """The same for every budget, by its id, without the number of free slots."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOKS.format(closed_until=_CLOSED_UNTIL[lane]), _words(0, lane))
        return {row[0]: Outlook(max(0.0, row[1]), max(0.0, row[2])) for row in cursor.fetchall()}


def wait_in(*, budget_id: int, lane: Lane, next_s: float) -> None:
    """Say that a sender of this lane waits, so that the lanes behind leave shared slots alone until it had its turn."""
    column = {Lane.API: "api_waiting_until", Lane.COMMANDS: "commands_waiting_until"}.get(lane)
    if column is None:
        return
    with connection.cursor() as cursor:
        # Only when it moves by more than a little: the row is shared by all senders.
        cursor.execute(
            f"UPDATE fleet_requestbudget SET {column} = clock_timestamp() + %(until)s * interval '1 second'"  # noqa: S608
            f" WHERE id = %(budget)s AND ({column} IS NULL"
            f" OR {column} < clock_timestamp() + %(next)s * interval '1 second')",
            {"budget": budget_id, "until": next_s + WAITING_BEYOND_S, "next": next_s},
        )


def freeze(*, budget_id: int, seconds: float | None, why: str) -> None:
    """Nobody sends for so long (None: one window). A freeze is never shortened by a second one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE fleet_requestbudget SET frozen_why = %s, frozen_until = GREATEST(frozen_until,"
            " clock_timestamp() + COALESCE(%s, window_s) * interval '1 second') WHERE id = %s",
            [why[:200], seconds, budget_id],
        )


def free_now(*, budget_id: int, lane: Lane) -> int:
    """How many slots this lane could take at this moment; none while frozen."""
    with connection.cursor() as cursor:
        cursor.execute(_FREE_NOW.format(closed_until=_CLOSED_UNTIL[lane]), _words(budget_id, lane))
        return int(cursor.fetchone()[0])


_FREE = (
    "s.budget_id = %(budget)s AND s.lane = ANY(%(lanes)s) AND s.free_at <= clock_timestamp()"
    " AND (s.lane <> 'shared' OR {closed_until} <= clock_timestamp())"
    " AND (b.frozen_until IS NULL OR b.frozen_until <= clock_timestamp())"
)
# A locked row whose stamp another sender has just moved is judged again by its new stamp (read committed).
_TAKE = (
    "UPDATE fleet_requestslot t SET"  # noqa: S608
    " free_at = clock_timestamp() + (%(timeout)s + w.window_s) * interval '1 second'"
    " FROM fleet_requestbudget w WHERE w.id = t.budget_id AND t.id = ("
    "SELECT s.id FROM fleet_requestslot s JOIN fleet_requestbudget b ON b.id = s.budget_id"
    f" WHERE {_FREE} ORDER BY array_position(%(lanes)s, s.lane::text), s.free_at LIMIT 1"
    " FOR UPDATE OF s SKIP LOCKED) RETURNING t.id, t.free_at, clock_timestamp()"
)
_FREE_NOW = (
    "SELECT count(*) FROM fleet_requestslot s JOIN fleet_requestbudget b ON b.id = s.budget_id"  # noqa: S608
    f" WHERE {_FREE}"
)
_TIMES = (
    "EXTRACT(EPOCH FROM min(CASE WHEN s.lane = 'shared' THEN GREATEST(s.free_at, {closed_until})"
    " ELSE s.free_at END) - clock_timestamp())::float8,"
    " COALESCE(EXTRACT(EPOCH FROM b.frozen_until - clock_timestamp()), 0)::float8"
)
_OUTLOOKS = (
    f"SELECT b.id, {_TIMES} FROM fleet_requestslot s JOIN fleet_requestbudget b ON b.id = s.budget_id"  # noqa: S608
    " WHERE s.lane = ANY(%(lanes)s) GROUP BY b.id"
)
_OUTLOOK = (
    f"SELECT {_TIMES}, count(*) FILTER (WHERE {_FREE})"  # noqa: S608
    " FROM fleet_requestslot s JOIN fleet_requestbudget b ON b.id = s.budget_id"
    " WHERE s.budget_id = %(budget)s AND s.lane = ANY(%(lanes)s) GROUP BY b.id"
)


def _words(budget_id: int, lane: Lane) -> dict[str, Any]:
    return {"budget": budget_id, "lanes": [str(slot.value) for slot in SLOTS[lane]]}


def _stamp(taken: Taken, moment: str) -> None:
    """The old stamp is the proof of ownership: a slot whose lease ran out may be in another sender's hands."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE fleet_requestslot s SET free_at = {moment} FROM fleet_requestbudget b"  # noqa: S608
            " WHERE b.id = s.budget_id AND s.id = %s AND s.free_at = %s",
            [taken.slot_id, taken.stamp],
        )


def _resize(budget: RequestBudget, limit: int, window_s: float) -> None:
    """Bring the slots to the limit. What was sent goes on to count: docs/algorithms/budget.md, "Another limit"."""
    slots = list(RequestSlot.objects.select_for_update().filter(budget=budget).order_by("-free_at", "number"))
    if window_s > budget.window_s:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE fleet_requestslot SET free_at = free_at + %s * interval '1 second' WHERE budget_id = %s",
                [window_s - budget.window_s, budget.pk],
            )
    if (budget.request_limit, budget.window_s) != (limit, window_s):
        budget.request_limit, budget.window_s = limit, window_s
        budget.save(update_fields=["request_limit", "window_s"])
    if len(slots) == limit:
        return
    kept = slots[:limit]
    RequestSlot.objects.filter(pk__in=[slot.pk for slot in slots[limit:]]).delete()
    _add(budget, _share(kept, lanes(limit)), used={slot.number for slot in kept})


def _share(kept: list[RequestSlot], wanted: list[SlotLane]) -> list[SlotLane]:
    """Slots stay in their lane where they can: the new ones are not free for a window, and until then no lane may stand
    empty. Returns the lanes that are left for new slots."""
    left = Counter(wanted)
    moved = []
    for slot in kept:
        lane = SlotLane(slot.lane)
        if left[lane] > 0:
            left[lane] -= 1
        else:
            moved.append(slot)
    rest = list(left.elements())
    for slot, lane in zip(moved, rest, strict=False):
        RequestSlot.objects.filter(pk=slot.pk).update(lane=lane)
    return rest[len(moved) :]


def _add(budget: RequestBudget, wanted: list[SlotLane], used: set[int]) -> None:
    """New slots: free at once for a new key, after a window for one whose limit is raised."""
    free_at = Now() + timedelta(seconds=budget.window_s) if used else Now()
    numbers = [number for number in range(budget.request_limit) if number not in used]
    RequestSlot.objects.bulk_create(
        RequestSlot(budget=budget, number=number, lane=lane, free_at=free_at)
        for number, lane in zip(numbers, wanted, strict=False)
    )
