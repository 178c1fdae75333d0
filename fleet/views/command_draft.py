"""The last step before a command: the dry run, when it would be done, and the number of stations to type."""

from collections import Counter
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

from fleet import (
    command_preview,
    command_words,
    commands,
    draft_looks,
    drafts,
    schedule_times,
    schedules,
    tasks,
    waves,
)
from fleet.command_plan import Outcome
from fleet.drafts import Look
from fleet.models import CommandDraft, Site, Station
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
    now, refused, changed, look = clock.now(), "", None, None
    if request.method == "POST":
        try:
            return _confirm(request, draft, now)
        except drafts.Changed as error:
            changed, look = error, error.look
        except drafts.Refused as error:
            refused, look = str(error), error.look
        except (commands.BadCommand, schedules.BadSchedule) as error:
            refused = str(error)
    look = look or drafts.look(draft, request.actor, now, speed=clock.speed())
    context = _shown(request, draft, look, now) | {
        "refused": refused,
        "changed": _changed(request.actor, changed),
        "typed": request.POST.get("typed", "") if refused else "",
    }
    return render(request, "fleet/command_draft.html", context)


def _confirm(request: ActorRequest, draft: CommandDraft, now: datetime) -> HttpResponse:
    typed, seen = request.POST.get("typed", ""), request.POST.get("seen", "")
    done = drafts.confirm(draft, request.actor, typed, seen, now, speed=clock.speed())
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
    back = (look.when.back_values if look.when else None) or {}
    fees = command_preview.fee_ids(look.plan) | command_words.fee_ids([back])
    names = command_words.tariff_names(request.actor, fees)
    sites = Site.objects.in_bulk({line.facts.site_id for line in look.plan.lines})
    zones = {row.timezone for row in sites.values()}
    summary = {
        "draft": draft,
        "look": look,
        "affected": len(look.plan.affected),
        "counts": {outcome.value: look.plan.counts.get(outcome, 0) for outcome in Outcome},
        "changes": command_preview.changes(look.plan, names),
        "sites": command_preview.sites(look.plan, {pk: row.name for pk, row in sites.items()}),
        "sending": _about(look.sending_s),
        "sent_by_at": None if look.sending_s is None else now + timedelta(seconds=look.sending_s * clock.speed()),
        "expires_at": now + look.options.patience,
        "zone": zones.pop() if len(zones) == 1 else "UTC",
        "waves": _waves(look),
        "refused_keys": [row for row in look.accounts.values() if row.key_refused_at or row.key_unreadable],
        "may_change": draft.origin == Origin.PERSON and len(draft.groups) == 1,
    }
    return summary | _later(look, names) | _table(request, look, names)


def _table(request: ActorRequest, look: Look, names: Mapping[str, str]) -> dict[str, Any]:
    """One page of one section, station by station."""
    sections = command_preview.sections(look.plan)
    lines = sections.get(request.GET.get("show", ""), sections[""])
    first = _first(request, len(lines))
    end = min(first + PAGE, len(lines))
    shown = lines[first:end]
    stations = Station.objects.select_related("site").in_bulk([line.facts.station_id for line in shown])
    return {
        "one_way": len(sections.get("one_way", ())),
        "tabs": [(key, command_preview.SECTIONS[key][0], len(found)) for key, found in sections.items()],
        "rows": command_preview.rows(look.plan, shown, stations, names),
        "before": str(max(0, first - PAGE)) if first else "",
        "after": str(end) if end < len(lines) else "",
        "label": _("%(first)d–%(last)d of %(all)d") % {"first": first + 1, "last": end, "all": len(lines)},
    }


def _later(look: Look, names: Mapping[str, str]) -> dict[str, Any]:
    """When a schedule begins and ends; `back` is what its end sets: empty is what was before, None is nothing."""
    if look.when is None:
        return {"when": "", "times": [], "back": None}
    is_window = look.when.until_time is not None
    return {
        "when": schedule_times.words(look.when),
        "times": [
            (part, schedule_times.deadline(look.when, part.begin_at, ZoneInfo(part.timezone)))
            for part in sorted(look.parts, key=lambda part: part.begin_at)
        ],
        "back": command_words.said(look.when.back_values or {}, names) if is_window else None,
    }


def _waves(look: Look) -> dict[str, Any] | None:
    """Of a canary that goes out at once; a later one chooses its first station then."""
    if not look.options.is_canary or look.when is not None or len(look.plan.affected) < 2:
        return None
    affected = [line.facts for line in draft_looks.asked(look.plan) if line.is_affected]
    sizes = Counter(waves.divide([facts.station_id for facts in affected]).values())
    return {"first": affected[0].name, "tenth": sizes[1], "rest": sizes[2]}


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
