"""The template tags and filters of the design system, known in every template. docs/design.md shows each one in use.

Marks, small drawings and blocks stand here, the others in their own modules; everything larger is a template in
templates/ui/.
"""

from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lib import icons, traces, ui_figures, ui_forms, ui_links
from lib.ui_figures import Number, with_unit

register = template.Library()
for part in (ui_figures, ui_forms, ui_links):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)


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
def state_key(state: str) -> str:
    """The class of a state, which gives its colour to what stands inside."""
    return icons.key(state)


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar."""
    words = [word for word in str(name).replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


# --- small drawings ---------------------------------------------------------------------------------------------------
@register.simple_tag
def bar(value: Number, maximum: Number = 100, kind: str = "s1", mark_at: Number = None) -> SafeString:
    """A thin bar, value of maximum; its figure stands beside it in words. Nothing known draws the empty track."""
    return traces.bar(value, maximum, icons.key(kind), mark_at)


@register.simple_tag
def stack(parts: list[tuple[str, int, str]], total: int) -> SafeString:
    """A thin bar of several parts, each (state, value, words); their words stand beside it."""
    return traces.stack([(icons.key(kind), value, words) for kind, value, words in parts], total)


@register.simple_tag
def spark(values: list[Number], kind: str = "s1") -> SafeString:
    """A small trace from zero; a None is a gap."""
    return traces.spark(values, icons.key(kind))


# --- blocks -----------------------------------------------------------------------------------------------------------
@register.simple_block_tag
def kpi(content: str, label: str, value: Any, unit: str = "", id: str = "") -> SafeString:
    """One figure of a KPI strip; the block is its small foot line. With an id it can be sent out of band."""
    shown = with_unit(str(value), unit) if unit else conditional_escape("–" if value is None else value)
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
def empty(content: str, title: str, text: str, sign: str = "inbox", level: int = 2) -> SafeString:
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
