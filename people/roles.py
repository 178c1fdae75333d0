"""Roles as code: what each role of an organisation may do. One table, read by pages, API and tests alike."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    OPERATOR = "operator", _("Operator")
    ACCOUNTANT = "accountant", _("Accountant")
    VIEWER = "viewer", _("Viewer")


class Permission(StrEnum):
    VIEW = "view"  # every page of things and happenings
    EXPORT = "export"  # CSV of sessions and reports
    CONTROL_SESSIONS = "control_sessions"  # start, stop, decide an unknown outcome
    COMMAND_STATIONS = "command_stations"  # tariffId, priorityStatus, setMessage
    MANAGE_FLEET = "manage_fleet"  # sites, stations, tariffs
    MANAGE_ACCOUNTS = "manage_accounts"  # Eevion accounts, webhook messages that failed
    MANAGE_KEYS = "manage_keys"  # API keys
    MANAGE_PEOPLE = "manage_people"  # invite, change, remove


P = Permission
ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset(Permission) - {P.MANAGE_PEOPLE, P.MANAGE_ACCOUNTS},
    Role.OPERATOR: frozenset({P.VIEW, P.EXPORT, P.CONTROL_SESSIONS, P.COMMAND_STATIONS}),
    Role.ACCOUNTANT: frozenset({P.VIEW, P.EXPORT}),
    Role.VIEWER: frozenset({P.VIEW}),
}


def allows(role: Role, permission: Permission) -> bool:
    return permission in ALLOWED[role]
