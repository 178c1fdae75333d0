"""Which stations a command is to go to: all that a filter means, some by hand, or those of a draft.

The choice is kept as it was made, so a filter stays a filter until the draft is made of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import QueryDict

from fleet import drafts, stations_list, ticks
from fleet.id_arrays import among
from fleet.models import CommandDraft, Station
from fleet.models.station import Lifecycle
from people.actor import Actor

FILTERS = ("site", "state", "q")
SAMPLE = 12  # stations that are named, beside the number of all
PASTED = 10_000  # ids in one text
SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Choice:
    """`fields` say it again in the next request; `unknown` are ids that were typed and are no active stations here."""

    stations: QuerySet[Station]
    fields: Sequence[tuple[str, str]]
    draft: CommandDraft | None = None
    unknown: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ticks:
    """`here` on the page that is shown; how many on others, and those packed."""

    here: frozenset[int] = frozenset()
    elsewhere: int = 0
    kept: str = ""


@dataclass(frozen=True)
class Summary:
    count: int
    sample: Sequence[Station]
    account_ids: frozenset[int]

    @property
    def more(self) -> int:
        return self.count - len(self.sample)


def choosable(actor: Actor) -> QuerySet[Station]:
    return Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE)


def filters(data: QueryDict) -> dict[str, str]:
    return {name: data.get(name, "") for name in FILTERS}


def read(actor: Actor, data: QueryDict, now: datetime) -> Choice | None:
    """The choice that a request names; None where it names none. Only active stations that the actor sees count."""
    mine = choosable(actor)
    if draft := _draft(actor, data.get("draft", "")):
        return Choice(mine.filter(pk__in=among(drafts.wanted(draft))), [("draft", str(draft.public_id))], draft)
    if data.get("all"):
        chosen = filters(data)
        kept = [("all", "1"), *((name, value) for name, value in chosen.items() if value)]
        return Choice(stations_list.matching(mine, chosen, now), kept)
    if pasted := data.get("ids", "").replace("\0", "").strip():
        return _pasted(mine, pasted)
    if not (keys := ticked(data)):
        return None
    return Choice(mine.filter(pk__in=among(keys)), [("kept", ticks.pack(keys))])


def is_turning(data: QueryDict) -> bool:
    """Another page of the list is asked for, with what is ticked so far; not the next step."""
    return not data.get("all") and ("before" in data or "after" in data)


def ticked(data: QueryDict) -> list[int]:
    """On the page that was shown, and before that on others."""
    here = [int(pk) for pk in data.getlist("station") if pk.isascii() and pk.isdecimal() and len(pk) < 18]
    return list(dict.fromkeys([*here, *(pk for text in data.getlist("kept") for pk in ticks.unpack(text))]))


def ticks_of(actor: Actor, data: QueryDict, rows: Iterable[stations_list.Row]) -> Ticks:
    """What is ticked, for the page that shows `rows`."""
    if not (keys := ticked(data)):
        return Ticks()
    mine = set(choosable(actor).filter(pk__in=among(keys)).values_list("pk", flat=True))
    here = {row.station.pk for row in rows} & mine
    return Ticks(frozenset(here), len(mine - here), ticks.pack(mine - here))


def summary(choice: Choice) -> Summary:
    """How many, some of them by name, and whose. Two queries."""
    per_account = dict(choice.stations.order_by().values_list("account_id").annotate(n=Count("pk")))
    sample = list(choice.stations.order_by("vendor_id", "pk")[:SAMPLE])
    return Summary(sum(per_account.values()), sample, frozenset(per_account))


def _pasted(mine: QuerySet[Station], text: str) -> Choice:
    names = list(dict.fromkeys(name for name in SEPARATORS.split(text) if name))[:PASTED]
    found = mine.filter(vendor_id__in=names)
    known = set(found.values_list("vendor_id", flat=True))
    return Choice(found, [("ids", "\n".join(names))], unknown=[name for name in names if name not in known])


def _draft(actor: Actor, public_id: str) -> CommandDraft | None:
    if not public_id:
        return None
    try:
        return CommandDraft.objects.visible_to(actor).filter(public_id=public_id).first()
    except ValidationError:
        return None
