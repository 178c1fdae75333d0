"""Importing stations: a preview that names each bad row, then all of the good rows or none.

The same two steps serve the page and the demo. How a list is read stands in fleet/import_rows.py.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fleet import import_rows, stations
from fleet.import_rows import BadRow, Defaults, Place, Row
from fleet.models import Account, Site, Station
from people import audit
from people.actor import Actor

DEFAULT_CURRENCY = "CAD"


class NothingToImport(Exception):
    """The preview holds no good row."""


class Conflict(Exception):
    """Somebody else added one of these stations or sites meanwhile; nothing was imported. Preview again."""


@dataclass(frozen=True)
class Preview:
    """What would be imported, and each row that would not, with every reason."""

    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]
    new_sites: tuple[str, ...]


def preview(*, actor: Actor, account: Account, text: str, defaults: Defaults) -> Preview:
    """Read the text and hold it against what is there. Raises import_rows.Unreadable."""
    found = import_rows.read(text, defaults)
    ids = [row.station for row in found.rows]
    there = set(Station.objects.filter(account=account, vendor_id__in=ids).values_list("vendor_id", flat=True))
    known = {site.name: site for site in Site.objects.visible_to(actor)}
    places = _first_places(found.rows)
    good, bad = [], list(found.bad_rows)
    for row in found.rows:
        problems = [_("station %s is already there") % row.station] if row.station in there else []
        if problem := _about_place(row.place, known.get(row.place.name), places[row.place.name], actor):
            problems.append(problem)
        if problems:
            bad.append(BadRow(row.line, row.station, tuple(problems)))
        else:
            good.append(row)
    new = dict.fromkeys(row.place.name for row in good if row.place.name not in known)
    return Preview(tuple(good), tuple(sorted(bad, key=lambda row: row.line)), tuple(new))


def _first_places(rows: tuple[Row, ...]) -> dict[str, Place]:
    """Each site by the first row that says its time zone."""
    places: dict[str, Place] = {}
    for row in rows:
        if row.place.name not in places or not places[row.place.name].timezone:
            places[row.place.name] = row.place
    return places


def _about_place(place: Place, site: Site | None, first: Place, actor: Actor) -> str:
    if site is None and actor.site_ids is not None:
        return _("site “%s” is none of yours; choose one of your sites") % place.name
    if site is None:
        return "" if first.timezone else _("site “%s” is new and needs a time zone") % place.name
    if place.timezone and place.timezone != site.timezone:
        return _("site “%(site)s” is there with the time zone %(zone)s") % {"site": site.name, "zone": site.timezone}
    return ""


def apply(*, actor: Actor, account: Account, rows: tuple[Row, ...], now: datetime) -> list[Station]:
    """Make the rows' sites and stations in one transaction. Raises NothingToImport, Conflict."""
    if not rows:
        raise NothingToImport
    try:
        with transaction.atomic():
            sites = _sites(actor, rows)
            made = stations.create_many(
                stations=[(_station(row, sites[row.place.name], account), row.connectors) for row in rows]
            )
            audit.record(actor=actor, verb="stations.imported", subject=account.name, now=now, stations=len(made))
    except IntegrityError as error:
        raise Conflict from error
    return made


def _sites(actor: Actor, rows: tuple[Row, ...]) -> dict[str, Site]:
    known = {site.name: site for site in Site.objects.visible_to(actor)}
    for name, place in _first_places(rows).items():
        if name not in known:
            known[name] = Site.objects.create(
                organisation_id=actor.organisation_id,
                name=name,
                timezone=place.timezone,
                currency=place.currency or DEFAULT_CURRENCY,
                latitude=place.latitude,
                longitude=place.longitude,
                grid_limit_kw=place.grid_limit_kw,
            )
    return known


def _station(row: Row, site: Site, account: Account) -> Station:
    return Station(
        organisation_id=site.organisation_id,
        account=account,
        site=site,
        vendor_id=row.station,
        name=row.name,
        level=row.level,
        rated_kw=row.rated_kw,
    )
