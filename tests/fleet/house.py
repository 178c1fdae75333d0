"""An account with the sandbox, and stations that both sides know: for tests of what is sent and what comes back."""

from datetime import datetime, timedelta

from django.db.models.functions import Now

from fleet import commands
from fleet.budget import Lane
from fleet.models import Account, Command, CommandItem, Station
from fleet.models.command import ItemState
from tests import factories
from tests.contract.vendor import Vendor


class House:
    def __init__(self, vendor: Vendor, **fields: int) -> None:
        self.vendor = vendor
        self.site = factories.site()
        self.actor = factories.actor(factories.member(organisation=self.site.organisation))
        self.account: Account = factories.account(
            self.site.organisation, base_url=vendor.url, api_key=vendor.key(), **fields
        )

    def station(self) -> Station:
        return factories.station(self.site, account=self.account, vendor_id=self.vendor.station())

    def ask(self, *stations: Station, **values: str) -> Command:
        return commands.request(actor=self.actor, wishes=commands.for_all(stations, values), now=self.vendor.now())

    def deliver(self) -> int:
        """What can go at this moment, in both lanes. Returns the calls tried."""
        lanes = (Lane.PEOPLE, Lane.COMMANDS)
        return sum(commands.deliver(clock=self.vendor.now, lane=lane, patience_s=0) for lane in lanes)

    def history(self) -> int:
        CommandItem.objects.filter(state=ItemState.UNKNOWN).update(due_at=Now())
        return commands.read_history(self.account, self.vendor.now())

    def later(self, seconds: float) -> datetime:
        return self.vendor.now() + timedelta(seconds=seconds)


def states(command: Command) -> list[str]:
    return list(command.items.order_by("pk").values_list("state", flat=True))
