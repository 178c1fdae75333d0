"""What tests of schedules share: a lot that closes on Sunday and opens on Monday, and what became of its commands."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from fleet import schedules
from fleet.command_options import OF_PAGES
from fleet.models import Command, CommandItem, CommandSchedule, Station, StationSetting
from fleet.models.command import DONE_ITEMS, ItemState
from fleet.schedules import When
from people.models import Membership
from tests import factories

FRIDAY = datetime(2026, 6, 5, 16, 0, tzinfo=UTC)
CLOSES = datetime(2026, 6, 7, 4, 0, tzinfo=UTC)  # Sunday, 00:00 in Toronto
OPENS = datetime(2026, 6, 8, 10, 0, tzinfo=UTC)  # Monday, 06:00
SUNDAY = When(
    at_time=time(0),
    weekdays=(7,),
    until_time=time(6),
    until_days=1,
    back_values={"priorityStatus": "available"},
    name="Sundays",
)
CLOSED = {"priorityStatus": "unavailable"}
MINUTE = timedelta(minutes=1)


def create(owner: Membership, *stations: Station, values: Any = CLOSED, when: When = SUNDAY) -> list[CommandSchedule]:
    groups = [{"values": values, "station_ids": [row.pk for row in stations]}]
    return schedules.create(actor=factories.actor(owner), groups=groups, options=OF_PAGES, when=when, now=FRIDAY)


def become(command: Command, state: ItemState, now: datetime = CLOSES, **fields: Any) -> None:
    """As if the sender and the vendor had done their part."""
    for item in CommandItem.objects.filter(command=command):
        CommandItem.objects.filter(pk=item.pk).update(state=state, finished_at=now, **fields)
        if state in DONE_ITEMS:
            StationSetting.objects.filter(station_id=item.station_id, kind=item.kind).update(
                finished_value=item.wanted_value, finished_at=now
            )


def known(station: Station, value: str, kind: str = "priorityStatus") -> None:
    StationSetting.objects.update_or_create(
        station=station, kind=kind, defaults={"finished_value": value, "finished_at": FRIDAY}
    )


def wanted(command: Command) -> dict[int, str]:
    return dict(command.items.values_list("station_id", "wanted_value"))
