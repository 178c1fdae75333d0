"""Past sessions: which ones a filter means, one page of them by cursor, and their lines for a CSV."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django.db.models import Q, QuerySet

from charging import receipts
from charging.models import Session
from fleet.models import Site
from lib import figures, paging
from people.actor import Actor

PAGE = 50
COLUMNS = (
    "session_id", "vendor_session_id", "site", "time_zone", "station", "connector", "reference", "origin", "state",
    "requested_at", "started_at", "charging_ended_at", "disconnected_at", "ended_at",
    "energy_kwh", "charging_s", "cost", "currency", "end_reason",
)  # fmt: skip
CURSOR = re.compile(r"(\d{1,12})\.(\d{6})-(\d{1,18})")


@dataclass(frozen=True)
class Page:
    sessions: list[Session]
    before: str  # cursor of the newer page; empty: there is none
    after: str
    label: str = ""


def countable(wanted: Mapping[str, Any]) -> bool:
    """Organisation, site and days stand in an index that can be counted; a text or an outcome is searched for."""
    return not any(wanted.get(name) for name in ("station", "q", "state"))


def matching(actor: Actor, wanted: Mapping[str, Any]) -> QuerySet[Session]:
    """Ended sessions by the cleaned values of forms.PastFilter; the days are local days of each session's site."""
    found = Session.objects.visible_to(actor).ended()
    if site := wanted.get("site"):
        found = found.filter(site=site)
    if station := wanted.get("station"):
        found = found.filter(Q(station__vendor_id__icontains=station) | Q(station__name__icontains=station))
    if reference := wanted.get("q"):
        # A driver who calls reads out the receipt's number.
        found = found.filter(Q(reference__icontains=reference) | (receipts.numbered(reference) or Q()))
    if state := wanted.get("state"):
        found = found.filter(state=state)
    return found.filter(_days(actor, wanted.get("start_date"), wanted.get("end_date")))


def _days(actor: Actor, start_date: date | None, end_date: date | None) -> Q:
    """Half-open local days; the zones are those of the sites one sees."""
    if not start_date and not end_date:
        return Q()
    found = Q(pk=None)
    for name in Site.objects.visible_to(actor).order_by().values_list("timezone", flat=True).distinct():
        here = Q(site__timezone=name)
        if start_date:
            here &= Q(ended_at__gte=_midnight(start_date, name))
        if end_date and end_date < date.max:
            here &= Q(ended_at__lt=_midnight(end_date + timedelta(days=1), name))
        found |= here
    return found


def _midnight(day: date, zone_name: str) -> datetime:
    return datetime.combine(day, time(), figures.zone(zone_name))


# --- one page ---------------------------------------------------------------------------------------------------------
def page(
    found: QuerySet[Session], *, before: str = "", after: str = "", size: int = PAGE, counted: bool = True
) -> Page:
    """Newest first. `after` continues below a cursor, `before` above one; a cursor without sense: the first page."""
    rows = found.select_related("site", "station", "connector")
    above, below = _point(before), _point(after)
    if above:
        newer = list(rows.filter(_beyond(above, "gt")).order_by("ended_at", "id")[: size + 1])
        sessions, has_newer = newer[:size][::-1], len(newer) > size
        has_older = bool(sessions)
    else:
        older = list((rows.filter(_beyond(below, "lt")) if below else rows).order_by("-ended_at", "-id")[: size + 1])
        sessions, has_newer, has_older = older[:size], bool(below), len(older) > size
    label = _label(found, sessions, has_newer, has_older) if counted or not (has_newer or has_older) else ""
    return Page(sessions, _cursor(sessions, 0) if has_newer else "", _cursor(sessions, -1) if has_older else "", label)


def _label(found: QuerySet[Session], sessions: list[Session], has_newer: bool, has_older: bool) -> str:
    """Where the page stands; both counts read the index that the page itself was read by."""
    ahead = found.filter(_beyond(_of(sessions[0]), "gt")).order_by("ended_at", "id") if has_newer and sessions else None
    return paging.place(sessions, ahead=ahead, everything=found.order_by("-ended_at", "-id") if has_older else None)


def _beyond(point: tuple[datetime, int], side: str) -> Q:
    """The first condition alone lets the index serve; the second is the exact order."""
    at, pk = point
    return Q(**{f"ended_at__{side}e": at}) & (Q(**{f"ended_at__{side}": at}) | Q(**{f"id__{side}": pk}))


def _cursor(sessions: list[Session], index: int) -> str:
    if not sessions:
        return ""
    ended_at, pk = _of(sessions[index])
    return f"{int(ended_at.timestamp())}.{ended_at.microsecond:06d}-{pk}"


def _of(session: Session) -> tuple[datetime, int]:
    return cast(datetime, session.ended_at), session.pk  # a constraint of the table: ended_session_has_its_end


def _point(cursor: str) -> tuple[datetime, int] | None:
    found = CURSOR.fullmatch(cursor)
    if not found:
        return None
    try:
        at = datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=int(found[2]))
    except (OverflowError, ValueError, OSError):
        return None
    return at, int(found[3])


# --- CSV --------------------------------------------------------------------------------------------------------------
def lines(found: QuerySet[Session]) -> Iterator[list[str]]:
    """The head, then a line per session, newest first, read in portions. Times carry the offset of the site's zone."""
    yield list(COLUMNS)
    rows = found.select_related("site", "station", "connector").order_by("-ended_at", "-id")
    for session in rows.iterator(chunk_size=2000):
        yield _line(session)


def _line(session: Session) -> list[str]:
    zone = figures.zone(session.site.timezone)
    moments = (
        session.requested_at, session.started_at, session.charging_ended_at, session.completed_at, session.ended_at,
    )  # fmt: skip
    return [
        str(session.public_id),
        _text(session.vendor_session_id),
        _text(session.site.name),
        session.site.timezone,
        _text(session.station.vendor_id),
        str(session.connector.number) if session.connector else "",
        _text(session.reference),
        session.origin,
        session.state,
        *(at.astimezone(zone).isoformat(timespec="seconds") if at else "" for at in moments),
        _bare(session.energy_kwh),
        _bare(session.duration_s),
        _bare(session.cost),
        session.currency,
        _text(session.end_reason),
    ]


def _bare(value: object) -> str:
    return "" if value is None else str(value)


def _text(value: str | None) -> str:
    """A spreadsheet takes these beginnings for a formula; the apostrophe makes them text."""
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value or ""
