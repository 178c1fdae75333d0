"""What needs a person, newest first: accounts that cannot call, starts and stops that nobody answered, sessions gone
silent, figures that changed after they were final, open exceptions.

How many of them there are, for the navigation, is counted here too.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging import decisions, silence, unsent
from charging.models import Correction, Reading, Session, StationException
from charging.models.session import LIVE, State, StopState
from fleet import accounts
from fleet.models import Account
from people.actor import Actor
from people.roles import Permission

MOST = 8  # more of them stand on the pages they lead to
COUNTED = 100  # of each kind; the navigation says "99+" above
SAID = {
    "stationOffline": gettext_lazy("the station is offline"),
    "connectorFaulted": gettext_lazy("a connector is faulted"),
}


@dataclass(frozen=True)
class Item:
    mark: str
    subject: str
    text: str
    since_at: datetime | None
    href: str
    action: str


def counts(actor: Actor) -> tuple[int, int]:
    """How many sessions wait for a decision, and how many exceptions are open: one query over partial indexes, which
    stops at COUNTED of each."""
    undecided = Q(state=State.UNKNOWN) | Q(state__in=LIVE, read_failures__gte=decisions.LOST_AFTER)
    waiting = Session.objects.visible_to(actor).open().filter(undecided).order_by()
    corrections = Correction.objects.visible_to(actor).open().order_by()
    exceptions = StationException.objects.visible_to(actor).filter(cleared_at=None).order_by()
    found = Counter(
        _kinds(waiting, "waiting").union(_kinds(corrections, "waiting"), _kinds(exceptions, "exception"), all=True)
    )
    return found[("waiting",)], found[("exception",)]


def _kinds(found: Any, kind: str) -> Any:
    return found.annotate(kind=Value(kind)).values_list("kind")[:COUNTED]


def items(actor: Actor) -> list[Item]:
    """At most MOST of each kind: four queries."""
    return [*_accounts(actor), *_sessions(actor), *_corrections(actor), *_exceptions(actor)]


def _accounts(actor: Actor) -> list[Item]:
    """Without a usable key nothing of an account moves; only who may change the key is told here."""
    if not actor.can(Permission.MANAGE_ACCOUNTS):
        return []
    troubled = [(row, accounts.key_trouble(row)) for row in Account.objects.visible_to(actor)]
    return [
        Item(
            "failed", row.name, text, row.key_refused_at, reverse("settings_account", args=[row.pk]), _("Open account")
        )
        for row, text in troubled
        if text
    ][:MOST]


def _exceptions(actor: Actor) -> list[Item]:
    found = StationException.objects.visible_to(actor).filter(cleared_at=None).select_related("station", "site")
    return [
        Item(
            "offline" if row.type == "stationOffline" else "faulted",
            str(row.station or row.vendor_station_id),
            row.message or row.error_code or str(SAID.get(row.type, row.type)),
            row.started_at or row.received_at,
            reverse("exceptions"),
            _("Open the list"),
        )
        for row in found.order_by("-received_at", "-id")[:MOST]
    ]


def _corrections(actor: Actor) -> list[Item]:
    related = ("session__station", "session__connector")
    found = Correction.objects.visible_to(actor).open().select_related(*related)
    return [
        Item(
            "unknown",
            row.session.place,
            _("the vendor changed its figures after they were final"),
            row.recorded_at,
            f"{reverse('session', args=[row.session.public_id])}#correction",
            _("Decide"),
        )
        for row in found.order_by("-recorded_at", "-id")[:MOST]
    ]


def _sessions(actor: Actor) -> list[Item]:
    latest = Reading.objects.filter(session=OuterRef("pk")).order_by("-received_at", "-id")
    silent = silence.silent() | Q(state__in=LIVE, read_failures__gte=decisions.LOST_AFTER)
    found = (
        Session.objects.visible_to(actor)
        .open()
        .filter(Q(state=State.UNKNOWN) | Q(stop_state=StopState.REFUSED) | unsent.waiting() | silent)
        .select_related("station", "connector")
        .annotate(seen_at=Coalesce(Subquery(latest.values("confirmed_at")[:1]), F("requested_at")))
    )
    return [_of(session) for session in found.order_by("-requested_at", "-id")[:MOST]]


def _of(session: Session) -> Item:
    subject, href = session.place, reverse("session", args=[session.public_id])
    if session.state == State.UNKNOWN:
        text = _("the start was sent and no answer came; nobody knows whether it charges")
        return Item("unknown", subject, text, session.requested_at, f"{href}#decide", _("Decide"))
    if session.state == State.REQUESTED:
        text = _("asked for, and no worker sends it: see whether the background workers run")
        return Item("pending", subject, text, session.requested_at, href, _("Open session"))
    if session.stop_state == StopState.REFUSED:
        text = session.stop_error or _("the stop was refused, without a reason")
        return Item("failed", subject, text, session.stop_requested_at, href, _("Open session"))
    seen_at: datetime = session.seen_at  # type: ignore[attr-defined]
    if decisions.is_lost(session):
        return Item(
            "no-news", subject, _("the vendor no longer answers about it"), seen_at, f"{href}#decide", _("Decide")
        )
    return Item("no-news", subject, _("no answer about this session for a while"), seen_at, href, _("Open session"))
