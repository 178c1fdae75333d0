"""Writes the rows of a command: what is wanted of its stations, and an item for each station and kind.

Thirty thousand at once, so without a model for each. What a command is, and who may ask it: fleet/commands.py.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from fleet import command_plan, items, waves
from fleet.command_facts import UNDER_WAY
from fleet.command_options import Options
from fleet.command_plan import Setting
from fleet.id_arrays import among
from fleet.models import Command, CommandItem, StationSetting

Key = tuple[int, str]  # station id and kind

_WRITE = """
INSERT INTO fleet_commanditem (command_id, station_id, kind, wanted_value, value_before, wanted_before, wave, state,
    error, error_code, evidence, is_interactive, due_at)
SELECT %(command)s, a.station, a.kind, a.wanted, a.value_before, a.wanted_before, a.wave,
    CASE WHEN a.is_equal THEN 'skipped' ELSE 'queued' END,
    CASE WHEN a.is_equal THEN %(error)s ELSE '' END, CASE WHEN a.is_equal THEN %(error_code)s ELSE '' END,
    '', %(is_interactive)s,
    CASE WHEN a.is_equal OR a.wave > 0 THEN NULL ELSE statement_timestamp() + %(hold_s)s * interval '1 second' END
FROM unnest(%(stations)s::bigint[], %(kinds)s::text[], %(wanted)s::text[], %(values_before)s::text[],
    %(wanted_before)s::text[], %(waves)s::int[], %(equals)s::boolean[])
    WITH ORDINALITY AS a(station, kind, wanted, value_before, wanted_before, wave, is_equal, place)
ORDER BY a.place
"""


class Before(NamedTuple):
    """Of one setting: the last finished value and the wish before this one; None where there is none."""

    finished: str | None
    wanted: str | None
    seen_otherwise: bool


def want(wanted: Mapping[Key, str], now: datetime) -> dict[Key, Before]:
    """Write down what is wanted of each station; returns what was before."""
    mine = StationSetting.objects.filter(
        station_id__in=among({pk for pk, _kind in wanted}), kind__in={kind for _pk, kind in wanted}
    )
    there = set(mine.values_list("station_id", "kind"))
    # In one order, so that two commands of new settings wait for each other and never in a circle.
    missing = [StationSetting(station_id=pk, kind=kind) for pk, kind in sorted(wanted.keys() - there)]
    StationSetting.objects.bulk_create(missing, ignore_conflicts=True)
    found: dict[Key, Before] = {}
    alike: dict[str, list[int]] = {}
    columns = ("pk", "station_id", "kind", "finished_value", "seen_otherwise", "wanted_value", "wanted_at")
    for row_pk, pk, kind, finished, otherwise, before, wanted_at in (
        mine.select_for_update().order_by("pk").values_list(*columns)
    ):
        if (pk, kind) in wanted:
            found[pk, kind] = Before(finished, before if wanted_at else None, otherwise)
            alike.setdefault(wanted[pk, kind], []).append(row_pk)
    # Value by value: a bulk update names each row's own, which takes minutes for thousands of rows.
    for value, row_pks in alike.items():
        StationSetting.objects.filter(pk__in=among(row_pks)).update(wanted_value=value, wanted_at=now)
    return found


def write(command: Command, asked: Sequence[tuple[int, str, str]], before: Mapping[Key, Before], how: Options) -> None:
    """An item for each station, kind and value asked; those to be sent carry their wave and, in the first one, when
    the hold is over by the database's clock."""
    equal = set() if how.send_equal else _equal(asked, before)
    sent = dict.fromkeys(pk for pk, kind, _value in asked if (pk, kind) not in equal)
    wave_of = waves.divide(list(sent)) if how.is_canary else {}
    words: dict[str, Any] = {
        "command": command.pk,
        "is_interactive": command.is_interactive,
        "hold_s": how.hold_s,
        "error": _("already so"),
        "error_code": items.ALREADY,
        "stations": [pk for pk, _kind, _value in asked],
        "kinds": [str(kind) for _pk, kind, _value in asked],
        "wanted": [value for _pk, _kind, value in asked],
        "values_before": [before[pk, kind].finished for pk, kind, _value in asked],
        "wanted_before": [before[pk, kind].wanted for pk, kind, _value in asked],
        "waves": [wave_of.get(pk, 0) for pk, _kind, _value in asked],
        "equals": [(pk, kind) in equal for pk, kind, _value in asked],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, words)


def _equal(asked: Sequence[tuple[int, str, str]], before: Mapping[Key, Before]) -> set[Key]:
    """What has the wanted value already, and nothing under way would take it away again."""
    under_way = _under_way(before)
    equal = set()
    for pk, kind, value in asked:
        known = before[pk, kind]
        setting = Setting(known.finished, under_way.get((pk, kind)), seen_otherwise=known.seen_otherwise)
        if command_plan.is_right(setting, value):
            equal.add((pk, kind))
    return equal


def _under_way(keys: Collection[Key]) -> dict[Key, str]:
    """The newest wish of each station and kind of which the end is not known yet."""
    chosen = {"station_id__in": among({pk for pk, _kind in keys}), "kind__in": {kind for _pk, kind in keys}}
    found = CommandItem.objects.filter(**chosen, state__in=UNDER_WAY).order_by("pk")
    return {(pk, kind): value for pk, kind, value in found.values_list("station_id", "kind", "wanted_value")}
