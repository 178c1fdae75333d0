"""Figures, moments and prices as tags and filters: a quantity with its unit, a time with its zone, an estimate.

Filters for table cells return small safe strings built here, because a row is rendered thousands of times. How a number
is written is decided in lib.figures.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from lib import clock, figures

register = template.Library()
Number = int | float | Decimal | None


# --- quantities -------------------------------------------------------------------------------------------------------
def _none() -> SafeString:
    return format_html('<span class="none" aria-hidden="true">–</span><span class="vh">{}</span>', _("not reported"))


def with_unit(text: str, unit: str) -> SafeString:
    return format_html('{}<span class="unit">{}</span>', text, unit)


@register.filter
def number(value: Number, decimals: int = 0) -> str:
    """A bare number, grouped."""
    return _none() if value is None else figures.number(value, decimals)


@register.filter
def kw(value: Number) -> SafeString:
    """Power in kW, one decimal."""
    return _none() if value is None else with_unit(figures.number(value, 1), "kW")


@register.filter
def kwh(value: Number) -> SafeString:
    """Energy in kWh, two decimals."""
    return _none() if value is None else with_unit(figures.number(value, 2), "kWh")


@register.filter
def kwh_exact(value: Number) -> SafeString:
    """Energy in kWh, three decimals, where it is compared or billed."""
    return _none() if value is None else with_unit(figures.number(value, 3), "kWh")


@register.filter
def money(value: Number, currency: str) -> SafeString:
    """An amount in its currency's decimals, never without it: `12.40 CAD`, `1,240 JPY`."""
    return _none() if value is None else with_unit(figures.money(value, currency), currency)


@register.filter
def price(value: Number, unit: str) -> SafeString:
    """A unit price, or an amount, with all its decimals: `{{ tariff.price_per_kwh|price:"CAD/kWh" }}`."""
    return _none() if value is None else with_unit(figures.price(value, figures.cents(unit[:3])), unit)


@register.filter
def percent(value: Number) -> SafeString:
    """Percent from a percentage (44 is 44 %, not 0.44), no decimals."""
    return _none() if value is None else with_unit(figures.number(value), "%")


# --- time -------------------------------------------------------------------------------------------------------------
@register.filter
def duration(value: timedelta | Number) -> str:
    """`h:mm` of a timedelta or of seconds."""
    return _none() if value is None else figures.duration(value)


def _time(at: datetime, text: str, *, title: str = "", attribute: str = "") -> SafeString:
    return format_html(
        '<time datetime="{}"{}{}>{}</time>',
        f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        format_html(" {}", attribute) if attribute else "",
        format_html(' title="{}"', title) if title else "",
        text,
    )


def _moment(at: datetime | None, zone: str, **form: bool) -> SafeString:
    if at is None:
        return _none()
    local_at = at.astimezone(figures.zone(str(zone)))
    text = with_unit(figures.minute(local_at, **form), figures.zone_name(local_at))
    return _time(at, text, title=f"{figures.day(local_at)}, {local_at:%H:%M:%S} {zone}")


@register.filter
def local(at: datetime | None, zone: str) -> SafeString:
    """A moment in a zone: `23 Nov 2026, 14:32 EST`."""
    return _moment(at, zone)


@register.filter
def local_short(at: datetime | None, zone: str) -> SafeString:
    """The same without the year, where the page's period says it."""
    return _moment(at, zone, with_year=False)


@register.filter
def local_time(at: datetime | None, zone: str) -> SafeString:
    """`14:32 EST`, where the day is plain."""
    return _moment(at, zone, with_date=False)


@register.filter
def day(value: date | None) -> str:
    """A date: `23 Nov 2026`."""
    return _none() if value is None else figures.day(value)


@register.filter
def elapsed(started_at: datetime | None, now: datetime) -> SafeString:
    """`h:mm` since a moment; the browser goes on counting by the server's clock."""
    if started_at is None:
        return _none()
    return _time(started_at, figures.duration(now - started_at), attribute="data-elapsed")


@register.filter
def ago(at: datetime | None, now: datetime) -> SafeString:
    """The age of a moment in one unit, `48 s`; the browser goes on counting."""
    if at is None:
        return _none()
    return _time(at, figures.age(now - at), title=f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", attribute="data-ago")


@register.simple_tag
def server_now() -> SafeString:
    """The meta element by which the browser keeps business time."""
    units = f"{_('s')} {_('min')} {_('h')} {_('d')}"
    return format_html(
        '<meta name="server-now" content="{}" data-speed="{}" data-units="{}">',
        clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{clock.speed():g}",
        units,
    )


@register.simple_tag
def estimate(
    value: Number, rate_per_s: Number, at: datetime, until: datetime | None, unit: str, decimals: int = 2
) -> SafeString:
    """A value that grows between readings: value at `at` plus rate times time, drawn until `until` and no further."""
    if value is None:
        return _none()
    stamps = [f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else "" for moment in (at, until)]
    return format_html(
        '<span class="est" title="{}" data-est="{}" data-rate="{}" data-at="{}" data-until="{}" data-decimals="{}">'
        "{}</span>"
        '<span class="unit">{}</span><span class="vh">{}</span>',
        _("Estimated since the last reading"),
        value,
        rate_per_s or 0,
        *stamps,
        decimals,
        figures.number(value, decimals),
        unit,
        _("estimated"),
    )
