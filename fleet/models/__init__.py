"""What we have, and what we ask of it. One noun a file."""

from fleet.models.account import Account, RequestBudget, RequestSlot
from fleet.models.api_call import ApiCall
from fleet.models.command import Command, CommandItem, ManageCall
from fleet.models.message import HookToken, RawMessage
from fleet.models.notice import DriftNotice, UnknownStation
from fleet.models.site import Site
from fleet.models.station import Connector, Station, StationSetting
from fleet.models.tariff import Tariff

__all__ = [
    "Account",
    "ApiCall",
    "Command",
    "CommandItem",
    "Connector",
    "DriftNotice",
    "HookToken",
    "ManageCall",
    "RawMessage",
    "RequestBudget",
    "RequestSlot",
    "Site",
    "Station",
    "StationSetting",
    "Tariff",
    "UnknownStation",
]
