"""What may not be sent to a station although its turn has come: it is in session, or no longer in service.

Also why rows of a whole account wait. Who is next lives in fleet/claims.py.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from fleet import items
from fleet.models import CommandItem, Connector, Station
from fleet.models.command import InSession, ItemState
from fleet.models.station import Lifecycle

LOOK_AGAIN_S = 10.0  # wall; how often a wish that waits for a free station is looked at


def busy(station_ids: Collection[int], now: datetime) -> set[int]:
    """Stations of which a connector is in session, or may be: an unknown start still holds it. One query."""
    return set(_held(now).filter(station__in=station_ids).values_list("station_id", flat=True))


def fit(
    *, heads: Mapping[int, list[CommandItem]], stations: Mapping[int, Station], now: datetime
) -> dict[int, list[CommandItem]]:
    """Per station the wishes that may go; the others wait or are left out, with a reason. The caller holds the locks.

    `heads` per station id are wishes whose turn has come, each with its command.
    """
    is_asked = any(item.command.in_session != InSession.PROCEED for rows in heads.values() for item in rows)
    in_session = busy(list(stations), now) if is_asked else set()
    kept: dict[int, list[CommandItem]] = {}
    for pk, rows in heads.items():
        is_active = stations[pk].lifecycle == Lifecycle.ACTIVE
        kept[pk] = [item for item in rows if _may_go(item, is_active, pk in in_session, now)]
    return kept


def postpone(now: datetime) -> int:
    """Put aside what waits for free stations, all at once, so that nobody has to take the rows one by one."""
    waiting = CommandItem.objects.filter(
        Exists(_held(now).filter(station=OuterRef("station"))),
        state=ItemState.QUEUED,
        due_at__lte=Now(),
        command__in_session=InSession.WAIT,
    )
    with transaction.atomic():
        return items.locked(waiting).update(due_at=_later(), error=_waits(), error_code=items.IN_SESSION)


def show_refused_keys() -> None:
    """Say at each waiting row that its account's key is refused, and no longer once the key is taken again."""
    waiting = CommandItem.objects.filter(state=ItemState.QUEUED)
    refused = waiting.filter(station__account__key_refused_at__isnull=False)
    mended = waiting.filter(error_code=items.KEY_REFUSED, station__account__key_refused_at=None)
    with transaction.atomic():
        items.locked(refused.exclude(error_code__in=(items.KEY_REFUSED, items.ALONE))).update(
            error_code=items.KEY_REFUSED,
            error=_("Waits: the vendor refused the API key. Write a new one in the account's settings."),
        )
    with transaction.atomic():
        items.locked(mended).update(error_code="", error="")


def _may_go(item: CommandItem, is_active: bool, is_busy: bool, now: datetime) -> bool:
    if not is_active:
        error = _("the station is no longer in service")
        items.move(item, ItemState.SKIPPED, now=now, error=error, error_code=items.NOT_IN_SERVICE)
        return False
    if not is_busy or item.command.in_session == InSession.PROCEED:
        return True
    if item.command.in_session == InSession.SKIP:
        items.move(item, ItemState.SKIPPED, now=now, error=_("in session"), error_code=items.IN_SESSION)
    else:
        item.due_at, item.error, item.error_code = _later(), _waits(), items.IN_SESSION
        item.save(update_fields=["due_at", "error", "error_code"])
    return False


def _held(now: datetime) -> "QuerySet[Connector]":
    return Connector.objects.filter(~Q(session_state="") | Q(blocked_until__gt=now))


def _later() -> "Now":
    return Now() + timedelta(seconds=LOOK_AGAIN_S)  # type: ignore[return-value]


def _waits() -> str:
    return _("in session: waits until it is free")
