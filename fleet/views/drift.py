"""Drift: where what is wanted and what a station last got differ; repaired through a draft, or taken as it is."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from fleet import command_lamps, command_words
from fleet import drift as domain
from fleet.commands import BadCommand
from fleet.models import Site, StationSetting
from fleet.models.station import CommandKind
from lib import clock, csv_file, figures
from people.access import ActorRequest, require
from people.actor import Actor
from people.roles import Permission

SET_BY = {"us": gettext_lazy("our command"), "portal": gettext_lazy("portal or other user")}
COLUMNS = (
    "station", "station_name", "site", "time_zone", "command", "wanted_value", "finished_value", "wanted_at",
    "finished_at", "finished_by", "last_command_id", "last_state", "last_error_code",
)  # fmt: skip
PORTION = 500


@require(Permission.VIEW)
def command_drift(request: ActorRequest) -> HttpResponse:
    filters = _filters(request.GET)
    page = domain.page(domain.matching(request.actor, filters), request.GET)
    context = {
        "page": page,
        "rows": _shown(request.actor, domain.rows(page.rows)),
        "count": domain.matching(request.actor, filters).count() if page.before or page.after else len(page.rows),
        "filters": filters,
        "filtered": any(filters.values()),
        "sites": Site.objects.visible_to(request.actor),
        "kinds": CommandKind.choices,
        "may_command": request.actor.can(Permission.COMMAND_STATIONS),
        "may_export": request.actor.can(Permission.EXPORT),
    }
    return render(request, "fleet/drift.html", context)


def _filters(given: QueryDict) -> dict[str, str]:
    return {name: given.get(name, "") for name in domain.FILTERS}


def _shown(actor: Actor, rows: list[domain.Row]) -> list[dict[str, Any]]:
    """Rows in words. One query."""
    values = [{row.setting.kind: row.setting.wanted_value} for row in rows]
    values += [{row.setting.kind: row.setting.finished_value or ""} for row in rows]
    names = command_words.tariff_names(actor, command_words.fee_ids(values))
    return [
        {
            "setting": row.setting,
            "station": row.setting.station,
            "what": row.setting.get_kind_display(),
            "wanted": command_words.value(row.setting.kind, row.setting.wanted_value, names),
            "has": command_words.value(row.setting.kind, row.setting.finished_value, names),
            "since": row.since,
            "set_by": SET_BY.get(row.setting.finished_by, _("nobody yet")),
            "last": row.last,
            "mark": command_lamps.mark(row.last.state) if row.last else "",
        }
        for row in rows
    ]


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_drift_repair(request: ActorRequest) -> HttpResponse:
    """A draft of what is wanted, for the chosen settings; on to its dry run."""
    try:
        draft = domain.repair(actor=request.actor, found=_chosen(request), now=clock.now())
    except domain.NothingChosen:
        return _nothing(request)
    except BadCommand as error:
        messages.error(request, str(error))
        return _back(request)
    return redirect("command_draft", draft.public_id)


@require(Permission.COMMAND_STATIONS)
@require_POST
def command_drift_accept(request: ActorRequest) -> HttpResponse:
    """From now on, what is there is what is wanted. All of them at once only after a question, with their number."""
    found = _chosen(request)
    if "all" in request.POST and (n := found.count()) > 1 and request.POST.get("sure") != str(n):
        context = {"count": n, "filters": _filters(request.POST), "cancel_url": _list_url(request)}
        return render(request, "fleet/drift_accept.html", context | {"title": _("Take all of it as it is?")})
    try:
        count = domain.accept(actor=request.actor, found=found, now=clock.now())
    except domain.NothingChosen:
        return _nothing(request)
    words = ngettext("%(n)s setting is wanted as it is.", "%(n)s settings are wanted as they are.", count)
    messages.success(request, words % {"n": figures.number(count)})
    return _back(request)


def _chosen(request: ActorRequest) -> QuerySet[StationSetting]:
    """All that the filter means, one row, or the ticked ones."""
    found = domain.matching(request.actor, _filters(request.POST))
    if "all" in request.POST:
        return found
    wanted = request.POST.getlist("only") or request.POST.getlist("setting")
    return found.filter(pk__in=[int(pk) for pk in wanted if pk.isdecimal() and len(pk) < 18])


def _nothing(request: ActorRequest) -> HttpResponse:
    messages.warning(request, _("None of the chosen settings drifts. Tick those to mend, and try again."))
    return _back(request)


def _back(request: ActorRequest) -> HttpResponse:
    return redirect(_list_url(request))


def _list_url(request: ActorRequest) -> str:
    """The list with the filter that the form kept."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in _filters(request.POST).items() if value})
    return f"{reverse('command_drift')}{'?' if query else ''}{query.urlencode()}"


@require(Permission.EXPORT)
def command_drift_csv(request: ActorRequest) -> HttpResponseBase:
    """The settings that the page's filter means, all of them."""
    return csv_file.answer(_lines(domain.matching(request.actor, _filters(request.GET))), "drift.csv")


def _lines(found: QuerySet[StationSetting]) -> Iterator[list[str]]:
    """The head, then a line per setting, with the values as the vendor knows them, in the time of the site."""
    yield list(COLUMNS)
    ids = list(found.order_by("station__vendor_id", "pk").values_list("pk", flat=True))
    for begin in range(0, len(ids), PORTION):
        settings = found.filter(pk__in=ids[begin : begin + PORTION]).select_related("station__site")
        for row in domain.rows(list(settings.order_by("station__vendor_id", "pk"))):
            yield _line(row)


def _line(row: domain.Row) -> list[str]:
    setting, site = row.setting, row.setting.station.site
    zone = figures.zone(site.timezone)
    moments = (setting.wanted_at, setting.finished_at)
    cells = (setting.station.vendor_id, setting.station.name, site.name, site.timezone, setting.kind)
    return [
        *map(csv_file.text, (*cells, setting.wanted_value, setting.finished_value)),
        *(at.astimezone(zone).isoformat(timespec="seconds") if at else "" for at in moments),
        setting.finished_by,
        str(row.last.command.public_id) if row.last else "",
        row.last.state if row.last else "",
        csv_file.text(row.last.error_code if row.last else ""),
    ]
