"""Sessions: list, one, start (POST to the list), stop. A start is written down and answered before it is sent."""

from math import ceil
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import examples, filters, gate, pages, serializers
from api import stations as named
from api.described import BODY, operation
from api.errors import Refused
from charging import rule_states, tasks
from charging import sessions as charging
from charging.models import Session
from charging.models.session import Origin
from lib import clock
from people.actor import Actor
from people.roles import Permission

RETRY_BUSY_S = 10  # business time; a session ends when its cable is unplugged, and nobody knows when
FILTERS = [
    OpenApiParameter("state", OpenApiTypes.STR, enum=["open", "ended"]),
    OpenApiParameter("station", OpenApiTypes.STR, description="The vendor's id of a station, or ours."),
    OpenApiParameter("reference", OpenApiTypes.STR, description="Exactly as given at the start."),
]


@operation(
    "list_sessions",
    {200: pages.of("Session", serializers.Session(many=True))},
    *("invalid", "not_found", "ambiguous"),
    example=examples.page(examples.SESSION),
    methods=["GET"],
    description="Latest first.",
    parameters=[*FILTERS, *pages.PARAMETERS],
)
@operation(
    "start_session",
    {202: serializers.SessionWithRules},
    *(*BODY, "not_found", "in_session", "blocked", "unavailable", "no_such_connector", "ambiguous"),
    example=examples.STARTED,
    asked=examples.START,
    methods=["POST"],
    description="The start is written down and answered before it is sent: read the session again for what became of "
    "it. Safe to repeat with a reference: the same reference on the same station, while one is open, returns that "
    "session and starts no other; stop rules given with the repeat change nothing.",
    request=serializers.SessionStart,
)
@api_view(["GET", "POST"])
def sessions(request: Request) -> Response:
    return _start(request) if request.method == "POST" else _list(request)


@operation("get_session", {200: serializers.SessionWithRules}, "not_found", example=examples.SESSION_WITH_RULES)
@api_view(["GET"])
def session(request: Request, public_id: UUID) -> Response:
    """One session, with the vendor's last words about it and how its stop rules stand."""
    actor = gate.require(request, Permission.VIEW)
    return Response(_in_full(_one(actor, public_id)))


@operation(
    "stop_session",
    {202: serializers.SessionWithRules},
    *("not_found", "not_stoppable"),
    example=examples.STOPPING,
    request=None,
)
@api_view(["POST"])
def session_stop(request: Request, public_id: UUID) -> Response:
    """Ask for the end of charging. The session ends when the vendor says so; read it again."""
    actor = gate.require(request, Permission.CONTROL_SESSIONS)
    row = _one(actor, public_id)
    try:
        charging.request_stop(actor=actor, session=row, now=clock.now())
    except charging.NotStoppable as refused:
        raise Refused(409, "not_stoppable", str(refused)) from refused
    tasks.nudge(tasks.stop, row.pk)
    return _accepted(actor, row)


def _list(request: Request) -> Response:
    actor = gate.require(request, Permission.VIEW)
    rows = _rows(actor)
    state = filters.choice(request, "state", ("open", "ended"))
    if state:
        rows = rows.filter(pk__in=getattr(Session.objects, state)().values("pk"))
    if station := filters.text(request, "station"):
        rows = rows.filter(station=named.find(actor, station))
    if reference := filters.text(request, "reference"):
        rows = rows.filter(reference=reference)
    return pages.answer(request, rows, lambda page: serializers.Session(page, many=True).data, ordering="-id")


def _start(request: Request) -> Response:
    actor = gate.require(request, Permission.CONTROL_SESSIONS)
    given = serializers.SessionStart(data=request.data)
    given.is_valid(raise_exception=True)
    row = _requested(actor, given.validated_data)
    tasks.nudge(tasks.start, row.pk)
    return _accepted(actor, row)


def _requested(actor: Actor, given: dict[str, Any]) -> Session:
    now = clock.now()
    wishes = given["stop_rules"]
    try:
        return charging.request_start(
            actor=actor,
            station=named.find(actor, given["station"]),
            connector_number=given["connector"],
            reference=given["reference"],
            origin=Origin.API,
            now=now,
            stop_at=[rule for wish in wishes or () for rule in wish["form"].rules(now)],
            with_defaults=wishes is None,
        )
    except charging.StationBusy as busy:
        raise Refused(409, "in_session", str(busy), retry_after_s=_wall_s(RETRY_BUSY_S)) from busy
    except charging.StationBlocked as blocked:
        left_s = (blocked.until - now).total_seconds()
        raise Refused(409, "blocked", str(blocked), retry_after_s=_wall_s(left_s)) from blocked
    except charging.StationUnavailable as refused:
        raise Refused(422, "unavailable", str(refused)) from refused
    except charging.NoSuchConnector as refused:
        raise Refused(422, "no_such_connector", str(refused)) from refused


def _wall_s(business_s: float) -> int:
    """Retry-After counts the caller's seconds, which are wall time."""
    return max(1, ceil(business_s / clock.speed()))


def _rows(actor: Actor) -> QuerySet[Session]:
    return Session.objects.visible_to(actor).select_related("station", "connector", "site")


def _one(actor: Actor, public_id: UUID) -> Session:
    return get_object_or_404(_rows(actor), public_id=public_id)


def _accepted(actor: Actor, row: Session) -> Response:
    fresh = _one(actor, row.public_id)
    location = reverse("api_session", args=[fresh.public_id])
    return Response(_in_full(fresh), status=202, headers={"Location": location})


def _in_full(row: Session) -> Any:
    row.rules = rule_states.of(row, clock.now())  # type: ignore[attr-defined]
    return serializers.SessionWithRules(row).data
