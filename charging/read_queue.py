"""The sessions of a request budget in the order in which they are read: one query looks, one takes the next.

The largest weight x age^2 first; why, and what the bound is, in docs/algorithms/freshness.md. Ages, claims and who is
looking are wall time, the database's. Weights come from charging/read_weights.py, reading itself is in readings.py.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from charging import read_weights
from charging.models.session import LIVE
from fleet.budget import SLOTS, Lane

CAP_SHARE = 0.5  # of the lane, at most, for readings beyond the cap


@dataclass(frozen=True)
class Line:
    """What waits at one budget, at `at` (wall)."""

    budget_id: int
    window_s: float
    capacity: int  # slots that reads may take: their own and the shared ones
    account_ids: list[int]
    sessions: int
    roots: float  # the sum of the square roots of their weights
    due: int  # may be read now
    hurried: int  # of these, somebody waits for it
    at: datetime

    @property
    def reads_per_s(self) -> float:
        """At most; the answer's delay, a tenth of a percent of the window, is left out."""
        return self.capacity / self.window_s

    @property
    def cap_s(self) -> float:
        """The oldest that a reading may get before it goes first whatever it weighs.

        More sessions than the lane can read within READ_CAP_S raise it, so that the cap takes CAP_SHARE of the lane at
        most and the weights keep the rest.
        """
        return max(float(settings.READ_CAP_S), self.sessions / (CAP_SHARE * self.reads_per_s))

    def interval_s(self, weight: float) -> float:
        """About how old a session of this weight gets: sum sqrt(w) / (F sqrt(w)), floor at least, cap at most."""
        share_s = self.roots / (self.reads_per_s * math.sqrt(weight))
        return min(max(share_s, read_weights.floor_s(weight, settings.READ_EVERY_S)), self.cap_s)

    @property
    def longest_s(self) -> float:
        """How far apart reads are of what weighs least."""
        return self.interval_s(read_weights.LEAST)


@dataclass(frozen=True)
class Picked:
    session_id: int
    hurried: bool


def lines(budget_id: int | None = None) -> list[Line]:
    """All budgets with sessions to read, or the one. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, _words() | {"budget": budget_id})
        return [Line(*row) for row in cursor.fetchall()]


def pick(line: Line) -> Picked | None:
    """Claim the session that is read next, for CALL_LEASE_S. None when none is due. One query; two at once, in whatever
    process, never get the same one."""
    words = _words() | {"accounts": line.account_ids, "cap": line.cap_s, "lease": settings.CALL_LEASE_S}
    with connection.cursor() as cursor:
        cursor.execute(_PICK, words)
        row = cursor.fetchone()
    return Picked(*row) if row else None


def _words() -> dict[str, Any]:
    return {"every": float(settings.READ_EVERY_S), "lanes": [slot.value for slot in SLOTS[Lane.READS]]}


# In the words of the index session_readable.
_READABLE = (
    f"(s.state IN ({', '.join(repr(state.value) for state in LIVE)}) OR s.hurry) AND s.vendor_session_id IS NOT NULL"
)
_WEIGHT = (
    f"LEAST(s.read_weight * CASE WHEN s.watched_until > statement_timestamp() THEN {read_weights.LOOKING}"
    f" ELSE 1 END, {read_weights.MOST})"
)
_AGE_S = "EXTRACT(EPOCH FROM statement_timestamp() - s.read_at)::float8"
_FREE = "(s.read_claimed_until IS NULL OR s.read_claimed_until <= statement_timestamp())"
_DUE = (
    f"{_FREE} AND (s.hurry OR s.read_at IS NULL"
    f" OR {_AGE_S} >= %(every)s / LEAST(GREATEST({_WEIGHT}, 1), {read_weights.HURRIES_AT_MOST}))"
)
# Somebody waits for it; never read; beyond the cap, the oldest first; then by weight and age.
_ORDER = (
    f"s.hurry DESC, s.read_at IS NULL DESC, {_AGE_S} >= %(cap)s DESC,"
    f" CASE WHEN {_AGE_S} >= %(cap)s THEN 1 ELSE {_WEIGHT} END * {_AGE_S} ^ 2 DESC, s.id"
)
_LINES = (
    "SELECT b.id, b.window_s,"  # noqa: S608
    " (SELECT count(*) FROM fleet_requestslot q WHERE q.budget_id = b.id AND q.lane = ANY(%(lanes)s)),"
    f" array_agg(DISTINCT t.account_id), count(*), sum(sqrt({_WEIGHT})),"
    f" count(*) FILTER (WHERE {_DUE}), count(*) FILTER (WHERE s.hurry AND {_FREE}), statement_timestamp()"
    " FROM charging_session s JOIN fleet_station t ON t.id = s.station_id JOIN fleet_account a ON a.id = t.account_id"
    f" JOIN fleet_requestbudget b ON b.id = a.budget_id WHERE {_READABLE}"
    " AND (%(budget)s::bigint IS NULL OR b.id = %(budget)s::bigint) GROUP BY b.id ORDER BY b.id"
)
# A row that another picker has just claimed is skipped while locked, and judged again by its new claim once it is not.
# The choice is a step of its own: inside the UPDATE's join the planner may make it twice, and claim what nobody reads.
_PICK = (
    "WITH p AS MATERIALIZED (SELECT s.id, s.hurry FROM charging_session s"  # noqa: S608
    f" JOIN fleet_station t ON t.id = s.station_id WHERE t.account_id = ANY(%(accounts)s) AND {_READABLE} AND {_DUE}"
    f" ORDER BY {_ORDER} LIMIT 1 FOR UPDATE OF s SKIP LOCKED)"
    " UPDATE charging_session u SET read_claimed_until = clock_timestamp() + %(lease)s * interval '1 second'"
    " FROM p WHERE u.id = p.id RETURNING u.id, p.hurry"
)
