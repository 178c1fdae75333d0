"""What the shell around every page shows: who and where, the navigation, the theme, the server's clock."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from charging import attention
from lib import clock
from people.roles import Permission

# (url name, icon of lucide, word, permission to see it, other url names under it)
NAVIGATION = (
    ("live", "zap", _("Live"), Permission.VIEW),
    ("sites", "map-pin", _("Sites"), Permission.VIEW),
    ("stations", "ev-charger", _("Stations"), Permission.VIEW),
    ("sessions", "plug-zap", _("Sessions"), Permission.VIEW),
    ("exceptions", "triangle-alert", _("Exceptions"), Permission.VIEW),
    ("commands", "square-terminal", _("Commands"), Permission.VIEW),
    ("reports", "chart-column", _("Reports"), Permission.VIEW),
    ("tariffs", "receipt", _("Tariffs"), Permission.VIEW),
    ("settings", "settings", _("Settings"), Permission.VIEW),
)
THEMES = ("light", "dark")


def context(request: HttpRequest) -> dict[str, Any]:
    """`shell.nav`: items with name, href, icon, label, current, and a count where something waits; made only where a
    page draws it, so that fragments and polls pay nothing. `shell.theme`: light, dark or empty (the system's)."""
    actor = getattr(request, "actor", None)
    theme = request.COOKIES.get("theme", "")
    return {
        "actor": actor,
        "shell": {
            "nav": SimpleLazyObject(partial(_navigation, request)) if actor else [],
            "membership": getattr(request, "membership", None),
            "theme": theme if theme in THEMES else "",
            "keys_off": request.COOKIES.get("keys") == "off",
            "now": clock.now(),
            "speed": clock.speed(),
            "demo": settings.DEMO,
        },
    }


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    match = request.resolver_match
    here = match.url_name or "" if match else ""
    counts = _counts(request)
    return [
        {"name": name, "href": _href(name), "icon": icon, "label": label, "current": _under(here, name)}
        | counts.get(name, {})
        for name, icon, label, permission in NAVIGATION
        if request.actor.can(permission)  # type: ignore[attr-defined]
    ]


def _counts(request: HttpRequest) -> dict[str, dict[str, str]]:
    """Beside Live what a person has to decide, beside Exceptions those that are open. Nothing waits: no count."""
    waiting, exceptions = attention.counts(request.actor)  # type: ignore[attr-defined]
    return {
        "live": _count(waiting, "warn", ngettext("%(n)s decision waits", "%(n)s decisions wait", waiting)),
        "exceptions": _count(exceptions, "bad", ngettext("%(n)s is open", "%(n)s are open", exceptions)),
    }


def _count(number: int, alert: str, words: str) -> dict[str, str]:
    shown = str(number) if number < attention.COUNTED else f"{attention.COUNTED - 1}+"
    return {"count": shown, "alert": alert, "words": words % {"n": shown}} if number else {}


def _under(here: str, name: str) -> bool:
    """`station_import` and `station` stand under `stations`, `settings_keys` under `settings`."""
    stem = name.removesuffix("s") if name not in {"settings"} else name
    return here in (name, stem) or here.startswith(f"{stem}_")


def _href(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return "#"
