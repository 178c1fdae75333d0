"""Sites as the live page shows them: power now against the grid limit, and what each connector is doing."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from charging.models import Session
from fleet import connector_state, stations
from fleet.models import Connector, Site, StationSetting
from fleet.models.station import CommandKind, Lifecycle
from lib import icons
from people.actor import Actor

NEAR_LIMIT = Decimal("0.9")  # from here on a person should look


@dataclass(frozen=True)
class SiteCard:
    site: Site
    power_kw: Decimal
    states: list[str]  # one per connector, in order: keys of lib.icons

    @property
    def strained(self) -> bool:
        return bool(self.site.grid_limit_kw and self.power_kw >= self.site.grid_limit_kw * NEAR_LIMIT)

    @property
    def words(self) -> str:
        """The dots in words: `3 Charging, 1 Faulted`."""
        return ", ".join(f"{count} {icons.word(state)}" for state, count in Counter(self.states).most_common())


def cards(actor: Actor, now: datetime) -> list[SiteCard]:
    """Every site one may see: four queries."""
    power = dict(
        Session.objects.visible_to(actor).open().order_by().values_list("site_id").annotate(kw=Sum("power_kw"))
    )
    states = _states(actor, now)
    return [
        SiteCard(site, power.get(site.pk) or Decimal(0), states.get(site.pk, []))
        for site in Site.objects.visible_to(actor)
    ]


def _states(actor: Actor, now: datetime) -> dict[int, list[str]]:
    taken = {
        setting.station_id: setting
        for setting in StationSetting.objects.filter(
            kind=CommandKind.PRIORITY_STATUS, station__organisation_id=actor.organisation_id
        ).exclude(finished_at=None)
    }
    found = Connector.objects.visible_to(actor).filter(station__lifecycle=Lifecycle.ACTIVE).select_related("station")
    by_site: dict[int, list[str]] = {}
    for connector in found.order_by("station__vendor_id", "station_id", "number"):
        state = connector_state.derive(stations.facts(connector, taken.get(connector.station_id)), now)
        by_site.setdefault(connector.station.site_id, []).append(icons.key(state.mark))
    return by_site
