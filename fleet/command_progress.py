"""How far commands are, counted over their items: three lamps, what is under way, what went wrong, how many stations.

Counting is one query for any number of commands; what a single item's lamps say stands in fleet/command_lamps.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _

from fleet import command_scope
from fleet.models import Command
from fleet.models.command import DONE_ITEMS, DROPPED_ITEMS, OPEN_ITEMS, WRONG_ITEMS, ItemState
from fleet.models.station import CommandKind
from fleet.retries import RETRIED
from fleet.undo import MAY_BE_DONE
from lib import figures
from people.actor import Actor

S = ItemState
ACCEPTED_ITEMS = (S.ACCEPTED, S.TIMED_OUT, S.FAILED, *DONE_ITEMS)  # the API said yes, whatever came later
MOVING_ITEMS = (S.QUEUED, S.SENDING, S.UNKNOWN, S.ACCEPTED)  # we or the vendor are at it; time will tell
UNDER_WAY = (S.SENDING, S.UNKNOWN, S.ACCEPTED)  # of the bar: it has left, and no word of its end yet
WELL_DONE = (S.FINISHED, S.FINISHED_LATE, S.OBSERVED)


@dataclass(frozen=True)
class Lamp:
    """One of the three: `n` of `total`, the mark it wears, and what else must be said of it as (mark, words)."""

    name: str
    label: str
    mark: str
    words: str
    n: int
    total: int
    notes: list[tuple[str, str]]


@dataclass(frozen=True)
class Progress:
    """Items of one command by state, and among how many stations and sites."""

    states: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0  # items that no evidence can be seen of, and that were not left out
    stations: int = 0
    sites: int = 0
    station_id: int | None = None  # of the only station
    site_id: int | None = None  # of the only site

    def count(self, states: Iterable[str]) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def dropped(self) -> int:
        return self.count(DROPPED_ITEMS)

    @property
    def asked(self) -> int:
        """What was to be sent: all but what was left out or taken back."""
        return self.total - self.dropped

    @property
    def unsent(self) -> int:
        return self.count((S.QUEUED,))

    @property
    def finished(self) -> int:
        return self.count(DONE_ITEMS)

    @property
    def unknown(self) -> int:
        return self.states.get(S.UNKNOWN, 0)

    @property
    def wrong(self) -> int:
        """All that a person should look at."""
        return self.count(WRONG_ITEMS)

    @property
    def failed(self) -> int:
        """Of those, what has no hope left."""
        return self.count((S.FAILED, S.REJECTED, S.EXPIRED))

    @property
    def timed_out(self) -> int:
        return self.states.get(S.TIMED_OUT, 0)

    @property
    def contradicted(self) -> int:
        return self.states.get(S.CONTRADICTED, 0)

    @property
    def still_open(self) -> int:
        return self.count(OPEN_ITEMS)

    @property
    def is_under_way(self) -> bool:
        return self.count(UNDER_WAY) > 0

    @property
    def may_be_done(self) -> int:
        """There may be something to undo."""
        return self.count(MAY_BE_DONE)

    @property
    def retried(self) -> int:
        return self.count(RETRIED)

    @property
    def is_moving(self) -> bool:
        """Looking again soon is worth it."""
        return self.count(MOVING_ITEMS) > 0

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """The bar: (colour, number, words) of what is there; each item counts once, and what is missing still waits."""
        found = [
            ("finished", self.count(WELL_DONE), _("done")),
            ("contradicted", self.contradicted, _("seen otherwise")),
            ("sent", self.count(UNDER_WAY), _("under way")),
            ("timed_out", self.timed_out, _("no word in time")),
            ("failed", self.failed, _("went wrong")),
            ("skipped", self.dropped, _("left out")),
            ("not_yet", self.unsent, _("waiting")),
        ]
        return [part for part in found if part[1]]

    @property
    def lamps(self) -> list[Lamp]:
        """Accepted, finished, observed."""
        return [self._accepted, self._finished, self._observed]

    @property
    def _accepted(self) -> Lamp:
        notes = [
            ("unknown", self.unknown, _("unknown")),
            ("rejected", self.states.get(S.REJECTED, 0), _("refused")),
            ("overdue", self.states.get(S.EXPIRED, 0), _("not sent in time")),
        ]
        return _lamp("accepted", _("Accepted"), self.count(ACCEPTED_ITEMS), self.asked, "finished", notes)

    @property
    def _finished(self) -> Lamp:
        notes = [
            ("failed", self.states.get(S.FAILED, 0), _("failed")),
            ("timed_out", self.timed_out, _("no word in time")),
            ("finished_late", self.states.get(S.FINISHED_LATE, 0), _("timed out, then done")),
        ]
        return _lamp("finished", _("Finished"), self.finished, self.asked, "finished", notes)

    @property
    def _observed(self) -> Lamp:
        total = self.asked - self.messages
        if not total and self.asked:
            return Lamp("observed", _("Observed"), "unseen", _("cannot be observed"), 0, 0, [])
        notes = [("contradicted", self.contradicted, _("seen otherwise"))]
        return _lamp("observed", _("Observed"), self.states.get(S.OBSERVED, 0), total, "observed", notes)


def _lamp(name: str, label: str, n: int, total: int, whole: str, notes: list[tuple[str, int, str]]) -> Lamp:
    if not total:
        return Lamp(name, label, "unseen", _("nothing to send"), 0, 0, [])
    mark = "not_yet" if not n else whole if n == total else "sent"
    words = _("%(n)s of %(total)s") % {"n": figures.number(n), "total": figures.number(total)}
    said = [(key, f"{figures.number(count)} {what}") for key, count, what in notes if count]
    return Lamp(name, label, mark, words, n, total, said)


def of(actor: Actor, commands: Sequence[Command]) -> dict[int, Progress]:
    """Per command its progress, counted over the items that the actor sees. One query."""
    mine = command_scope.visible_items(actor).filter(command_id__in=[row.pk for row in commands]).order_by()
    known = ~Q(kind=CommandKind.MESSAGE) | Q(state__in=DROPPED_ITEMS)
    counts = {state: Count("pk", filter=Q(state=state)) for state in ItemState.values}
    rows = mine.values("command_id").annotate(
        **{f"in_{state}": count for state, count in counts.items()},
        messages=Count("pk", filter=~known),
        stations=Count("station_id", distinct=True),
        sites=Count("station__site_id", distinct=True),
        first_station=Min("station_id"),
        first_site=Min("station__site_id"),
    )
    return {row.pk: Progress() for row in commands} | {row["command_id"]: _read(dict(row)) for row in rows}


def _read(row: Mapping[str, Any]) -> Progress:
    return Progress(
        states={state: row[f"in_{state}"] for state in ItemState.values if row[f"in_{state}"]},
        messages=row["messages"],
        stations=row["stations"],
        sites=row["sites"],
        station_id=row["first_station"] if row["stations"] == 1 else None,
        site_id=row["first_site"] if row["sites"] == 1 else None,
    )
