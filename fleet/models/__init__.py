"""What we have, and what we ask of it. One noun a file."""

from fleet.models.account import Account, RequestBudget, RequestSlot
from fleet.models.api_call import ApiCall
from fleet.models.command import Command, CommandEvent, CommandItem
from fleet.models.command_draft import CommandDraft
from fleet.models.command_schedule import CommandSchedule, ScheduledRun
from fleet.models.manage_call import ManageCall
from fleet.models.message import HookToken, RawMessage
from fleet.models.notice import DriftNotice, UnknownStation
from fleet.models.site import Site
from fleet.models.station import Connector, Station, StationSetting
from fleet.models.tariff import Tariff

__all__ = [
    "Account",
    "ApiCall",
    "Command",
    "CommandDraft",
    "CommandEvent",
    "CommandItem",
    "CommandSchedule",
    "Connector",
    "DriftNotice",
    "HookToken",
    "ManageCall",
    "RawMessage",
    "RequestBudget",
    "RequestSlot",
    "ScheduledRun",
    "Site",
    "Station",
    "StationSetting",
    "Tariff",
    "UnknownStation",
]
