"""Links that keep the query of the page: tabs, sorted heads, the pager."""

from typing import Any

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from lib import icons

register = template.Library()
CURSORS = ("before", "after")  # a cursor points into one list; another filter or order is another list


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
    """A table head that sorts by `?sort=key`, then by `?sort=-key`; by "-key" the largest come first, then the least.

    `default` is the page's own order.
    """
    name = key.removeprefix("-")
    other = name if key != name else f"-{name}"
    sort = _current(context, "sort") or default
    rising, falling = sort == name, sort == f"-{name}"
    attributes = format_html(' class="{}"', classes) if classes else SafeString()
    if rising or falling:
        attributes += format_html(' aria-sort="{}"', "ascending" if rising else "descending")
    return format_html(
        '<th scope="col"{}><a href="{}">{}{}</a></th>',
        attributes,
        _query(context, sort=other if sort == key else key),
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
