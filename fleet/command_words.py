"""What a command asks, in words that people read: the tariff by its name, the availability as the pages call it."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.models import Tariff
from fleet.models.command import Origin
from fleet.models.station import CommandKind
from people.actor import Actor

# The values of the contract's priorityStatus that we offer. The vendor may know more; those are shown as they are.
AVAILABILITY = {
    "available": gettext_lazy("Available"),
    "unavailable": gettext_lazy("Unavailable"),
    "outOfService": gettext_lazy("Out of service"),
}
# What a command whose stations want different values says instead of one value.
EACH_ITS_OWN = {
    Origin.UNDO: gettext_lazy("as it was before"),
    Origin.REPAIR: gettext_lazy("as it is wanted"),
    Origin.RETRY: gettext_lazy("as it was asked before"),
}


def tariff_names(actor: Actor, fee_ids: Iterable[str]) -> dict[str, str]:
    """The names of these fee ids, in one query. An id that two accounts give different names stays an id."""
    rows = Tariff.objects.visible_to(actor).filter(fee_id__in=set(fee_ids)).order_by().values_list("fee_id", "name")
    names: dict[str, set[str]] = {}
    for fee_id, name in rows:
        names.setdefault(fee_id, set()).add(name)
    return {fee_id: found.pop() for fee_id, found in names.items() if len(found) == 1}


def fee_ids(values: Iterable[Mapping[str, str | None]]) -> set[str]:
    """Those that commands with these values name."""
    return {fee_id for asked in values if (fee_id := asked.get(CommandKind.TARIFF))}


def value(kind: str, asked: str | None, names: Mapping[str, str]) -> str:
    """One value in words; `names` come from tariff_names. None is not known, an empty message shows nothing."""
    if asked is None:
        return _("not known")
    if kind == CommandKind.TARIFF:
        return names.get(asked, asked)
    if kind == CommandKind.PRIORITY_STATUS:
        return str(AVAILABILITY.get(asked, asked))
    return f"“{asked}”" if asked else _("no message")


def said(
    values: Mapping[str, str | None], names: Mapping[str, str], origin: str = Origin.PERSON
) -> list[tuple[str, str]]:
    """Everything a command asks: pairs of what and value. None means that each station has its own."""
    words = dict(CommandKind.choices)
    each = str(EACH_ITS_OWN.get(Origin(origin), _("a value for each station")))
    return [
        (str(words.get(kind, kind)), each if asked is None else value(kind, asked, names))
        for kind, asked in values.items()
    ]
