"""The figures above the live page: power, use, energy and revenue of this moment and of each site's present day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.db.models import Count, Q, Sum

from charging import silence
from charging.models import Session
from charging.places import SiteCard
from fleet.models import Site
from lib import figures
from people.actor import Actor


@dataclass(frozen=True)
class Figures:
    """Power and open energy are those of the sessions somebody answers about; `silent` says how many they lack."""

    power_kw: Decimal
    limit_kw: Decimal | None  # None unless every site has one
    active: int
    silent: int
    ac: int
    dc: int
    connectors: int
    in_use: int
    energy_today_kwh: Decimal
    open_energy_kwh: Decimal
    revenue_today: list[tuple[Decimal, str]]  # one per currency, never added

    @property
    def power_share(self) -> Decimal | None:
        return self.power_kw / self.limit_kw * 100 if self.limit_kw else None

    @property
    def use_share(self) -> float:
        return self.in_use / self.connectors * 100 if self.connectors else 0.0


def today(sites: Iterable[Site], now: datetime, moment: str = "completed_at") -> Q:
    """Sessions of the present local day of each site's zone."""
    by_zone: dict[str, list[int]] = {}
    for site in sites:
        by_zone.setdefault(site.timezone, []).append(site.pk)
    found = Q(pk=None)
    for name, ids in by_zone.items():
        zone = figures.zone(name)
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
        found |= Q(**{"site_id__in": ids, f"{moment}__gte": midnight})
    return found


def read(actor: Actor, cards: Sequence[SiteCard], now: datetime) -> Figures:
    mine = Session.objects.visible_to(actor)
    heard = ~silence.silent()
    running = mine.open().aggregate(
        power=Sum("power_kw", filter=heard),
        energy=Sum("energy_kwh", filter=heard),
        active=Count("id"),
        silent=Count("id", filter=silence.silent()),
        dc=Count("id", filter=Q(station__level=3)),
        held=Count("connector", filter=Q(holds_connector=True)),
    )
    done = list(
        mine.filter(today([card.site for card in cards], now))
        .order_by("currency")
        .values_list("currency")
        .annotate(Sum("energy_kwh"), Sum("cost"))
    )
    limits = [card.site.grid_limit_kw for card in cards]
    zero = Decimal(0)
    return Figures(
        power_kw=running["power"] or zero,
        limit_kw=sum((limit for limit in limits if limit), zero) if limits and all(limits) else None,
        active=running["active"],
        silent=running["silent"],
        ac=running["active"] - running["dc"],
        dc=running["dc"],
        connectors=sum(len(card.states) for card in cards),
        in_use=running["held"],
        energy_today_kwh=sum((energy or zero for _, energy, _ in done), zero),
        open_energy_kwh=running["energy"] or zero,
        revenue_today=[(cost or zero, currency) for currency, _, cost in done],
    )
