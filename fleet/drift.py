"""Drift: what we want of a station and what its last finished job left there differ, and nothing is on its way.

Found from the settings; mended by a new command (through a draft and its dry run) or by wanting what is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from fleet import drafts, paging
from fleet.models import CommandDraft, CommandItem, Station, StationSetting
from fleet.models.command import ItemState, Origin
from fleet.models.station import CommandKind, Lifecycle
from lib.paging import Page
from people import audit
from people.actor import Actor

PAGE = 100
FILTERS = ("site", "kind")
# What may still end the drift by itself; a command without a word in time is looked for, but not waited for.
UNDER_WAY = (ItemState.QUEUED, ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED)
NAMED = 20  # stations in the audit trail before it only counts


class NothingChosen(Exception):
    """None of the chosen settings drifts any more, or none was chosen."""


@dataclass(frozen=True)
class Row:
    """`last` is the newest command item of this station and kind, of whoever; None: there never was one."""

    setting: StationSetting
    last: CommandItem | None

    @property
    def since(self) -> datetime | None:
        """Since when they differ: the later of the two words."""
        return max(filter(None, (self.setting.wanted_at, self.setting.finished_at)), default=None)


def matching(actor: Actor, wanted: Mapping[str, str]) -> QuerySet[StationSetting]:
    """Drifting settings of stations in service that the actor sees, by `site` (a key) and `kind`; what makes no sense
    is left out. Each has `vendor_id`, its station's."""
    stations = Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE)
    if (site := wanted.get("site", "")).isdecimal() and len(site) < 18:
        stations = stations.filter(site_id=int(site))
    found = StationSetting.objects.filter(station__in=stations, wanted_at__isnull=False)
    if (kind := wanted.get("kind", "")) in CommandKind.values:
        found = found.filter(kind=kind)
    coming = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind"), state__in=UNDER_WAY)
    found = found.filter(Q(finished_value=None) | ~Q(finished_value=F("wanted_value")), ~Exists(coming))
    return found.annotate(vendor_id=F("station__vendor_id"))


def page(found: QuerySet[StationSetting], cursors: Mapping[str, str], *, size: int = PAGE) -> Page[StationSetting]:
    """By station id. `cursors` may hold `before` or `after`."""
    return paging.rising(found.select_related("station__site"), cursors, by="vendor_id", size=size)


def rows(settings: Sequence[StationSetting]) -> list[Row]:
    """With the last command of each. One query."""
    newest = CommandItem.objects.filter(station=OuterRef("station"), kind=OuterRef("kind")).order_by("-pk")
    keys = StationSetting.objects.filter(pk__in=[setting.pk for setting in settings])
    last = CommandItem.objects.filter(pk__in=keys.values(last=Subquery(newest.values("pk")[:1])))
    found = {(item.station_id, item.kind): item for item in last.select_related("command")}
    return [Row(setting, found.get((setting.station_id, setting.kind))) for setting in settings]


def groups(settings: Iterable[StationSetting]) -> list[dict[str, Any]]:
    """What would mend them, as a draft keeps it: stations with equal wishes together."""
    wishes: dict[int, dict[str, str]] = {}
    for setting in settings:
        wishes.setdefault(setting.station_id, {})[setting.kind] = setting.wanted_value
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for station_id, values in wishes.items():
        alike.setdefault(tuple(sorted(values.items())), []).append(station_id)
    return [{"values": dict(values), "station_ids": ids} for values, ids in alike.items()]


def repair(*, actor: Actor, found: QuerySet[StationSetting], now: datetime) -> CommandDraft:
    """A draft that asks for what is wanted once more; nothing is sent before it is confirmed. Raises NothingChosen and
    commands.BadCommand."""
    chosen = list(found.order_by("station__vendor_id", "pk"))
    if not chosen:
        raise NothingChosen
    return drafts.make(actor=actor, groups=groups(chosen), origin=Origin.REPAIR, now=now)


def accept(*, actor: Actor, found: QuerySet[StationSetting], now: datetime) -> int:
    """Want what is there, or nothing where nothing ever finished. Returns how many settings; raises NothingChosen."""
    with transaction.atomic():
        # Locked first and looked at after: a wish that somebody utters just now is not overwritten.
        held = StationSetting.objects.select_for_update().filter(pk__in=found.values("pk")).order_by("pk")
        ids = [setting.pk for setting in held]
        chosen = list(found.filter(pk__in=ids).select_related("station").order_by("pk"))
        if not chosen:
            raise NothingChosen
        before = [_said(setting.kind, setting.wanted_value) for setting in chosen]
        for setting in chosen:
            is_known = setting.finished_value is not None
            setting.wanted_value = setting.finished_value or ""
            setting.wanted_at = now if is_known else None
        StationSetting.objects.bulk_update(chosen, ["wanted_value", "wanted_at"], batch_size=500)
        _note(actor, chosen, before, now)
    return len(chosen)


def _note(actor: Actor, chosen: Sequence[StationSetting], before: Sequence[str], now: datetime) -> None:
    """One entry: the stations by name, and the values given up and taken, each once."""
    names = sorted({setting.station.vendor_id for setting in chosen})
    more = f" + {len(names) - NAMED}" if len(names) > NAMED else ""
    after = [_said(setting.kind, setting.finished_value) for setting in chosen]
    audit.record(
        actor=actor,
        verb="drift.accepted",
        subject=", ".join(names[:NAMED]) + more,
        now=now,
        before={"wanted": "; ".join(sorted(set(before)))},
        after={"wanted": "; ".join(sorted(set(after)))},
        stations=len(names),
    )


def _said(kind: str, value: str | None) -> str:
    return f"{kind} {value if value is not None else '–'}"
