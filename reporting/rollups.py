"""The day rollup: sums of completed, final sessions per site, local day of completion and currency.

Days that changed are deleted and filled again from the sessions, never added to; so filling twice changes nothing.
"""

import logging
from datetime import date, datetime
from typing import Any

from django.db import DataError, connection, transaction

from fleet.models import Site
from reporting.models import DayRollup, FillMark

log = logging.getLogger(__name__)

# Everything below is in the books for good. A younger transaction may still be open: its rows wait for the next fill.
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

# A correction may have moved a session's end. Where it was before is not written down, but it lies between the request
# and the last confirmation; all those days are filled again. An import is never corrected: its own day will do.
CHANGED_DAYS = """
SELECT DISTINCT day::date
FROM charging_session s
CROSS JOIN LATERAL (SELECT (s.completed_at AT TIME ZONE %(zone)s)::date AS its_day) ended
CROSS JOIN LATERAL generate_series(
    CASE WHEN s.origin = 'import' THEN its_day
         ELSE LEAST(its_day, (s.requested_at AT TIME ZONE %(zone)s)::date) END,
    CASE WHEN s.origin = 'import' THEN its_day
         ELSE GREATEST(its_day, (s.final_at AT TIME ZONE %(zone)s)::date) END,
    interval '1 day') AS day
WHERE s.organisation_id = %(organisation)s AND s.site_id = %(site)s
  AND s.changed_xid >= %(from)s AND s.changed_xid < %(to)s AND s.final_at IS NOT NULL
"""

SUMS = """
INSERT INTO reporting_dayrollup
    (organisation_id, site_id, day_date, currency, sessions, energy_kwh, revenue, uncosted, connected_s)
SELECT %(organisation)s, %(site)s, (s.completed_at AT TIME ZONE %(zone)s)::date AS local_day, s.currency, count(*),
       COALESCE(sum(s.energy_kwh), 0), COALESCE(sum(s.cost), 0), count(*) FILTER (WHERE s.cost IS NULL),
       COALESCE(sum(s.duration_s), 0)
FROM charging_session s {which}
WHERE s.site_id = %(site)s AND s.state = 'completed' AND s.final_at IS NOT NULL AND s.completed_at IS NOT NULL
GROUP BY local_day, s.currency
"""
# The range lets the index find the day; the equality decides. Three hours cover midnights that a zone skips or repeats.
OF_DAYS = """
JOIN unnest(%(days)s::date[]) AS day
  ON s.completed_at >= day::timestamp AT TIME ZONE %(zone)s - interval '3 hours'
 AND s.completed_at < (day + 1)::timestamp AT TIME ZONE %(zone)s + interval '3 hours'
 AND (s.completed_at AT TIME ZONE %(zone)s)::date = day
"""


def fill(now: datetime) -> int:
    """Bring every site's rollup up to date; returns how many days of sites were filled again.

    One transaction a site. Safe to run twice at once: a site that somebody else is filling is left alone.
    """
    days = 0
    for site in Site.objects.order_by("id"):
        try:
            days += _fill_site(site, now)
        except DataError:  # a zone that the database does not know; it must not keep the other sites from their turn
            log.exception("rollup of site %s was not filled: check its time zone %r", site.pk, site.timezone)
    return days


def _fill_site(site: Site, now: datetime) -> int:
    FillMark.objects.get_or_create(site=site)
    with transaction.atomic():
        mark = FillMark.objects.select_for_update(skip_locked=True).filter(site=site).first()
        if mark is None:
            return 0
        horizon = _horizon()
        whole = mark.timezone != site.timezone
        days = [] if whole else _changed_days(site, mark.filled_to_xid, horizon)
        if whole or days:
            filled = _refill(site, None if whole else days)
            log.info("rollup of site %s: %s days filled", site.pk, filled)
        mark.filled_to_xid, mark.timezone, mark.filled_at = horizon, site.timezone, now
        mark.save()
        return filled if whole else len(days)


def _horizon() -> int:
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        return int(cursor.fetchone()[0])


def _changed_days(site: Site, from_xid: int, to_xid: int) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_DAYS, _names(site) | {"from": from_xid, "to": to_xid})
        return [row[0] for row in cursor.fetchall()]


def _refill(site: Site, days: list[date] | None) -> int:
    """Delete and fill the given days of a site, or all of them."""
    old = DayRollup.objects.filter(site=site)
    (old if days is None else old.filter(day_date__in=days)).delete()
    with connection.cursor() as cursor:
        cursor.execute(SUMS.format(which="" if days is None else OF_DAYS), _names(site) | {"days": days})
        return int(cursor.rowcount)


def _names(site: Site) -> dict[str, Any]:
    return {"organisation": site.organisation_id, "site": site.pk, "zone": site.timezone}
