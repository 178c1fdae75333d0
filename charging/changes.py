"""What a page has not been told yet: sessions written since its mark, and those that time alone changed.

Why no change is missed: docs/algorithms/changed_rows.md. What a page shows of them lives in charging/board.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BigIntegerField, Count, Func, Max, Q, QuerySet, Subquery, Value
from django.db.models.functions import JSONObject, Now

from charging import silence, unsent
from charging.models import Session, StationException
from charging.models.session import Origin
from people.actor import Actor
from people.models import Organisation

DIGITS = 18  # more would not fit a bigint


class OldestRunning(Func):
    template = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    output_field = BigIntegerField()


@dataclass(frozen=True)
class Mark:
    """How far somebody has looked: all of the transactions below `xid`, the clock up to `at_ms` (wall, of the
    database), the open exceptions as they were. Without `xid`: not at all yet."""

    xid: int = 0
    at_ms: int = 0
    alarms: str = ""

    def __str__(self) -> str:
        return f"{self.xid}.{self.at_ms}.{self.alarms}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """As a browser sent it back; anything strange means "from the beginning"."""
        xid, _, rest = text.partition(".")
        at_ms, _, alarms = rest.partition(".")
        return cls(_number(xid), min(_number(at_ms), 10**14), alarms) if _number(xid) else cls()


@dataclass(frozen=True)
class News:
    mark: Mark
    moved: frozenset[int]  # sessions, wherever they are now
    alarms_changed: bool

    def __bool__(self) -> bool:
        return bool(self.moved) or self.alarms_changed


def look(actor: Actor, since: Mark) -> News:
    """One query. Read it before the rows, so that a change between the two is told twice and never missed."""
    alarms = StationException.objects.visible_to(actor).filter(cleared_at=None).order_by().values("organisation_id")
    asked: dict[str, Any] = {
        "xid": OldestRunning(),
        "at": Now(),
        "alarms": Subquery(alarms.annotate(found=JSONObject(n=Count("id"), last=Max("id"))).values("found")),
    }
    if since.xid:
        asked["written"] = ArraySubquery(changed(actor, since.xid).values("pk"))
        asked["aged"] = ArraySubquery(_aged(actor, since.at_ms).values("pk"))
    found = Organisation.objects.filter(pk=actor.organisation_id).annotate(**asked).values(*asked).get()
    alarm = found["alarms"] or {"n": 0, "last": 0}
    mark = Mark(found["xid"], int(found["at"].timestamp() * 1000), f"{alarm['n']}-{alarm['last']}")
    moved = frozenset([*found.get("written", []), *found.get("aged", [])])
    return News(mark, moved, mark.alarms != since.alarms)


def version() -> int:
    """The oldest transaction still running: whatever a later one writes carries a number that is not below it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def changed(actor: Actor, since: int) -> QuerySet[Session]:
    """Sessions written since a version. Imported ones were never on the board."""
    mine = Session.objects.visible_to(actor).filter(changed_xid__gte=since)
    return mine.exclude(origin=Origin.IMPORT) if since else mine.open()


def _aged(actor: Actor, since_ms: int) -> QuerySet[Session]:
    """Open sessions that nobody wrote and that yet look different: silent by now, or waiting for a worker for long."""
    since_at = datetime.fromtimestamp(since_ms / 1000, UTC) - timedelta(milliseconds=1)
    silent = silence.silent() & Q(read_at__gte=Value(since_at) - silence.stored_horizon())
    stuck = unsent.waiting() & Q(due_at__gte=since_at - unsent.SHOWN_AFTER)
    return Session.objects.visible_to(actor).open().filter(silent | stuck)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else 0
