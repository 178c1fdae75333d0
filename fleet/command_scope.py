"""What of a command a person sees: the items of their sites; and in words, how many stations at how many sites."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.models import Account, Command, CommandItem, Site, Station
from fleet.models.command import ItemState
from lib import figures
from people.actor import Actor


class Spread(Protocol):
    """How far something goes: fleet.command_progress.Progress is one."""

    @property
    def stations(self) -> int: ...
    @property
    def sites(self) -> int: ...
    @property
    def station_id(self) -> int | None: ...  # of the only station
    @property
    def site_id(self) -> int | None: ...  # of the only site


@dataclass(frozen=True)
class Places:
    """Names by id."""

    stations: dict[int, str]
    sites: dict[int, str]


def visible_items(actor: Actor) -> QuerySet[CommandItem]:
    """Items of stations that the actor sees; of a command that passed the gate, or of a station that did."""
    mine = Q(station__organisation_id=actor.organisation_id)
    if actor.site_ids is not None:
        mine &= Q(station__site_id__in=sorted(actor.site_ids))
    return CommandItem.objects.filter(mine)


def is_partial(actor: Actor, command: Command) -> bool:
    """It also goes to stations that this person does not see."""
    if actor.site_ids is None:
        return False
    mine = visible_items(actor).filter(command=command)
    return CommandItem.objects.filter(command=command).exclude(pk__in=mine.values("pk")).exists()


def places(actor: Actor, found: Iterable[Spread]) -> Places:
    """Names of the only station, or of the only site, of each of these. Two queries."""
    spreads = list(found)
    stations = Station.objects.visible_to(actor).filter(pk__in={one.station_id for one in spreads if one.station_id})
    sites = Site.objects.visible_to(actor).filter(pk__in={one.site_id for one in spreads if one.site_id})
    return Places(
        dict(stations.order_by().values_list("pk", "vendor_id")), dict(sites.order_by().values_list("pk", "name"))
    )


def words(spread: Spread, names: Places) -> str:
    """ "HC-1042", "12 stations at Harbour", "12 stations at 3 sites"."""
    if spread.station_id in names.stations:
        return names.stations[spread.station_id]
    many = ngettext("%(n)s station", "%(n)s stations", spread.stations) % {"n": figures.number(spread.stations)}
    if spread.site_id in names.sites:
        return _("%(stations)s at %(site)s") % {"stations": many, "site": names.sites[spread.site_id]}
    said = ngettext("%(stations)s at %(n)s site", "%(stations)s at %(n)s sites", spread.sites)
    return said % {"stations": many, "n": figures.number(spread.sites)}


def has_refused_key(actor: Actor, command: Command) -> bool:
    """Something of it waits for an account whose key the vendor refuses."""
    waits = visible_items(actor).filter(command=command, state=ItemState.QUEUED)
    accounts = Account.objects.visible_to(actor).filter(key_refused_at__isnull=False)
    return waits.filter(station__account__in=accounts).exists()
