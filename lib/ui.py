"""The template tags and filters of the design system, known in every template. docs/design.md shows each one in use.

Filters for table cells return small safe strings built here, because a row is rendered thousands of times; everything
larger is a template in templates/ui/. How a number is written is decided in lib.figures, not here.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.template import Context
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lib import clock, figures, icons, traces

register = template.Library()
Number = int | float | Decimal | None
CURSORS = ("before", "after")  # a cursor points into one list; another filter or order is another list


# --- marks ----------------------------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """A Lucide icon by name."""
    return icons.draw(name, size)


@register.simple_tag
def mark(state: str, size: int = 14) -> SafeString:
    """The bare shape of a status, where its word stands elsewhere."""
    return icons.mark(state, size)


@register.simple_tag
def status(state: str, label: str = "", pill: bool = False) -> SafeString:
    """Colour, shape and word of a state; without a label the word of the state itself."""
    return format_html(
        '<span class="st {}{}">{}{}</span>',
        icons.key(state),
        " pill" if pill else "",
        icons.mark(state),
        label or icons.word(state),
    )


@register.filter
def state_word(state: str) -> str:
    """The word of a state, for titles and lists that carry the shape elsewhere."""
    return icons.word(state)


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar."""
    words = [word for word in str(name).replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


# --- quantities -------------------------------------------------------------------------------------------------------
def _none() -> SafeString:
    return format_html('<span class="none" aria-hidden="true">–</span><span class="vh">{}</span>', _("not reported"))


def _with_unit(text: str, unit: str) -> SafeString:
    return format_html('{}<span class="unit">{}</span>', text, unit)


@register.filter
def number(value: Number, decimals: int = 0) -> str:
    """A bare number, grouped."""
    return _none() if value is None else figures.number(value, decimals)


@register.filter
def kw(value: Number) -> SafeString:
    """Power in kW, one decimal."""
    return _none() if value is None else _with_unit(figures.number(value, 1), "kW")


@register.filter
def kwh(value: Number) -> SafeString:
    """Energy in kWh, two decimals."""
    return _none() if value is None else _with_unit(figures.number(value, 2), "kWh")


@register.filter
def kwh_exact(value: Number) -> SafeString:
    """Energy in kWh, three decimals, where it is compared or billed."""
    return _none() if value is None else _with_unit(figures.number(value, 3), "kWh")


@register.filter
def money(value: Number, currency: str) -> SafeString:
    """An amount, two decimals, never without its currency: `12.40 CAD`."""
    return _none() if value is None else _with_unit(figures.number(value, 2), currency)


@register.filter
def price(value: Number, unit: str) -> SafeString:
    """A unit price with all its decimals: `{{ tariff.price_per_kwh|price:"CAD/kWh" }}`."""
    return _none() if value is None else _with_unit(figures.price(value), unit)


@register.filter
def percent(value: Number) -> SafeString:
    """Percent from a percentage (44 is 44 %, not 0.44), no decimals."""
    return _none() if value is None else _with_unit(figures.number(value), "%")


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
    text = _with_unit(figures.minute(local_at, **form), figures.zone_name(local_at))
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


# --- small drawings ---------------------------------------------------------------------------------------------------
@register.simple_tag
def bar(value: Number, maximum: Number = 100, kind: str = "s1", mark_at: Number = None) -> SafeString:
    """A thin bar, value of maximum; its figure stands beside it in words. Nothing known draws the empty track."""
    return traces.bar(value, maximum, icons.key(kind), mark_at)


@register.simple_tag
def spark(values: list[Number], kind: str = "s1") -> SafeString:
    """A small trace from zero; a None is a gap."""
    return traces.spark(values, icons.key(kind))


# --- blocks -----------------------------------------------------------------------------------------------------------
@register.simple_block_tag
def kpi(content: str, label: str, value: Any, unit: str = "", id: str = "") -> SafeString:
    """One figure of a KPI strip; the block is its small foot line. With an id it can be sent out of band."""
    shown = _with_unit(str(value), unit) if unit else conditional_escape("–" if value is None else value)
    name = format_html(' id="{}"', id) if id else ""
    return format_html(
        '<div class="kpi"{}><dt>{}</dt><dd>{}</dd><dd class="foot">{}</dd></div>',
        name,
        label,
        shown,
        mark_safe(content.strip()),  # noqa: S308 - the block was rendered and escaped by its template
    )


NOTES = {
    "info": ("info", "status"),
    "ok": ("circle-check", "status"),
    "warn": ("triangle-alert", "status"),
    "bad": ("octagon-alert", "alert"),
}


@register.simple_block_tag
def note(content: str, kind: str = "info", closable: bool = False) -> SafeString:
    """A message in the page: info, ok, warn or bad."""
    sign, role = NOTES.get(kind, NOTES["info"])
    close = format_html(
        '<button class="btn ghost sm icon close" type="button" data-close-note hidden aria-label="{}">{}</button>',
        _("Dismiss"),
        icons.draw("x", 14),
    )
    return format_html(
        '<div class="note {}" role="{}">{}<div>{}</div>{}</div>',
        kind,
        role,
        icons.draw(sign, 15),
        content,
        close if closable else "",
    )


@register.filter
def note_kind(level_tag: str) -> str:
    """The kind of note for the level of a Django message."""
    return {"success": "ok", "warning": "warn", "error": "bad"}.get(level_tag, "info")


@register.simple_block_tag
def empty(content: str, title: str, text: str, sign: str = "inbox", level: int = 3) -> SafeString:
    """Nothing to show: what that means, and in the block one action. `level` is that of the heading."""
    return format_html(
        '<div class="empty">{}<h{}>{}</h{}><p>{}</p>{}</div>',
        icons.draw(sign, 26),
        level,
        title,
        level,
        text,
        format_html('<div class="row">{}</div>', content) if content.strip() else "",
    )


@register.inclusion_tag("ui/copy.html")
def copy(value: str) -> dict[str, str]:
    """A value to take along: an address, a key that is shown once."""
    return {"value": value}


@register.inclusion_tag("ui/live_state.html")
def live_state() -> dict[str, Any]:
    """Live / Delayed / Paused with the age in seconds, driven by live.js."""
    return {}


# --- links that keep the query ----------------------------------------------------------------------------------------
def _query(context: Context, **changes: str) -> str:
    request = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    for name in CURSORS:
        query.pop(name, None)
    for name, value in changes.items():
        if value == "":
            query.pop(name, None)
        else:
            query[name] = value
    return "?" + query.urlencode()


def _current(context: Context, name: str) -> str:
    request = context.get("request")
    return str(request.GET.get(name, "")) if request else ""


@register.simple_tag(takes_context=True)
def tab(context: Context, name: str, value: str, label: str, count: int | None = None, default: str = "") -> SafeString:
    """One choice of a query parameter, for `.tabs` and `.seg`. The default value leaves the parameter out."""
    on = (_current(context, name) or default) == str(value)
    return format_html(
        '<a href="{}"{}>{}{}</a>',
        _query(context, **{name: "" if str(value) == default else str(value)}),
        mark_safe(' aria-current="true"') if on else "",
        label,
        ""
        if count is None
        else format_html('<span class="count" id="count-{}-{}">{}</span>', name, value or "all", count),
    )


@register.simple_tag(takes_context=True)
def sort_th(context: Context, key: str, label: str, classes: str = "", default: str = "") -> SafeString:
    """A table head that sorts by `?sort=key`, then by `?sort=-key`; `default` is the page's own order."""
    sort = _current(context, "sort") or default
    rising, falling = sort == key, sort == f"-{key}"
    attributes = format_html(' class="{}"', classes) if classes else ""
    if rising or falling:
        attributes += format_html(' aria-sort="{}"', "ascending" if rising else "descending")
    return format_html(
        '<th scope="col"{}><a href="{}">{}{}</a></th>',
        attributes,
        _query(context, sort=f"-{key}" if rising else key),
        label,
        icons.draw("arrow-up" if rising else "arrow-down", 12) if rising or falling else "",
    )


@register.inclusion_tag("ui/pager.html", takes_context=True)
def pager(context: Context, before: str = "", after: str = "", label: str = "") -> dict[str, Any]:
    """Previous and next by keyset cursors (`?before=`, `?after=`); an empty cursor disables its side."""
    return {
        "previous": _query(context, before=str(before)) if before else "",
        "next": _query(context, after=str(after)) if after else "",
        "label": label,
    }


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The present query string with changes; an empty value drops its parameter, cursors are always dropped."""
    return _query(context, **{name: "" if value is None else str(value) for name, value in changes.items()})


# --- forms ------------------------------------------------------------------------------------------------------------
def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if bound.is_hidden:
        return "hidden"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "group"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.Select) and not isinstance(widget, forms.SelectMultiple):
        return "select"
    return "line"


@register.inclusion_tag("ui/field.html")
def field(bound: BoundField, unit: str = "", placeholder: str = "") -> dict[str, Any]:
    """A form field with label, control, hint and error, tied together for assistive technology."""
    kind, hint_id, error_id = _kind(bound), f"{bound.auto_id}_hint", f"{bound.auto_id}_error"
    described = " ".join(([hint_id] if bound.help_text else []) + ([error_id] if bound.errors else []))
    attributes: dict[str, str | bool] = {
        name: value for name, value in (("aria-describedby", described), ("placeholder", placeholder)) if value
    }
    if bound.errors:
        attributes["aria-invalid"] = "true"
        if next(name for name in bound.form.fields if name in bound.form.errors) == bound.name:
            attributes["autofocus"] = True  # the first that is wrong, without a script
    if kind in ("check", "group"):
        attributes["class"] = "check"
    return {
        "bound": bound,
        "kind": kind,
        "unit": unit,
        "hint_id": hint_id,
        "error_id": error_id,
        "control": None if kind == "group" else bound.as_widget(attrs=attributes),
        "optional": not bound.field.required and kind not in ("check", "hidden"),
    }


@register.inclusion_tag("ui/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong with a form as a whole."""
    return {"form": form}
