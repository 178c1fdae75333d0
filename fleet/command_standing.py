"""How a command stands, in one sentence: held, paused, waiting, under way, over. Pure."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.command_progress import Progress
from fleet.models import Command
from fleet.models.command import ItemState, Origin
from lib import figures

S = ItemState


@dataclass(frozen=True)
class Standing:
    """`mark` is a key of lib.icons. hold_left_s (wall) is set while all of it can be taken back."""

    mark: str
    words: str
    hold_left_s: float | None = None


def say(command: Command, progress: Progress, *, hold_left_s: float = 0.0, key_refused: bool = False) -> Standing:
    """`key_refused`: the account of something that waits to be sent has a key that the vendor refuses."""
    if progress.unsent and command.paused_at is not None:
        why = command.paused_why or _("by a person")
        return Standing("paused", _("Paused: %(why)s") % {"why": why})
    if progress.unsent and hold_left_s > 0:
        words = _("Goes out in %(n)s s") % {"n": figures.number(hold_left_s)}
        return Standing("held", words, hold_left_s)
    if progress.unsent and key_refused:
        return Standing("unknown", _("Waits: the account's key is refused"))
    if not progress.asked:
        return Standing("cancelled", _ended_unsent(progress))
    if progress.is_moving:
        return Standing("sent", _counted(progress))
    return Standing(_end_mark(progress), _counted(progress))


def _ended_unsent(progress: Progress) -> str:
    if not progress.states.get(S.CANCELLED):
        return _("Nothing to send: every station was left out")
    return _("Taken back before it was sent")


def _counted(progress: Progress) -> str:
    """ "12 of 40 finished, 2 went wrong"."""
    done = _("%(n)s of %(total)s finished") % _figures(progress.finished, progress.asked)
    if progress.finished == progress.asked:
        done = ngettext("Finished", "All %(total)s finished", progress.asked) % _figures(0, progress.asked)
    parts = [done]
    more = [
        (progress.failed, _("%(n)s went wrong")),
        (progress.timed_out, _("%(n)s without a word in time")),
        (progress.contradicted, _("%(n)s seen otherwise")),
        (progress.unknown, _("%(n)s unknown")),
    ]
    parts += [words % _figures(n) for n, words in more if n]
    return ", ".join(parts)


def _figures(n: int, total: int = 0) -> dict[str, str]:
    return {"n": figures.number(n), "total": figures.number(total)}


def _end_mark(progress: Progress) -> str:
    if progress.wrong:
        return "failed" if progress.failed == progress.asked else "partially_failed"
    return "observed" if progress.states.get(S.OBSERVED) == progress.asked else "finished"


def is_ours(command: Command) -> bool:
    """Asked through us; the others were read in the vendor's history."""
    return command.origin != Origin.PORTAL
