"""Stations of an owner, and commands that the owner asks of them."""

from typing import Any

from fleet import commands
from fleet.models import Account, Command, CommandItem, Station
from people.models import Membership
from tests import factories

CLOSED = {"priorityStatus": "unavailable"}


def station(owner: Membership, account: Account, **fields: Any) -> Station:
    """One at a site of its own."""
    return factories.station(factories.site(owner.organisation), account=account, **fields)


def asked(owner: Membership, stations: list[Station], values: dict[str, str] | None = None, **more: Any) -> Command:
    """The same of all, unavailable unless `values` say otherwise, as commands.request takes it."""
    wishes = commands.for_all(stations, values or CLOSED)
    return commands.request(actor=factories.actor(owner), wishes=wishes, now=more.pop("now", factories.NOW), **more)


def items(command: Command) -> list[CommandItem]:
    return list(command.items.order_by("pk"))
