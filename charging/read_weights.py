"""How much a session's next reading is worth, as a pure decision over plain facts. docs/algorithms/freshness.md

Which session is read next lives in charging/read_queue.py, where the facts come from in charging/freshness.py.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from charging.models.session import State

LOOKING = 10.0  # somebody has its page open, or a board that shows it
NEAR = 5.0  # a rule, a price boundary, a start limit or the end is near
MOST = 100.0  # facts that multiply beyond this say no more
HURRIES_AT_MOST = 10.0  # with requests to spare a session is read at most so many times as often as a calm one
FAST_KW = Decimal(22)  # above what a car takes from an AC charger
NOTICEABLE = Decimal("0.2")  # a fifth more or less power than in the reading before

# Why a session is read next: the code of the largest part of its weight, or what puts it before all weights.
WHY: dict[str, str | Promise] = {
    "hurry": _("something just happened to it"),
    "failed": _("it could not be read; it is tried again"),
    "first": _("it was never read"),
    "cap": _("its reading is too old"),
    "watched": _("somebody is looking at it"),
    "rule": _("a stop rule is near"),
    "boundary": _("its price changes soon"),
    "limit": _("its start limit is near"),
    "end": _("its end is near"),
    "changing": _("its power has just changed"),
    "fast": _("it charges fast"),
    "starting": _("it is about to begin"),
    "idle": _("no energy flows, so others come first"),
    "": _("it is its turn by age"),
}
# How fast it changes: by state, for what flows, and by what the last two readings showed.
OF_STATE = {
    State.PENDING: (2.0, "starting"),
    State.SUSPENDED: (0.5, "idle"),
    State.STOPPED: (0.5, "idle"),
}
CALM = (1.0, "")
LEAST = min(factor for factor, _why in OF_STATE.values())


@dataclass(frozen=True)
class Facts:
    """Of one session at one moment; what is near was judged by its own module."""

    state: str
    power_kw: Decimal | None = None
    changing: bool = False  # its power, by more than NOTICEABLE, between the last two readings
    rule_near: bool = False
    boundary_near: bool = False
    limit_near: bool = False
    ending: bool = False  # a stop is asked for, or under way
    watched: bool = False


@dataclass(frozen=True)
class Weight:
    """`why` is a key of WHY: the largest part; the smallest where none is above 1."""

    value: float
    why: str


def weight(facts: Facts) -> Weight:
    """(somebody is looking) x (how fast it changes) x (something is near)."""
    parts = [part for part in (_looking(facts), _change(facts), _near(facts)) if part != CALM]
    value = 1.0
    for factor, _why in parts:
        value *= factor
    leading = max(parts, default=CALM, key=lambda part: part[0])
    return Weight(min(value, MOST), leading[1])


def unwatched(facts: Facts) -> Weight:
    """As it rests in the row: the part of who is looking runs out by itself, and is multiplied in by the database."""
    return weight(replace(facts, watched=False))


def is_noticeable(before_kw: Decimal | None, after_kw: Decimal | None) -> bool:
    """Whether power changed so much that estimates carried on from the earlier reading were visibly wrong."""
    if before_kw is None or after_kw is None:
        return False
    return abs(after_kw - before_kw) > NOTICEABLE * max(before_kw, after_kw)


def floor_s(value: float, every_s: float) -> float:
    """With requests to spare: wall seconds after which a session of this weight may be read again."""
    return every_s / min(max(value, 1.0), HURRIES_AT_MOST)


def _looking(facts: Facts) -> tuple[float, str]:
    return (LOOKING, "watched") if facts.watched else CALM


def _change(facts: Facts) -> tuple[float, str]:
    if facts.changing:
        return 3.0, "changing"
    if facts.state == State.CHARGING and facts.power_kw is not None and facts.power_kw > FAST_KW:
        return 2.0, "fast"
    return OF_STATE.get(State(facts.state), CALM)


def _near(facts: Facts) -> tuple[float, str]:
    near = {
        "rule": facts.rule_near,
        "boundary": facts.boundary_near,
        "limit": facts.limit_near,
        "end": facts.ending or facts.state == State.STOPPING,
    }
    return next(((NEAR, why) for why, is_so in near.items() if is_so), CALM)
