"""Finds the stations an outsider names: by the vendor's id, or by ours. Foreign and absent look alike."""

from collections.abc import Iterable

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from api.errors import Refused
from fleet.models import Station
from people.actor import Actor

Name = str | int


def find(actor: Actor, name: Name) -> Station:
    """Raises Http404, and Refused 422 when two accounts have a station of that id."""
    return find_all(actor, [name])[0]


def find_all(actor: Actor, names: Iterable[Name]) -> list[Station]:
    """In the order named. Raises as `find` does, for the first name that fails."""
    wanted = list(names)
    ids = {number for name in wanted if (number := _number(name)) is not None}
    vendor_ids = {name for name in wanted if isinstance(name, str)}
    visible = Station.objects.visible_to(actor).select_related("site", "account", "tariff")
    by_id: dict[int, Station] = {}
    by_vendor_id: dict[str, list[Station]] = {}
    for row in visible.filter(Q(pk__in=ids) | Q(vendor_id__in=vendor_ids)):
        by_id[row.pk] = row
        by_vendor_id.setdefault(row.vendor_id, []).append(row)
    return [_choose(name, by_id, by_vendor_id) for name in wanted]


def _choose(name: Name, by_id: dict[int, Station], by_vendor_id: dict[str, list[Station]]) -> Station:
    rows = by_vendor_id.get(name, []) if isinstance(name, str) else []
    if len(rows) > 1:
        raise Refused(422, "ambiguous", _("Several stations have this id: name it by our own id, as a number."))
    number = _number(name)
    row = rows[0] if rows else by_id.get(number) if number is not None else None
    if row is None:
        raise Http404
    return row


def _number(name: Name) -> int | None:
    if isinstance(name, int):
        return name
    return int(name) if name.isascii() and name.isdigit() and len(name) < 18 else None
