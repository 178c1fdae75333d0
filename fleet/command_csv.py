"""Commands as lines of CSV: one per command of a list, or one per station and command of one command or one station.

Sent by lib.csv_file.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice

from django.db.models import QuerySet

from fleet import command_lamps, commands_list
from fleet.commands_list import Row
from fleet.models import Command, CommandItem
from lib import csv_file, figures
from people.actor import Actor

OF_STATION = ("command_id", "asked_at", "asked_by", "origin")  # ahead of the columns of items
PORTION = 200  # commands counted at once
OF_COMMANDS = (
    "command_id", "asked_at", "asked_by", "origin", "what", "scope", "stations", "sites", "items", "left_out",
    "accepted", "finished", "observed", "cannot_be_observed", "unknown", "went_wrong", "open", "standing", "parent_id",
)  # fmt: skip
OF_ITEMS = (
    "station", "station_name", "site", "time_zone", "command", "value_before", "wanted_value", "state", "wave",
    "sent_at", "accepted_at", "timed_out_at", "finished_at", "observed_at", "observed", "error_code", "reason",
    "evidence",
)  # fmt: skip


def of_commands(actor: Actor, found: QuerySet[Command]) -> Iterator[list[str]]:
    """The head, then a line per command, newest first. Times are UTC: a command may go to several zones."""
    yield list(OF_COMMANDS)
    rows = commands_list.with_hold(found).order_by("-requested_at", "-id").iterator(chunk_size=PORTION)
    while portion := list(islice(rows, PORTION)):
        for row in commands_list.rows(actor, portion):
            yield _command(row)


def _command(row: Row) -> list[str]:
    command, progress = row.command, row.progress
    accepted, finished, observed = progress.lamps
    return [
        str(command.public_id),
        _time(command.requested_at, UTC),
        csv_file.text(command.requested_by_label),
        command.origin,
        csv_file.text("; ".join(f"{label}: {value}" for label, value in row.said)),
        csv_file.text(row.scope),
        *map(str, (progress.stations, progress.sites, progress.total, progress.dropped)),
        *map(str, (accepted.n, finished.n, observed.n, progress.messages, progress.unknown)),
        *map(str, (progress.wrong, progress.still_open)),
        csv_file.text(row.standing.words),
        str(command.parent.public_id) if command.parent else "",
    ]


def of_items(items: QuerySet[CommandItem]) -> Iterator[list[str]]:
    """The head, then a line per station and command, with the values as the vendor knows them. Times carry the offset
    of the station's zone."""
    yield list(OF_ITEMS)
    for item in items.select_related("station__site").order_by("id").iterator(chunk_size=2000):
        yield _item(item)


def of_station(items: QuerySet[CommandItem]) -> Iterator[list[str]]:
    """The head, then a line per item of one station with the command it belongs to, newest first."""
    yield [*OF_STATION, *OF_ITEMS]
    for item in items.select_related("command", "station__site").order_by("-id").iterator(chunk_size=2000):
        command = item.command
        asked_at = _time(command.requested_at, figures.zone(item.station.site.timezone))
        by = csv_file.text(command.requested_by_label)
        yield [str(command.public_id), asked_at, by, command.origin, *_item(item)]


def _item(item: CommandItem) -> list[str]:
    station, zone = item.station, figures.zone(item.station.site.timezone)
    moments = (item.sent_at, item.accepted_at, item.timed_out_at, item.finished_at, item.observed_at)
    return [
        csv_file.text(station.vendor_id),
        csv_file.text(station.name),
        csv_file.text(station.site.name),
        station.site.timezone,
        item.kind,
        csv_file.text(item.value_before),
        csv_file.text(item.wanted_value),
        item.state,
        str(item.wave),
        *(_time(at, zone) for at in moments),
        command_lamps.observed(item).words,
        csv_file.text(item.error_code),
        csv_file.text(item.error),
        csv_file.text(item.evidence),
    ]


def _time(at: datetime | None, zone: tzinfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""
