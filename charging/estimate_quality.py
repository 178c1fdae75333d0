"""How good the estimates were: what we showed just before a reading came, against what the reading said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.cache import cache
from django.db import connection

from people.actor import Actor

WEEK = timedelta(days=7)
FRESH_S = 600  # wall: figured out anew after this long
FEWEST = 20  # fewer readings than this say nothing


@dataclass(frozen=True)
class Quality:
    """Half of the readings, and nineteen of twenty, were nearer to the estimate than this. kWh, without sign."""

    readings: int
    half_within_kwh: Decimal
    most_within_kwh: Decimal


def this_week(actor: Actor, now: datetime) -> Quality | None:
    """Of the sessions that the actor sees; None while there are too few readings to say anything."""
    sites = None if actor.site_ids is None else sorted(actor.site_ids)
    key = f"estimate-quality:{actor.organisation_id}:{sites}".replace(" ", "")
    found: Quality | None = cache.get(key)
    if found is None:
        found = _measure(actor.organisation_id, sites, now)
        cache.set(key, found, FRESH_S)
    return found if found.readings >= FEWEST else None


def _measure(organisation_id: int, sites: list[int] | None, now: datetime) -> Quality:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*),
                   coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(r.energy_kwh - r.estimated_energy_kwh)), 0),
                   coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY abs(r.energy_kwh - r.estimated_energy_kwh)), 0)
            FROM charging_reading r JOIN charging_session s ON s.id = r.session_id
            WHERE r.received_at >= %(since)s AND r.estimated_energy_kwh IS NOT NULL AND r.energy_kwh IS NOT NULL
              AND s.organisation_id = %(organisation)s AND (%(all_sites)s OR s.site_id = ANY(%(sites)s))
            """,
            {
                "since": now - WEEK,
                "organisation": organisation_id,
                "all_sites": sites is None,
                "sites": sites or [],
            },
        )
        return Quality(*cursor.fetchone())
