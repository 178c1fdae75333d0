"""The three lamps of one item (a station and one command of it), why it waits, and what its end was. Pure."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from fleet.command_progress import ACCEPTED_ITEMS
from fleet.models import Command, CommandItem
from fleet.models.command import DONE_ITEMS, ItemState
from fleet.models.station import CommandKind

S = ItemState
# The shape and colour of lib.icons that an item's state wears.
MARKS: dict[str, str] = {S.SENDING: "sent", S.EXPIRED: "overdue"}
NOT_SENT = (S.REJECTED, S.CANCELLED, S.EXPIRED, S.SKIPPED)


@dataclass(frozen=True)
class Lamp:
    """mark and words of one lamp, and when; an empty mark: there is nothing to say of it."""

    name: str
    mark: str = ""
    words: str = ""
    at: datetime | None = None


def mark(state: str) -> str:
    return MARKS.get(state, state)


def lamps(item: CommandItem) -> list[Lamp]:
    """Accepted, finished, observed."""
    return [accepted(item), finished(item), observed(item)]


def accepted(item: CommandItem) -> Lamp:
    """What the API said to the request."""
    if item.state in ACCEPTED_ITEMS:
        return Lamp("accepted", "finished", _("accepted"), item.accepted_at)
    if item.state in NOT_SENT:
        words = {S.REJECTED: _("refused"), S.EXPIRED: _("not sent in time"), S.SKIPPED: _("left out")}
        return Lamp("accepted", mark(item.state), words.get(S(item.state), _("taken back")), item.finished_at)
    waits = {S.QUEUED: ("not_yet", _("not sent")), S.SENDING: ("sent", _("being sent"))}
    shape, words_now = waits.get(S(item.state), ("unknown", _("unknown")))
    return Lamp("accepted", shape, words_now, None if item.state == S.QUEUED else item.sent_at)


def finished(item: CommandItem) -> Lamp:
    """What the job came to."""
    if item.state in DONE_ITEMS:
        is_late = item.state == S.FINISHED_LATE or item.timed_out_at is not None
        shape, words = ("finished_late", _("timed out, then done")) if is_late else ("finished", _("finished"))
        return Lamp("finished", shape, words, item.finished_at)
    if item.state == S.FAILED:
        return Lamp("finished", "failed", _("failed"), item.finished_at)
    if item.state == S.TIMED_OUT:
        return Lamp("finished", "timed_out", _("no word in time"), item.timed_out_at)
    return Lamp("finished") if item.state in NOT_SENT else Lamp("finished", "not_yet", _("not yet"))


def observed(item: CommandItem) -> Lamp:
    """What the outside shows; of a message it shows nothing."""
    if item.state in (*NOT_SENT, S.FAILED):
        return Lamp("observed")
    if item.kind == CommandKind.MESSAGE:
        return Lamp("observed", "unseen", _("cannot be observed"))
    if item.state == S.OBSERVED:
        return Lamp("observed", "observed", _("observed"), item.observed_at)
    if item.state == S.CONTRADICTED:
        return Lamp("observed", "contradicted", _("seen otherwise"), item.observed_at)
    return Lamp("observed", "not_yet", _("not yet"))


def why(item: CommandItem, command: Command, *, is_held: bool) -> str:
    """What stands in the way of an item that waits, what was seen of one that ended, or the reason that was given."""
    if item.state != S.QUEUED:
        return item.evidence or item.error
    if command.paused_at is not None:
        return _("Waits: the command is paused")
    if item.due_at is None:
        return _("Waits for the wave before it")
    if is_held:
        return _("Held, can still be taken back")
    return item.error or _("Waits for its turn")
