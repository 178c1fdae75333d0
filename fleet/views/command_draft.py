"""The last step before a command: the dry run, when it would be done, and the number of stations to type."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet import command_preview, command_words, commands, drafts, schedule_times, schedules, tasks
from fleet.command_plan import Outcome
from fleet.drafts import Look
from fleet.models import CommandDraft
from fleet.models.command import Origin
from lib import clock
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

PAGE = 100  # stations
TOLD = 12  # differences


@require(Permission.COMMAND_STATIONS)
def command_draft(request: ActorRequest, public_id: str) -> HttpResponse:
    """GET shows it, POST confirms it: `typed` the number, `seen` the digest of what was shown."""
    mine = CommandDraft.objects.visible_to(request.actor).select_related("command", "parent")
    draft = get_object_or_404(mine, public_id=public_id)
    if (done := drafts.done(draft)) is not None:
        return _to(done)
    now, refused, changed = clock.now(), "", None
    if request.method == "POST":
        try:
            return _confirm(request, draft, now)
        except drafts.Changed as error:
            changed = error
        except (drafts.Refused, commands.BadCommand, schedules.BadSchedule) as error:
            refused = str(error)
    look = drafts.look(draft, request.actor, now, speed=clock.speed())
    context = _shown(request, draft, look, now) | {
        "refused": refused,
        "changed": _changed(request.actor, changed),
        "typed": request.POST.get("typed", "") if refused else "",
    }
    return render(request, "fleet/command_draft.html", context)


def _confirm(request: ActorRequest, draft: CommandDraft, now: datetime) -> HttpResponse:
    typed, seen = request.POST.get("typed", ""), request.POST.get("seen", "")
    done = drafts.confirm(draft, request.actor, typed, seen, now)
    if done.command is None:
        messages.success(request, _("It is scheduled. Nothing is sent before its time, and it can be cancelled here."))
        return _to(done)
    # A hint only: with the broker down the sweep finds the rows as well.
    transaction.on_commit(tasks.deliver_due.delay, robust=True)
    messages.success(request, _("The command is on its way; this page shows how far it is."))
    return _to(done)


def _to(done: drafts.Done) -> HttpResponse:
    if done.command is not None:
        return redirect("command", done.command.public_id)
    if len(done.schedule_ids) == 1:
        return redirect("command_schedule", done.schedule_ids[0])
    return redirect("command_schedules")


def _shown(request: ActorRequest, draft: CommandDraft, look: Look, now: datetime) -> dict[str, Any]:
    after = (look.when.back_values if look.when else None) or {}
    names = command_words.tariff_names(
        request.actor, command_preview.fee_ids(look.plan) | command_words.fee_ids([after])
    )
    sections = command_preview.sections(look.plan)
    wanted = request.GET.get("show", "")
    lines = sections.get(wanted, sections[""])
    first = _first(request, len(lines))
    changes, more_changes = command_preview.changes(look.plan, names)
    sites, more_sites = command_preview.sites(look.plan, look.stations)
    zones = {row.site.timezone for row in look.stations.values()}
    return {
        "draft": draft,
        "look": look,
        "affected": len(look.plan.affected),
        "counts": {outcome.value: look.plan.counts.get(outcome, 0) for outcome in Outcome},
        "one_way": len(sections.get("one_way", ())),
        "changes": changes,
        "more_changes": more_changes,
        "sites": sites,
        "more_sites": more_sites,
        "tabs": [(key, command_preview.SECTIONS[key][0], len(rows)) for key, rows in sections.items()],
        "rows": command_preview.rows(lines[first : first + PAGE], look.stations, names),
        "before": str(max(0, first - PAGE)) if first else "",
        "after": str(first + PAGE) if first + PAGE < len(lines) else "",
        "label": f"{first + 1}–{min(first + PAGE, len(lines))} / {len(lines)}" if lines else "",
        "sending": _about(look.sending_s),
        "sent_by_at": None if look.sending_s is None else now + timedelta(seconds=look.sending_s * clock.speed()),
        "expires_at": now + look.options.patience,
        "times": [
            (part, schedule_times.deadline(look.when, part.begin_at, ZoneInfo(part.timezone))) for part in look.parts
        ]
        if look.when
        else [],
        "when": schedule_times.words(look.when) if look.when else "",
        "back": _back(look, names),
        "zone": zones.pop() if len(zones) == 1 else "UTC",
        "may_change": draft.origin == Origin.PERSON and len(draft.groups) == 1,
    }


def _back(look: Look, names: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """What the end of a window sets; empty: what was before, None: nothing."""
    if look.when is None or look.when.until_time is None:
        return None
    return command_words.said(look.when.back_values or {}, names)


def _first(request: ActorRequest, total: int) -> int:
    """Where the shown page begins; `before` and `after` of the pager are places in the list."""
    asked = request.GET.get("after") or request.GET.get("before") or "0"
    place = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else 0
    return place - place % PAGE if place < total else 0


def _changed(actor: Actor, error: drafts.Changed | None) -> dict[str, Any] | None:
    if error is None:
        return None
    told = error.differences[:TOLD]
    known = {change.setting.now or "" for found in told for change in found.line.changes}
    names = command_words.tariff_names(actor, known)
    return {
        "words": str(error),
        "lines": [command_preview.difference(found, names) for found in told],
        "more": len(error.differences) - len(told),
    }


def _about(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return _("never: the key has no request slot for commands")
    if seconds < 60:
        return _("less than a minute")
    minutes = round(seconds / 60)
    if minutes < 60:
        return ngettext("about %d minute", "about %d minutes", minutes) % minutes
    return _("about %(hours)d h %(minutes)02d min") % {"hours": minutes // 60, "minutes": minutes % 60}
