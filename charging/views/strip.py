"""A station's state strip: a fragment of its page, and without a script a page of its own."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateformat import format as date_text
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging import strip, strip_facts
from charging.strip import Kind, Stretch
from fleet.models import Station
from lib import clock, figures, icons, scale, strips
from people.access import require
from people.roles import Permission

SPANS = (("24h", gettext_lazy("24 h")), ("7d", gettext_lazy("7 d")), ("30d", gettext_lazy("30 d")))
HEIGHT = {
    Kind.SUSPENDED: 60.0,
    Kind.STOPPED: 35.0,
    Kind.PENDING: 35.0,
    Kind.OFFLINE: 60.0,
    Kind.UNAVAILABLE: 25.0,
}  # percent of the strip
Lines = list[tuple[str, list[Stretch]]]


@require(Permission.VIEW)
def station_strip(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Station.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    station = get_object_or_404(mine.select_related("site").prefetch_related("connectors"), pk=pk)
    span = request.GET.get("span", "")
    span = span if span in strip.DAYS else "24h"
    context = {"station": station, "span": span, "spans": SPANS} | _drawn(station, span, clock.now())
    is_part = request.headers.get("HX-Request") == "true"
    return render(request, "charging/_station_strip.html" if is_part else "charging/station_strip.html", context)


def _drawn(station: Station, span: str, now: datetime) -> dict[str, Any]:
    zone = station.site.zone
    begin_at, end_at = strip.window(span, now, zone)
    found = strip_facts.read(station, begin_at, end_at)
    names: list[tuple[int | None, str]] = [(one.pk, str(one.number)) for one in station.connectors.all()]
    if any(one.connector_id is None for one in found.sessions):
        names.append((None, ""))
    rows = [(name, strip.of(pk, found.sessions, found.alarms, begin_at, end_at)) for pk, name in names]
    days = strip.days(begin_at, end_at, zone)
    return {
        "drawing": _drawing(rows, begin_at, end_at, zone, span, days) if rows else "",
        "key": _key(rows, begin_at, end_at),
        "stretches": [(name, one) for name, row in rows for one in row] if span == "24h" else [],
        "days": [] if span == "24h" else _days(rows, days),
        "kinds": list(Kind),
    }


def _drawing(
    rows: Lines, begin_at: datetime, end_at: datetime, zone: ZoneInfo, span: str, days: list[Any]
) -> SafeString:
    total_s = (end_at - begin_at).total_seconds()
    edges = [(day, (first - begin_at).total_seconds() / total_s * 100) for day, first, _last in days]
    if span == "24h":
        labels = [(share * 100, text) for share, text in scale.time_labels(begin_at, end_at, zone)]
    else:
        step = 1 if span == "7d" else 5
        labels = [(x, date_text(day, "D j" if span == "7d" else "j M")) for day, x in edges[::step]]
    drawn = [
        strips.Row(_name(name), _told(row, begin_at, end_at), [_bar(one, zone) for one in row]) for name, row in rows
    ]
    return strips.draw("strip", drawn, begin_at, end_at, labels=labels, lines=[x for _day, x in edges[1:]])


def _name(connector: str) -> str:
    return _("Connector %(n)s") % {"n": connector} if connector else _("Not said")


def _bar(one: Stretch, zone: ZoneInfo) -> strips.Bar:
    begin, end = one.begin_at.astimezone(zone), one.end_at.astimezone(zone)
    until = figures.minute(end, with_date=begin.date() != end.date(), with_year=False)
    title = f"{figures.minute(begin, with_year=False)} – {until} {figures.zone_name(end)}"
    words = " · ".join(part for part in (figures.duration(one.duration), one.words) if part)
    key = "" if one.kind is Kind.NO_NEWS else str(one.kind)
    return strips.Bar(key, one.begin_at, one.end_at, title, icons.word(one.kind), words, HEIGHT.get(one.kind, 100.0))


def _told(row: list[Stretch], begin_at: datetime, end_at: datetime) -> str:
    spent = strip.sums(row, begin_at, end_at)
    return ", ".join(f"{icons.word(kind)} {figures.duration(spent[kind])}" for kind in Kind if kind in spent)


def _key(rows: Lines, begin_at: datetime, end_at: datetime) -> list[tuple[Kind, int]]:
    """Each kind that occurs with its time over all connectors. Where none is said, silence says nothing more."""
    spent = [
        strip.sums([one for one in row if name or one.kind is not Kind.NO_NEWS], begin_at, end_at) for name, row in rows
    ]
    return [(kind, sum(one.get(kind, 0) for one in spent)) for kind in Kind if any(kind in one for one in spent)]


def _days(rows: Lines, days: list[Any]) -> list[dict[str, Any]]:
    """A line a day and connector, the newest day first."""
    found = []
    for day, begin_at, end_at in reversed(days):
        for name, row in rows:
            spent = strip.sums(row, begin_at, end_at)
            found.append({"day": day, "name": name, "length": end_at - begin_at, "spent": [spent.get(k) for k in Kind]})
    return found
