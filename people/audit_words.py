"""How an entry of the audit trail is said to people: words instead of verbs, details in one line. No queries here."""

import re
from collections.abc import Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from people.models import AuditEntry

# What the verb alone says badly; another one is shown as it is written, without its dot and underscores.
WORDS = {
    "account.exception_url_changed": _("Exception address renewed"),
    "account.key_changed": _("Account's API key changed"),
    "account.limit_changed": _("Request limit changed"),
    "api_key.created": _("API key made"),
    "api_key.revoked": _("API key revoked"),
    "command.abandoned": _("Command abandoned"),
    "command.braked": _("Command stopped by the brake"),
    "command.cancelled": _("Command cancelled"),
    "command.requested": _("Command asked for"),
    "command.resumed": _("Command resumed"),
    "drift.accepted": _("Drift taken as it is"),
    "command_schedule.cancelled": _("Scheduled command cancelled"),
    "command_schedule.created": _("Command scheduled"),
    "command_schedule.left": _("Missed end left as it is"),
    "invitation.created": _("Invited"),
    "invitation.revoked": _("Invitation withdrawn"),
    "session.correction_accepted": _("Correction accepted"),
    "session.correction_kept": _("Correction not accepted"),
    "session.decided": _("Session decided"),
    "session.requested": _("Session started"),
    "session.stop_requested": _("Stop asked for"),
    "site.created": _("Site added"),
    "station.created": _("Station added"),
    "tariff.created": _("Tariff added"),
}
SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST = 160  # characters of details in a line


def line(entry: AuditEntry) -> dict[str, Any]:
    """What a row of the trail says: entry, words, subject, href and details."""
    details = {name: value for name, value in entry.details.items() if name != "session"}
    session = str(entry.details.get("session") or entry.subject) if entry.verb.startswith("session.") else ""
    is_nameless = bool(SESSION.fullmatch(entry.subject))
    return {
        "entry": entry,
        "words": WORDS.get(entry.verb) or entry.verb.replace(".", " ").replace("_", " ").capitalize(),
        "subject": _("a session") if is_nameless else entry.subject,
        "href": _session_href(session) if SESSION.fullmatch(session) else "",
        "details": _told(details)[:MOST],
    }


def _told(details: Mapping[str, Any]) -> str:
    """`role owner → viewer` for what changed, `stations 24` for the rest."""
    before, after = details.get("before"), details.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        changed = [name for name in after if before.get(name) != after[name]]
        return ", ".join(f"{_name(name)} {_value(before.get(name))} → {_value(after[name])}" for name in changed)
    return ", ".join(f"{_name(name)} {_value(value)}" for name, value in details.items() if value not in (None, ""))


def _name(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return str(_("all"))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _session_href(public_id: str) -> str:
    try:
        return reverse("session", args=[public_id])
    except NoReverseMatch:  # this app knows the route by name only
        return ""
