"""The reports page and its CSV: the same figures by the same question."""

import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fleet.models import Site
from lib import charts, clock
from people.access import ActorRequest, require
from people.roles import Permission
from reporting import summary
from reporting.forms import DEFAULT_DAYS, PERIODS_DAYS, ReportForm
from reporting.summary import Period, Summary


@require(Permission.VIEW)
def reports(request: ActorRequest) -> HttpResponse:
    form, period, site = _question(request)
    result = summary.figures(request.actor, period, site)
    currencies = sorted({currency for line in result.sites for currency in line.sums.revenue})
    context = {
        "form": form,
        "period": period,
        "site": site,
        "periods": _periods(form),
        "result": result,
        "days_newest_first": result.days[::-1],
        "average_kwh": result.total.sums.energy_kwh / result.total.sums.sessions
        if result.total.sums.sessions
        else None,
        "energy_chart": _energy_chart(result),
        "revenue_bars": [(currency, _revenue_bars(result, currency)) for currency in currencies],
        "may_export": request.actor.can(Permission.EXPORT),
        "zone": _common_zone(result),
    }
    return render(request, "reporting/reports.html", context)


@require(Permission.EXPORT)
def reports_csv(request: ActorRequest) -> HttpResponse:
    """A line per day, site and currency, without totals. A question that is refused gets 400."""
    form, period, site = _question(request)
    if form.errors:
        words = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return HttpResponse(words, status=400, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"reports-{period.first:%Y-%m-%d}-{period.last:%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(answer)
    writer.writerow(summary.CSV_HEAD)
    writer.writerows(summary.csv_rows(request.actor, period, site))
    return answer


def _question(request: HttpRequest) -> tuple[ReportForm, Period, Site | None]:
    """The form, and what to show: where the question is refused, the default beside its errors."""
    form = ReportForm(request.GET, actor=request.actor)  # type: ignore[attr-defined]
    values = form.cleaned_data if form.is_valid() else {}
    site: Site | None = values.get("site")
    if values.get("first"):
        return form, Period(values["first"], values["last"]), site
    sites = [site] if site else Site.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    return form, summary.period_of(values.get("days") or DEFAULT_DAYS, clock.now(), sites), site


def _periods(form: ReportForm) -> list[tuple[int, str, bool]]:
    """The offered periods: days, words, whether it is the one shown."""
    is_custom = bool(form.data.get("first") or form.data.get("last"))
    shown = str(form.data.get("days") or DEFAULT_DAYS)
    return [(days, _("%(days)s days") % {"days": days}, not is_custom and shown == str(days)) for days in PERIODS_DAYS]


def _energy_chart(result: Summary) -> SafeString:
    return charts.days(
        "energy",
        _("Energy per day"),
        [line.day for line in result.days if line.day],
        [charts.Series(_("Energy"), [line.sums.energy_kwh for line in result.days])],
        "kWh",
        decimals=2,
    )


def _revenue_bars(result: Summary, currency: str) -> SafeString:
    lines = [line for line in result.sites if line.site and currency in line.sums.revenue]
    lines.sort(key=lambda line: line.sums.revenue[currency], reverse=True)
    link = reverse("reports")
    rows = [(line.site.name, line.sums.revenue[currency], f"{link}?site={line.site.pk}") for line in lines if line.site]
    return charts.hbars(rows, currency, decimals=2)


def _common_zone(result: Summary) -> str:
    """The zone of all the sites, or nothing where they differ."""
    zones = {line.site.timezone for line in result.sites if line.site}
    return zones.pop() if len(zones) == 1 else ""
