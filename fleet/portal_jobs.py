"""Jobs that are not ours: made in the vendor's portal, or by another user of the key, and read in the history.

Each becomes a command of origin PORTAL, once, with its items in their true states. What we want stays as it was.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

import eevion
from fleet import job_results, notices
from fleet.models import Account, Command, CommandEvent, CommandItem, Station, StationSetting
from fleet.models.command import InSession, ItemState, Origin

FOLLOWED = timedelta(days=1)  # business time; a job without an end for so long is no longer asked for


def take(*, account: Account, job: eevion.Job, document: dict[str, Any], now: datetime) -> Command | None:
    """Write the job down, or what became of it since. In the caller's transaction; None: no station or command of it
    is known. Stations that we do not know are offered for adoption."""
    stations = Station.objects.filter(account=account, vendor_id__in=job.station_ids).order_by("pk")
    known = {station.vendor_id: station for station in stations}
    for vendor_id in job.station_ids:
        if vendor_id not in known:
            notices.unknown_station(account=account, vendor_id=vendor_id, seen_in="history", now=now)
    values = job_results.values_of(job)
    if not known or not values:
        return None
    command = _command(account, job, document, values, now)
    rows = _rows(command, known.values(), values)
    if job_results.is_news(job, command.job):
        command.job = document
        command.save(update_fields=["job"])
    if job.is_finished:
        job_results.take(job, by="portal", asked=known, values=values, rows=rows, now=now)
    return command


def forget(*, account_id: int, job_id: str) -> None:
    """It was ours after all: the answer to our call came after the history had named it."""
    Command.objects.filter(account_id=account_id, job_id=job_id[:120], origin=Origin.PORTAL).delete()


def followed(account: Account, now: datetime) -> QuerySet[Command]:
    """Those whose end is not known yet, and not waited for too long."""
    waiting = CommandItem.objects.filter(command=OuterRef("pk"), state__in=(ItemState.ACCEPTED, ItemState.TIMED_OUT))
    mine = Command.objects.filter(account=account, origin=Origin.PORTAL, requested_at__gt=now - FOLLOWED)
    return mine.filter(Exists(waiting))


def _command(
    account: Account, job: eevion.Job, document: dict[str, Any], values: dict[str, str], now: datetime
) -> Command:
    """The row of this job, locked."""
    is_portal = job.source == eevion.JobSource.PORTAL
    who = _("Vendor's portal") if is_portal else _("Another user of the key")
    at = job.created_at or job.finished_at or now
    command, is_new = Command.objects.select_for_update(of=("self",)).get_or_create(
        account=account,
        job_id=job.job_id[:120],
        defaults={
            "organisation_id": account.organisation_id,
            "origin": Origin.PORTAL,
            "requested_by_label": who,
            "requested_at": at,
            "values": values,
            "in_session": InSession.PROCEED,
            "job": document,
        },
    )
    if is_new:
        CommandEvent.objects.create(
            command=command, at=at, verb=CommandEvent.Verb.ASKED, by_label=who, stations=len(job.station_ids)
        )
    return command


def _rows(
    command: Command, stations: Iterable[Station], values: Mapping[str, str]
) -> dict[tuple[int, str], CommandItem]:
    """An item for each station we know and each kind, locked; a station that was adopted since gets its own."""
    wanted = {(station.pk, kind): value for station in stations for kind, value in values.items()}
    locked = CommandItem.objects.select_for_update().filter(command=command)
    found = {(item.station_id, item.kind): item for item in locked.order_by("pk")}
    missing = {key: value for key, value in wanted.items() if key not in found}
    if missing:
        before = _before(command, missing)
        made = CommandItem.objects.bulk_create(
            CommandItem(
                command=command,
                station_id=station_id,
                kind=kind,
                wanted_value=value,
                value_before=before.get((station_id, kind)),
                state=ItemState.ACCEPTED,
                sent_at=command.requested_at,
                accepted_at=command.requested_at,
            )
            for (station_id, kind), value in missing.items()
        )
        found |= {(item.station_id, item.kind): item for item in made}
    return found


def _before(command: Command, keys: Mapping[tuple[int, str], str]) -> dict[tuple[int, str], str | None]:
    """What the stations had when the job was made; unknown where a later job has finished by now."""
    settings = StationSetting.objects.filter(
        station__in={station_id for station_id, _kind in keys}, finished_at__lte=command.requested_at
    )
    return {(row.station_id, row.kind): row.finished_value for row in settings}
