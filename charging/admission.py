"""Whether a station may start a session now, and at which connector, by what we know: before a request is spent.

Called inside the transaction of the start, with the station locked.
"""

from datetime import datetime

from django.utils.translation import gettext as _

import eevion
from charging.models import Session
from charging.models.session import State
from fleet.models import Connector, Station, StationSetting
from fleet.models.station import CommandKind, Lifecycle

CLOSED = (eevion.PriorityStatus.UNAVAILABLE, eevion.PriorityStatus.OUT_OF_SERVICE)


class StationBusy(Exception):
    """Another session holds the connector; it is read next, for it may be over."""

    def __init__(self, session: Session) -> None:
        super().__init__(_("Another session is going on there. It ends when its cable is unplugged."))
        self.session = session


class StationBlocked(Exception):
    """A start whose answer was lost may still hold the connector."""

    def __init__(self, until: datetime) -> None:
        super().__init__(_("An earlier start got no answer and may still begin. Wait for it, or decide it first."))
        self.until = until


class StationUnavailable(Exception):
    """No request is spent on a station that we know cannot start."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoSuchConnector(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(_("The station has no connector %(number)s. Choose one of its own.") % {"number": number})
        self.number = number


def check(station: Station) -> None:
    """Raises StationUnavailable."""
    if station.lifecycle != Lifecycle.ACTIVE:
        state = station.get_lifecycle_display().lower()
        raise StationUnavailable(_("This station is %(state)s. Make it active before starting.") % {"state": state})
    if station.offline_since:
        raise StationUnavailable(_("The station is offline. Try again when it is back."))
    if station.fault_since:
        raise StationUnavailable(_("The station reports a fault. Try again when it is cleared."))
    setting = StationSetting.objects.filter(station=station, kind=CommandKind.PRIORITY_STATUS).first()
    if setting is not None and setting.finished_value in CLOSED:
        raise StationUnavailable(_("The station was closed by a command. Set it available before starting."))


def choose(station: Station, number: int | None, now: datetime) -> Connector | None:
    """Raises NoSuchConnector, StationUnavailable, StationBusy, StationBlocked. None: no connector is known."""
    all_of_it = list(Connector.objects.filter(station=station).order_by("number"))
    if number is not None and number not in {connector.number for connector in all_of_it}:
        raise NoSuchConnector(number)
    holders = list(Session.objects.filter(station=station, holds_connector=True).order_by("id"))
    for holder in holders:
        if holder.connector_id is None and (holder.state == State.UNKNOWN or not all_of_it):
            raise taken(holder, now)
    held = {holder.connector_id: holder for holder in holders}
    wanted = [connector for connector in all_of_it if number in (None, connector.number)]
    sound = [connector for connector in wanted if not connector.fault_since]
    if wanted and not sound:
        raise StationUnavailable(_("The connector reports a fault. Choose another one."))
    for connector in sound:
        if connector.pk not in held:
            return connector
    if sound:
        raise taken(held[sound[0].pk], now)
    return None


def taken(holder: Session, now: datetime) -> StationBusy | StationBlocked:
    """What is in the way where this session stands."""
    if holder.state == State.UNKNOWN and holder.blocked_until:
        return StationBlocked(max(holder.blocked_until, now))
    return StationBusy(holder)
