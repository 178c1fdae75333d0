"""Where the facts of a station's strip come from: six queries at most, however long the window. What they make is in
charging/strip.py."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from charging import silence
from charging.models import Reading, Session, SessionEvent, StationException
from charging.models.session import LIVE
from charging.strip import Alarm, Kind, SessionFacts
from eevion import ExceptionType
from fleet import command_words
from fleet.connector_state import AVAILABLE
from fleet.models import Station
from fleet.models.command import DONE_ITEMS
from fleet.models.station import CommandKind

MOST = 2000  # sessions of one station: thirty days of one every twenty minutes; the newest are kept
KIND_OF = {ExceptionType.STATION_OFFLINE.value: Kind.OFFLINE, ExceptionType.CONNECTOR_FAULTED.value: Kind.FAULTED}
Moves = dict[int, list[tuple[datetime, str]]]
Silences = dict[int, list[tuple[datetime, datetime]]]


@dataclass(frozen=True)
class Found:
    sessions: list[SessionFacts]
    alarms: list[Alarm]


def read(station: Station, begin_at: datetime, end_at: datetime) -> Found:
    """Of a station that the caller may see; `end_at` is the present moment."""
    touching = Q(ended_at=None) | Q(ended_at__gt=begin_at)
    rows = list(
        Session.objects.filter(touching, station=station, requested_at__lt=end_at)
        .only(
            "id",
            "connector_id",
            "requested_at",
            "started_at",
            "charging_ended_at",
            "ended_at",
            "state",
            "reference",
            "read_interval_s",
        )
        .order_by("-requested_at")[:MOST]
    )
    ids = [row.pk for row in rows]
    moves, quiet = _told(ids)
    _silent_now(quiet, {row.pk: silence.horizon_s(row) for row in rows if row.state in LIVE}, end_at)
    sessions = [
        SessionFacts(
            connector_id=row.connector_id,
            requested_at=row.requested_at,
            ended_at=row.ended_at,
            moves=tuple(moves.get(row.pk) or _by_times(row)),
            silences=tuple(quiet[row.pk]),
            state=row.state,
            reference=row.reference,
        )
        for row in rows
    ]
    return Found(sessions, [*_alarms(station, begin_at, end_at), *_out_of_service(station, begin_at, end_at)])


def _told(ids: Collection[int]) -> tuple[Moves, Silences]:
    """What timelines tell: when which state began, and where nobody answered for long."""
    moves: Moves = defaultdict(list)
    quiet: Silences = defaultdict(list)
    events = SessionEvent.objects.filter(session__in=ids, kind__in=("state", silence.EVENT))
    for event in events.order_by("occurred_at", "id"):
        quiet[event.session_id] += silence.told([event])
        if "state" in event.data:
            moves[event.session_id].append((event.occurred_at, event.data["state"]))
    return moves, quiet


def _by_times(row: Session) -> list[tuple[datetime, str]]:
    """Of a session without a timeline, an imported one: by the vendor's times."""
    told = ((row.started_at, "charging"), (row.charging_ended_at, "stopped"))
    return [(at, state) for at, state in told if at is not None]


def _silent_now(quiet: Silences, horizons_s: Mapping[int, float], now: datetime) -> None:
    """Of live sessions, each with its horizon."""
    answers = (
        Reading.objects.filter(session__in=list(horizons_s))
        .order_by()
        .values("session_id")
        .annotate(Max("confirmed_at"))
    )
    for row in answers:
        if (now - row["confirmed_at__max"]).total_seconds() > horizons_s[row["session_id"]]:
            quiet[row["session_id"]].append((row["confirmed_at__max"], now))


def _out_of_service(station: Station, begin_at: datetime, now: datetime) -> list[Alarm]:
    """From the end of a priorityStatus job that took the station away to the end of the next one that gave it back."""
    done = station.command_items.filter(kind=CommandKind.PRIORITY_STATUS, state__in=DONE_ITEMS, finished_at__lte=now)
    latest = done.order_by("-finished_at", "-id").values_list("finished_at", "wanted_value")[:MOST]
    rows = [(at, value) for at, value in latest if at][::-1]
    ends = [at for at, _value in rows[1:]]
    return [
        Alarm(None, Kind.UNAVAILABLE, at, until, _by_command(value))
        for (at, value), until in zip(rows, [*ends, None], strict=False)
        if value not in ("", AVAILABLE) and (until is None or until > begin_at)
    ]


def _by_command(value: str) -> str:
    if value == Kind.UNAVAILABLE:
        return _("by command")
    return _("by command: %(value)s") % {"value": command_words.value(CommandKind.PRIORITY_STATUS, value, {})}


def _alarms(station: Station, begin_at: datetime, end_at: datetime) -> list[Alarm]:
    touching = Q(cleared_at=None) | Q(cleared_at__gt=begin_at)
    rows = StationException.objects.filter(touching, station=station, type__in=KIND_OF, received_at__lt=end_at)
    return [
        Alarm(
            connector_id=row.connector_id,
            kind=KIND_OF[row.type],
            begin_at=row.started_at or row.received_at,
            end_at=row.cleared_at,
            words=row.error_code or row.message,
        )
        for row in rows.defer("document").order_by("-received_at", "-id")[:MOST]
    ]
