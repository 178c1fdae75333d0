"""Commands for later: made, cancelled, and moved with their sites' zones.

Their times are found in fleet/schedule_times.py; what is sent then stands in fleet/schedule_runs.py.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from fleet import commands, schedule_times
from fleet.command_options import OF_PAGES, Options
from fleet.models import CommandSchedule, Station
from fleet.models.station import Lifecycle
from fleet.schedule_times import BadSchedule, When, dump, load
from people import audit
from people.actor import Actor

__all__ = ["BadSchedule", "Part", "When", "cancel", "create", "dump", "is_whole", "load", "parts", "realign"]

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Part:
    """What becomes one schedule: stations of one zone with equal wishes; `begin_at` and `end_at` are its first time."""

    timezone: str
    values: Mapping[str, str]
    station_ids: tuple[int, ...]
    begin_at: datetime
    end_at: datetime | None


def parts(*, actor: Actor, groups: Iterable[Mapping[str, Any]], when: When, now: datetime) -> list[Part]:
    """How this would be scheduled, by zone: stations in service that the actor sees. Raises BadSchedule, BadCommand."""
    schedule_times.check(when)
    wanted: dict[int, dict[str, str]] = {}
    for group in groups:
        for pk in group["station_ids"]:
            wanted.setdefault(pk, {}).update(group["values"])
    rows = Station.objects.visible_to(actor).filter(pk__in=wanted, lifecycle=Lifecycle.ACTIVE)
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = {}
    for pk, timezone in rows.order_by("site__timezone", "vendor_id", "pk").values_list("pk", "site__timezone"):
        alike.setdefault((timezone, tuple(wanted[pk].items())), []).append(pk)
    if not alike:
        raise commands.BadCommand(_("Choose at least one station that is in service."))
    return [_part(timezone, dict(values), station_ids, when, now) for (timezone, values), station_ids in alike.items()]


def create(
    *, actor: Actor, groups: Sequence[Mapping[str, Any]], options: Options = OF_PAGES, when: When, now: datetime
) -> list[CommandSchedule]:
    """Write it down: one schedule for each zone, and for each set of values. Raises BadSchedule, BadCommand."""
    found = parts(actor=actor, groups=groups, when=when, now=now)
    for values in (*(part.values for part in found), when.back_values or {}):
        commands.check_values(values)
    if not all(part.values for part in found):
        raise commands.BadCommand(_("Choose at least one command."))
    if when.until_time is not None and when.back_values == {}:
        raise BadSchedule(_("Choose what the end changes, or the values from before."), "ends")
    with transaction.atomic():
        return [_create(actor, part, options, when, now) for part in found]


def cancel(*, actor: Actor, schedule: CommandSchedule, now: datetime, with_end: bool = False) -> CommandSchedule:
    """No more beginnings. A window that is open ends as planned, unless `with_end`. A second call changes nothing."""
    with transaction.atomic():
        row = CommandSchedule.objects.select_for_update().get(pk=schedule.pk)
        if row.cancelled_at is None:
            row.cancelled_at, row.next_at = now, None
            row.save(update_fields=["cancelled_at", "next_at"])
            audit.record(
                actor=actor,
                verb="command_schedule.cancelled",
                subject=str(row),
                now=now,
                schedule=str(row.public_id),
            )
        if with_end:
            words = _("The schedule was cancelled, its end with it, by %(who)s.") % {"who": actor.label}
            row.runs.filter(returns_at__isnull=False).update(returns_at=None, return_reason=words[:300])
    return row


def is_whole(actor: Actor, schedule: CommandSchedule) -> bool:
    """The actor sees all of its stations: who sees only some cannot decide for the others."""
    return actor.site_ids is None or not schedule.stations.exclude(site_id__in=sorted(actor.site_ids)).exists()


def realign(now: datetime) -> int:
    """A site whose zone was changed, or a station that moved, goes by its new clock from now on: into a schedule of
    that zone. Returns how many were changed."""
    changed = 0
    for schedule_id in CommandSchedule.objects.filter(next_at__gt=now).values_list("pk", flat=True):
        with transaction.atomic():
            changed += _realign(schedule_id, now)
    return changed


def _part(timezone: str, values: dict[str, str], station_ids: list[int], when: When, now: datetime) -> Part:
    zone = ZoneInfo(timezone)
    begin_at = schedule_times.next_begin(when, zone, now)
    if begin_at is None:
        words = _("That moment has passed in %(zone)s. Choose a later one.") % {"zone": timezone.replace("_", " ")}
        raise BadSchedule(words, "on_date")
    return Part(timezone, values, tuple(station_ids), begin_at, schedule_times.end_of(when, begin_at, zone))


def _create(actor: Actor, part: Part, options: Options, when: When, now: datetime) -> CommandSchedule:
    row = CommandSchedule.objects.create(
        organisation_id=actor.organisation_id,
        name=when.name.strip()[:120],
        values=dict(part.values),
        back_values=None if when.until_time is None or when.back_values is None else dict(when.back_values),
        timezone=part.timezone,
        on_date=when.on_date,
        weekdays=sorted(set(when.weekdays)) if when.on_date is None else [],
        at_time=when.at_time,
        until_time=when.until_time,
        until_days=when.until_days if when.until_time is not None else 0,
        patience_minutes=when.patience_minutes,
        in_session=options.in_session,
        is_canary=options.is_canary,
        brake_percent=options.brake_percent,
        requested_by_id=actor.user_id,
        requested_by_label=actor.label[:160],
        created_at=now,
        next_at=part.begin_at,
    )
    row.stations.set(part.station_ids)
    audit.record(
        actor=actor,
        verb="command_schedule.created",
        subject=str(row),
        now=now,
        values=dict(part.values),
        stations=len(part.station_ids),
        schedule=str(row.public_id),
    )
    return row


def _realign(schedule_id: int, now: datetime) -> int:
    row = CommandSchedule.objects.select_for_update(skip_locked=True).filter(pk=schedule_id, next_at__gt=now).first()
    if row is None:
        return 0
    zones: dict[str, list[int]] = {}
    for pk, timezone in row.stations.values_list("pk", "site__timezone"):
        zones.setdefault(timezone, []).append(pk)
    before = (row.timezone, row.next_at)
    row.timezone = row.timezone if row.timezone in zones or not zones else min(zones)
    row.next_at = _next(row, row.zone, now)
    row.save(update_fields=["timezone", "next_at"])
    others = [_moved(row, timezone, pks, now) for timezone, pks in sorted(zones.items()) if timezone != row.timezone]
    return len(others) + (before != (row.timezone, row.next_at))


def _moved(row: CommandSchedule, timezone: str, station_ids: list[int], now: datetime) -> CommandSchedule:
    """Its twin for the stations that go by another clock now."""
    twin = CommandSchedule.objects.get(pk=row.pk)
    twin.pk, twin.public_id, twin.timezone = None, uuid.uuid4(), timezone
    twin._state.adding = True
    twin.next_at = _next(row, ZoneInfo(timezone), now)
    twin.save()
    twin.stations.set(station_ids)
    row.stations.remove(*station_ids)
    return twin


def _next(row: CommandSchedule, zone: ZoneInfo, now: datetime) -> datetime | None:
    """By that clock. A moment that it has just passed stays due, so that it is sent late or shown as missed."""
    when = schedule_times.of(row)
    return schedule_times.next_begin(when, zone, now) or schedule_times.next_begin(when, zone, row.created_at - DAY)
