"""Inline SVG icons (Lucide, see the licence page) and the marks that say a status: shape and word for each key.

Colours live in app.css under the same keys; the shapes in templates/shell/_marks.html.
"""

from functools import lru_cache

import lucide
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

# key: (shape, word). Keys follow the states of the domain, with "-" for "_".
MARKS: dict[str, tuple[str, Promise]] = {
    # connectors and sessions
    "available": ("ring", _("Available")),
    "pending": ("half", _("Pending")),
    "preparing": ("half", _("Preparing")),
    "charging": ("bolt", _("Charging")),
    "suspended": ("pause", _("Suspended")),
    "idle": ("pause", _("Idle")),
    "stopping": ("half", _("Stopping")),
    "stopped": ("stop", _("Stopped, plugged in")),
    "finishing": ("tick", _("Finishing")),
    "completed": ("check", _("Completed")),
    "expired": ("clock", _("Expired")),
    "failed": ("octagon", _("Failed")),
    "unknown": ("diamond", _("Outcome unknown")),
    "blocked": ("slash", _("Blocked")),
    "unavailable": ("minus", _("Unavailable")),
    "faulted": ("triangle", _("Faulted")),
    "offline": ("cross", _("Offline")),
    "no-news": ("dots", _("No news")),
    # commands
    "held": ("clock", _("Held")),
    "queued": ("clock", _("Queued")),
    "sent": ("half", _("Sent")),
    "succeeded": ("check", _("Succeeded")),
    "observed": ("eye", _("Observed")),
    "partially-failed": ("triangle", _("Partly failed")),
    "rejected": ("octagon", _("Rejected")),
    "cancelled": ("slash", _("Cancelled")),
    "accepted": ("tick", _("Accepted")),
    "finished": ("check", _("Finished")),
    "finished-late": ("late", _("Timed out, then done")),
    "timed-out": ("hourglass", _("No word in time")),
    "contradicted": ("eye-off", _("Seen otherwise")),
    "overdue": ("clock", _("Not sent in time")),
    "skipped": ("minus", _("Left out")),
    "paused": ("pause", _("Paused")),
    "not-yet": ("dots", _("Not yet")),
    "unseen": ("dash", _("Cannot be observed")),
    # exceptions and things
    "open": ("triangle", _("Open")),
    "cleared": ("check", _("Cleared")),
    "planned": ("dots", _("Planned")),
    "active": ("ring", _("Active")),
    "decommissioned": ("minus", _("Decommissioned")),
}
NEUTRAL = ("dots", _("Unknown state"))


def key(state: str) -> str:
    """The key of a domain state: `no_news` and `no-news` are one."""
    return str(state).replace("_", "-")


@lru_cache(maxsize=512)
def draw(name: str, size: int = 16) -> SafeString:
    """An icon, hidden from assistive technology: words always stand beside it. An unknown name raises."""
    svg = lucide._render_icon(name, size, aria_hidden="true", stroke_width="1.75")
    return mark_safe(" ".join(svg.split()))  # noqa: S308 - drawn from the package's own files


@lru_cache(maxsize=128)
def mark(state: str, size: int = 14) -> SafeString:
    """The shape of a status as a reference into the sprite that the shell carries."""
    shape = MARKS.get(key(state), NEUTRAL)[0]
    return mark_safe(f'<svg width="{size}" height="{size}" aria-hidden="true"><use href="#m-{shape}"/></svg>')  # noqa: S308


def word(state: str) -> str:
    """The status in words, in the reader's language; an unknown state is shown as it came."""
    known = MARKS.get(key(state))
    return str(known[1]) if known else (str(state) or str(NEUTRAL[1]))
