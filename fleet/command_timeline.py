"""The timeline of a command: its events, and the first and last moments of its items. One line each, oldest first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fleet.models import Command, CommandEvent, CommandItem
from fleet.models.command import DONE_ITEMS, ItemState
from lib import figures

MOST = 200  # events shown of a command
V = CommandEvent.Verb
MARKS: dict[str, str] = {
    V.ASKED: "queued", V.WAVE_OPENED: "sent", V.BRAKED: "paused", V.RESUMED: "sent", V.ABANDONED: "cancelled",
    V.CANCELLED: "cancelled", V.EXPIRED: "overdue", V.RETRIED: "queued", V.UNDONE: "queued",
}  # fmt: skip
# Said when it is asked: what came of it may still be taken back, and stands at the other command.
ASKED = {V.UNDONE: gettext_lazy("Undo asked"), V.RETRIED: gettext_lazy("Another try asked")}


@dataclass(frozen=True)
class Line:
    at: datetime
    mark: str
    words: str
    detail: str = ""


def of(command: Command, items: QuerySet[CommandItem]) -> list[Line]:
    """`items` are those that the reader may see. Two queries."""
    events = [_event(row) for row in command.events.all()[:MOST]]
    return sorted([*events, *_moments(items)], key=lambda line: line.at)


def _event(row: CommandEvent) -> Line:
    count = ngettext("%(n)s station", "%(n)s stations", row.stations) % {"n": figures.number(row.stations)}
    parts = [row.by_label, count if row.stations else "", row.detail]
    words = str(ASKED.get(V(row.verb), row.get_verb_display()))
    return Line(row.at, MARKS.get(row.verb, row.verb), words, " · ".join(filter(None, parts)))


def _moments(items: QuerySet[CommandItem]) -> list[Line]:
    """When the first and the last of them was sent, done, failed and seen; the same moment twice is said once."""
    done = Q(state__in=DONE_ITEMS)
    seen = Q(state=ItemState.OBSERVED)
    failed = Q(state__in=(ItemState.FAILED, ItemState.REJECTED))
    otherwise = Q(state=ItemState.CONTRADICTED)
    found = items.order_by().aggregate(
        first_sent=Min("sent_at"),
        last_sent=Max("sent_at"),
        first_done=Min("finished_at", filter=done),
        last_done=Max("finished_at", filter=done),
        first_failed=Min("finished_at", filter=failed),
        last_failed=Max("finished_at", filter=failed),
        first_seen=Min("observed_at", filter=seen),
        last_seen=Max("observed_at", filter=seen),
        first_otherwise=Min("observed_at", filter=otherwise),
        last_otherwise=Max("observed_at", filter=otherwise),
    )
    words = {
        "sent": ("sent", _("First one sent"), _("Last one sent"), _("Sent")),
        "done": ("finished", _("First one finished"), _("Last one finished"), _("Finished")),
        "failed": ("failed", _("First one failed"), _("Last one failed"), _("Failed")),
        "seen": ("observed", _("First one observed"), _("Last one observed"), _("Observed")),
        "otherwise": ("contradicted", _("First one seen otherwise"), _("Last one seen otherwise"), _("Seen otherwise")),
    }
    lines = []
    for name, (mark, first_words, last_words, both) in words.items():
        first, last = found[f"first_{name}"], found[f"last_{name}"]
        if first is None:
            continue
        lines.append(Line(first, mark, first_words if first != last else both))
        if first != last:
            lines.append(Line(last, mark, last_words))
    return lines
