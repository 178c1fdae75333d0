"""What left for a command and what came back: each manage call with its answer, its job as last seen, its webhooks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, prefetch_related_objects

from fleet import item_rows
from fleet.models import Command, CommandItem, ManageCall, Station
from people.actor import Actor

PAGE = 20


@dataclass(frozen=True)
class Shown:
    """One call, its documents as text: as they came, with line breaks."""

    call: ManageCall
    stations: list[str]
    request: str
    answer: str
    job: str
    webhooks: list[tuple[Any, str]]


def of(actor: Actor, command: Command, station: str = "") -> QuerySet[ManageCall]:
    """The calls that name only stations which the actor sees: a document is shown whole or not at all. `station` is a
    part of the id or name of one that they are about."""
    found = _all(command, station)
    if actor.site_ids is None:
        return found
    return found.filter(station_ids__contained_by=_seen(actor, command))


def hidden(actor: Actor, command: Command) -> int:
    """How many calls are not shown, for they also name stations of other sites."""
    if actor.site_ids is None:
        return 0
    seen = _seen(actor, command)
    return _all(command).filter(station_ids__overlap=seen).exclude(station_ids__contained_by=seen).count()


def _all(command: Command, station: str = "") -> QuerySet[ManageCall]:
    items = CommandItem.objects.filter(command=command, call=OuterRef("pk"))
    if station:
        items = items.filter(item_rows.of_station(station))
    return ManageCall.objects.filter(Exists(items))


def _seen(actor: Actor, command: Command) -> list[int]:
    mine = Station.objects.visible_to(actor).filter(command_items__command=command)
    return list(mine.order_by().values_list("pk", flat=True).distinct())


def shown(calls: Sequence[ManageCall]) -> list[Shown]:
    """Three queries for any number of calls."""
    names = dict(
        Station.objects.filter(pk__in={pk for call in calls for pk in call.station_ids})
        .order_by()
        .values_list("pk", "vendor_id")
    )
    prefetch_related_objects(calls, "token__messages")
    return [_shown(call, [names.get(pk, str(pk)) for pk in call.station_ids]) for call in calls]


def _shown(call: ManageCall, stations: list[str]) -> Shown:
    return Shown(
        call=call,
        stations=stations,
        request=pretty({"stationIds": stations} | call.values),
        answer=pretty(call.answer),
        job=pretty(call.job),
        webhooks=[(row, text(bytes(row.body))) for row in call.token.messages.all()],
    )


def pretty(document: Any) -> str:
    """JSON with line breaks; nothing for nothing."""
    return "" if document is None else json.dumps(document, indent=2, ensure_ascii=False)


def text(body: bytes) -> str:
    """What came by a webhook: with line breaks where it is JSON, else as it is."""
    try:
        return pretty(json.loads(body))
    except ValueError:
        return body.decode("utf-8", "replace")
