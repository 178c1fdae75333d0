"""Sites as the live page shows them: power now against the grid limit, and what each connector is doing."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Sum

from charging import silence
from charging.models import Session
from fleet import connector_state, stations
from fleet.connector_state import ConnectorState
from fleet.models import Connector, Site, StationSetting
from fleet.models.station import CommandKind, Lifecycle
from lib import icons
from people.actor import Actor

NEAR_LIMIT = Decimal("0.9")  # from here on a person should look


@dataclass(frozen=True)
class SiteCard:
    site: Site
    power_kw: Decimal  # of the sessions somebody answers about
    states: list[str]  # one per connector, in order: keys of lib.icons
    silent: int = 0  # sessions without a reading, whose power is not in the sum

    @property
    def strained(self) -> bool:
        return bool(self.site.grid_limit_kw and self.power_kw >= self.site.grid_limit_kw * NEAR_LIMIT)

    @property
    def words(self) -> str:
        """The dots in words: `3 Charging, 1 Faulted`."""
        return ", ".join(f"{count} {icons.word(state)}" for state, count in Counter(self.states).most_common())


def cards(actor: Actor, now: datetime) -> list[SiteCard]:
    """Every site one may see: four queries."""
    running = Session.objects.visible_to(actor).open().order_by().values_list("site_id")
    power = {
        site_id: (kw, silent)
        for site_id, kw, silent in running.annotate(
            kw=Sum("power_kw", filter=~silence.silent()), silent=Count("id", filter=silence.silent())
        )
    }
    states = _states(actor, now)
    return [
        SiteCard(site, kw or Decimal(0), states.get(site.pk, []), silent)
        for site in Site.objects.visible_to(actor)
        for kw, silent in (power.get(site.pk, (None, 0)),)
    ]


def _states(actor: Actor, now: datetime) -> dict[int, list[str]]:
    by_site: dict[int, list[str]] = {}
    for connector, state in connectors(actor, now):
        by_site.setdefault(connector.station.site_id, []).append(icons.key(state.mark))
    return by_site


def connectors(actor: Actor, now: datetime, site_id: int | None = None) -> list[tuple[Connector, ConnectorState]]:
    """Every connector of active stations that one may see, in order, with what it is doing: two queries."""
    settings = StationSetting.objects.filter(
        kind=CommandKind.PRIORITY_STATUS, station__organisation_id=actor.organisation_id
    ).exclude(finished_at=None)
    found = Connector.objects.visible_to(actor).filter(station__lifecycle=Lifecycle.ACTIVE).select_related("station")
    if site_id is not None:
        settings, found = settings.filter(station__site=site_id), found.filter(station__site=site_id)
    taken = {setting.station_id: setting for setting in settings}
    return [
        (connector, connector_state.derive(stations.facts(connector, taken.get(connector.station_id)), now))
        for connector in found.order_by("station__vendor_id", "station_id", "number")
    ]
