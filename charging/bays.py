"""The bays of a site: every connector with what it is doing, and the session that holds it."""

from dataclasses import dataclass
from datetime import datetime

from charging import board_rows, places
from charging.board_rows import Row
from charging.models import Session
from fleet.connector_state import ConnectorState
from fleet.models import Connector, Site
from lib import icons
from people.actor import Actor


@dataclass(frozen=True)
class Bay:
    connector: Connector
    state: ConnectorState
    row: Row | None  # the open session that holds it

    @property
    def mark(self) -> str:
        return icons.key(self.row.session.mark if self.row else self.state.mark)


@dataclass(frozen=True)
class Bays:
    bays: list[Bay]
    elsewhere: list[Row]  # open sessions that hold no connector: nobody said which, or its block is over


def of(actor: Actor, site: Site, now: datetime) -> Bays:
    """Five queries."""
    opened = Session.objects.visible_to(actor).open().filter(site=site).order_by("requested_at", "id")
    rows = board_rows.drawn(actor, list(opened.values_list("pk", flat=True)), now).values()
    holding = {row.session.connector_id: row for row in rows if row.session.holds_connector}
    found = [
        Bay(connector, state, holding.get(connector.pk))
        for connector, state in places.connectors(actor, now, site_id=site.pk)
    ]
    return Bays(found, [row for row in rows if not (row.session.holds_connector and row.session.connector_id)])
