"""Reads what a dry run and its forecast look at: stations, their settings, wishes under way, and the keys' budgets.

A fixed number of queries, however many stations. What follows from the facts: fleet/command_plan.py, fleet/forecast.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, DurationField, Exists, ExpressionWrapper, F, FloatField, OuterRef, Q
from django.db.models.functions import Now

from fleet import items
from fleet.budget import SLOTS, Lane
from fleet.command_plan import NOTHING, Facts, Setting
from fleet.connector_state import UNKNOWN_START
from fleet.forecast import Key
from fleet.id_arrays import among
from fleet.models import Account, ApiCall, CommandItem, Connector, RequestSlot, Station, StationSetting
from fleet.models.account import SlotLane
from fleet.models.command import ItemState
from fleet.models.station import Lifecycle
from people.actor import Actor

RTT_S = 0.5  # of a manage call, while none was made lately
RTT_FROM = timedelta(hours=1)  # the calls whose median counts
UNDER_WAY = (ItemState.QUEUED, ItemState.SENDING, ItemState.UNKNOWN, ItemState.ACCEPTED)


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    name = "Median"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def facts(actor: Actor, ids: Collection[int], kinds: Collection[str], now: datetime) -> list[Facts]:
    """Of those that the actor sees, by id of the vendor. Three queries, and of ten thousand stations no models."""
    connectors = Connector.objects.filter(station=OuterRef("pk"))
    unknown = Q(session_state=UNKNOWN_START) | Q(session_state="", blocked_until__gt=now)
    rows = (
        Station.objects.visible_to(actor)
        .filter(pk__in=among(ids))
        .order_by("vendor_id", "pk")
        .values_list(
            "pk",
            "vendor_id",
            "account_id",
            "lifecycle",
            Exists(connectors.exclude(session_state__in=("", UNKNOWN_START))),
            Exists(connectors.filter(unknown)),
            "offline_since",
            "site_id",
        )
    )
    settings = _settings(ids, kinds)
    return [
        Facts(pk, name, account_id, state == Lifecycle.ACTIVE, busy, blocked, since is not None, settings[pk], site_id)
        for pk, name, account_id, state, busy, blocked, since, site_id in rows
    ]


def _settings(ids: Collection[int], kinds: Collection[str]) -> dict[int, dict[str, Setting]]:
    chosen = {"station_id__in": among(ids), "kind__in": kinds}
    found: dict[int, dict[str, Setting]] = defaultdict(dict)
    alike: dict[tuple[str | None, bool], Setting] = {}
    rows = StationSetting.objects.filter(**chosen).values_list("station_id", "kind", "finished_value", "seen_otherwise")
    for pk, kind, value, otherwise in rows:
        known = alike.get((value, otherwise))
        found[pk][kind] = known or alike.setdefault((value, otherwise), Setting(value, seen_otherwise=otherwise))
    wishes = CommandItem.objects.filter(**chosen, state__in=UNDER_WAY).order_by("pk")
    words = wishes.values_list("station_id", "kind", "wanted_value", "state", "command__requested_by_label")
    for pk, kind, wanted, state, by in words:
        known_now = found[pk].get(kind, NOTHING)
        found[pk][kind] = known_now._replace(under_way=wanted, has_left=state != ItemState.QUEUED, by=by)
    return found


def accounts(ids: Collection[int]) -> dict[int, Account]:
    """With their budgets, in one query."""
    return {row.pk: row for row in Account.objects.filter(pk__in=ids).select_related("budget").order_by("pk")}


def keys(mine: Mapping[int, Account], *, lane: Lane, replaced: Collection[tuple[int, str]] = ()) -> dict[int, Key]:
    """The budgets of these accounts by id, as a sender of this lane finds them. Three queries.

    `replaced`: the wishes, by station and kind, that give way to the one to be forecast.
    """
    budgets = {row.budget_id: row.budget for row in mine.values()}
    free = _free_in_s(budgets, SLOTS[lane])
    ahead = _ahead(budgets, lane, set(replaced))
    rtts = _rtts(budgets)
    return {
        pk: Key(tuple(free[pk]), row.window_s, rtts.get(pk, RTT_S), ahead.get(pk, 0)) for pk, row in budgets.items()
    }


def _free_in_s(budgets: Collection[int], lanes: Iterable[SlotLane]) -> dict[int, list[float]]:
    """Seconds until each slot is free; nobody sends while the key is frozen."""
    wait: Any = ExpressionWrapper(F("free_at") - Now(), output_field=DurationField())
    frozen: Any = ExpressionWrapper(F("budget__frozen_until") - Now(), output_field=DurationField())
    rows = RequestSlot.objects.filter(budget_id__in=list(budgets), lane__in=list(lanes))
    found: dict[int, list[float]] = defaultdict(list)
    for budget_id, free, thaw in rows.annotate(wait=wait, thaw=frozen).values_list("budget_id", "wait", "thaw"):
        found[budget_id].append(max(0.0, free.total_seconds(), thaw.total_seconds() if thaw else 0.0))
    return found


def _ahead(budgets: Collection[int], lane: Lane, replaced: set[tuple[int, str]]) -> dict[int, int]:
    """Calls that wait in this lane for the same keys: a station's wishes go in one, equal wishes of an account share
    one. Those that wait for a station to be free, or for their wave, are not before us."""
    waiting = CommandItem.objects.filter(
        state=ItemState.QUEUED,
        due_at__isnull=False,
        command__is_interactive=lane is Lane.PEOPLE,
        station__account__budget_id__in=list(budgets),
    ).exclude(error_code=items.IN_SESSION)
    wishes: dict[tuple[int, int, int, int], dict[str, str]] = defaultdict(dict)
    columns = ("station__account__budget_id", "station__account_id", "station__account__stations_per_call")
    for *account, pk, kind, wanted in waiting.order_by("pk").values_list(
        *columns, "station_id", "kind", "wanted_value"
    ):
        if (pk, kind) not in replaced:
            wishes[account[0], account[1], account[2], pk][kind] = wanted
    alike: dict[tuple[Any, ...], int] = defaultdict(int)
    for (budget_id, account_id, per_call, _pk), values in wishes.items():
        alike[budget_id, account_id, per_call, frozenset(values.items())] += 1
    found: dict[int, int] = defaultdict(int)
    for (budget_id, _account_id, per_call, _values), count in alike.items():
        found[budget_id] += -(-count // per_call)
    return found


def _rtts(budgets: Collection[int]) -> dict[int, float]:
    """Seconds, the median of the manage calls of late that were answered."""
    late = ApiCall.objects.filter(
        account__budget_id__in=list(budgets), endpoint="manage", outcome="ok", started_at__gt=Now() - RTT_FROM
    )
    rows = late.order_by().values_list("account__budget_id").annotate(median=Median("duration_ms"))
    return {budget_id: median / 1000 for budget_id, median in rows}
