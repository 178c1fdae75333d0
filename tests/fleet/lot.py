"""A parking lot of stations and a queue of commands for them, without a vendor: for tests of who is sent when."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from fleet import claims, commands
from fleet.budget import Lane
from fleet.claims import Parcel
from fleet.command_options import Options
from fleet.models import Command, CommandItem, Station, StationSetting
from people.actor import Doer, System
from tests import factories

NOW = factories.NOW


class Lot:
    """Everything is asked by the product itself, hence sent in the lane of commands, unless `actor` says otherwise."""

    def __init__(self, stations: int = 1, **account: Any) -> None:
        self.site = factories.site()
        self.account = factories.account(self.site.organisation, **account)
        self.stations = [factories.station(self.site, account=self.account) for _ in range(stations)]
        self.actor: Doer = System(self.site.organisation_id, "The test")

    def ask(
        self, message: str, *stations: Station, actor: Doer | None = None, now: datetime = NOW, **options: Any
    ) -> Command:
        wishes = commands.for_all(stations or self.stations, {"setMessage": message})
        chosen = Options(**({"send_equal": True} | options))
        return commands.request(actor=actor or self.actor, wishes=wishes, now=now, options=chosen)

    def claim(self, now: datetime = NOW, lane: Lane = Lane.COMMANDS) -> Parcel | None:
        return claims.claim(now=now, lane=lane)

    def wanted(self, station: Station | None = None) -> tuple[str, datetime | None]:
        row = StationSetting.objects.get(station=station or self.stations[0], kind="setMessage")
        return row.wanted_value, row.wanted_at


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def states(command: Command) -> list[str]:
    return list(command.items.order_by("pk").values_list("state", flat=True))


def end_holds() -> None:
    """Wall time passes: what has a due time is due now."""
    CommandItem.objects.filter(due_at__isnull=False).update(due_at=Now())
