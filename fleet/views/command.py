"""One command: how it stands, its lamps, what went wrong, station by station, its timeline.

The list stands in commands.py, what was sent and answered in command_evidence.py, what a person does about it in
command_control.py.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from fleet import (
    command_lamps,
    command_progress,
    command_scope,
    command_standing,
    command_timeline,
    command_words,
    commands_list,
    item_rows,
    paging,
)
from fleet.command_progress import Progress
from fleet.models import Command, CommandItem, CommandSchedule, Site
from fleet.models.command import DROPPED_ITEMS, WRONG_ITEMS, ItemState, Origin
from fleet.retries import RETRIED
from fleet.views import polling
from lib import clock
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

FORMS = ("cancel", "resume", "abandon", "undo", "retry")
ITEMS = 100  # rows of the table
LONG = timedelta(minutes=5)
RELATED = 20  # commands that came of this one


@require(Permission.VIEW)
def command(request: ActorRequest, public_id: str) -> HttpResponse:
    """The page; for htmx only what changes, asked again while something is under way. The query narrows the rows, as
    item_rows.narrow says."""
    found = _found(request, public_id)
    progress = command_progress.of(request.actor, [found])[found.pk]
    context = _context(request, found, progress) | _can(request.actor, found, progress) | _rows(request, found)
    every_s = polling.SELDOM_S if _rests(found, progress) else polling.SOON_S if progress.is_moving else 0
    return polling.answer(request, "fleet/command.html", "fleet/_command_now.html", context, every_s=every_s)


def _rests(found: Command, progress: Progress) -> bool:
    """What is left waits for a person, or has long waited for stations to be free."""
    waits = not progress.is_under_way and clock.now() - found.requested_at > LONG
    return progress.is_moving and (found.paused_at is not None or waits)


def _found(request: ActorRequest, public_id: str) -> Command:
    return get_object_or_404(commands_list.with_hold(Command.objects.visible_to(request.actor)), public_id=public_id)


def _items(actor: Actor, found: Command) -> QuerySet[CommandItem]:
    return command_scope.visible_items(actor).filter(command=found)


def _context(request: ActorRequest, found: Command, progress: Progress) -> dict[str, Any]:
    """What stands above the table and below it."""
    actor, hold_left_s = request.actor, commands_list.hold_left_s(found)
    refused = bool(progress.unsent) and command_scope.has_refused_key(actor, found)
    site = Site.objects.visible_to(actor).filter(pk=progress.site_id or 0).first()
    names = command_words.tariff_names(actor, command_words.fee_ids([found.values]))
    related = _related(actor, found)
    return {
        "command": found,
        "progress": progress,
        "standing": command_standing.say(found, progress, hold_left_s=hold_left_s, key_refused=refused),
        "countdown": _countdown(hold_left_s),
        "said": command_words.said(found.values, names, found.origin),
        "scope": command_scope.words(progress, command_scope.places(actor, [progress])),
        "zone": site.timezone if site else "UTC",
        "events": command_timeline.of(found, _items(actor, found)),
        "groups": _groups(actor, found),
        "related": any(related.values()),
        "is_ours": command_standing.is_ours(found),
        "may_command": actor.can(Permission.COMMAND_STATIONS),
        "forms": _forms(found),
        "tabs": _tabs(progress),
        "may_export": actor.can(Permission.EXPORT),
        "is_long": progress.total > ITEMS,
        "station": request.GET.get("station", "").strip(),
        **related,
    }


def _countdown(left_s: float) -> dict[str, Any]:
    """For app.js, which counts by the business clock: the hold is wall time."""
    speed, now = clock.speed(), clock.now()
    until = now + timedelta(seconds=left_s * speed)
    return {"left_s": round(left_s), "rate": -1 / speed, "at": _iso(now), "until": _iso(until)}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _groups(actor: Actor, found: Command) -> list[dict[str, Any]]:
    """What went wrong or was left out, alike under one code, with the first reason of each."""
    items = _items(actor, found).filter(state__in=(*WRONG_ITEMS, *DROPPED_ITEMS)).order_by()
    counted = items.values("state", "error_code").annotate(n=Count("pk"), reason=Min("error"), seen=Min("evidence"))
    return [
        row
        | {
            "mark": command_lamps.mark(row["state"]),
            "label": ItemState(row["state"]).label,
            # its code stands beside it
            "reason": row["seen"] or row["reason"].removeprefix(f"{row['error_code']}: "),
            "is_retried": row["state"] in RETRIED,
        }
        for row in sorted(counted, key=lambda row: (row["state"] not in WRONG_ITEMS, -row["n"], row["error_code"]))
    ]


def _tabs(progress: Progress) -> list[tuple[str, str, int]]:
    words = {"open": _("Open"), "done": _("Finished"), "wrong": _("Went wrong"), "out": _("Left out")}
    counted = [(name, words[name], progress.count(states)) for name, states in item_rows.SHOWN.items()]
    return [("", _("All"), progress.total), *counted]


def _can(actor: Actor, found: Command, progress: Progress) -> dict[str, Any]:
    """Which buttons there are. Who sees only some of its stations takes back only those, and nothing else."""
    is_partial = command_scope.is_partial(actor, found)
    may = actor.can(Permission.COMMAND_STATIONS) and command_standing.is_ours(found)
    waits, is_paused = progress.unsent > 0, found.paused_at is not None
    return {
        "is_partial": is_partial,
        "can": {
            "cancel": may and waits and (is_partial or not is_paused),
            "resume": may and waits and is_paused and not is_partial,
            "abandon": may and waits and is_paused and not is_partial,
            "undo": may and progress.may_be_done > 0,
            "retry": may and progress.retried > 0,
        },
    }


def _forms(found: Command) -> list[tuple[str, str]]:
    """(id, address) of those that the buttons belong to."""
    return [(f"f-{name}", reverse(f"command_{name}", args=[found.public_id])) for name in FORMS]


def _related(actor: Actor, found: Command) -> dict[str, Any]:
    """What it came of and what came of it, as far as this person sees them."""
    mine = Command.objects.visible_to(actor)
    return {
        "parent": mine.filter(pk=found.parent_id).first() if found.parent_id else None,
        "schedule": _schedule(actor, found),
        "children": list(mine.filter(parent=found).order_by("-id")[:RELATED]),
    }


def _schedule(actor: Actor, found: Command) -> CommandSchedule | None:
    """The one whose time it was, or whose window it ends."""
    if found.origin != Origin.SCHEDULE:
        return None
    mine = CommandSchedule.objects.visible_to(actor)
    return mine.filter(runs__command=found).first() or mine.filter(runs__return_command=found).first()


# --- the table --------------------------------------------------------------------------------------------------------
def _rows(request: ActorRequest, found: Command) -> dict[str, Any]:
    items, only = item_rows.narrow(_items(request.actor, found), request.GET)
    page = paging.rising(item_rows.with_facts(items), request.GET, size=ITEMS)
    return {"page": page, "only": only, "rows": item_rows.of(request.actor, page.rows)}
