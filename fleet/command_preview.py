"""The dry run in words that people read: what changes how often, at which sites, and each station with its signs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words
from fleet.command_plan import Change, Line, Outcome, Plan
from fleet.models import Station
from fleet.models.station import CommandKind
from fleet.plan_digest import Difference

SHORT = 12  # lines of a summary before the rest is only counted
Names = Mapping[str, str]

# What a person may want to look at; a line may be in several.
SECTIONS: dict[str, tuple[Promise, Callable[[Line], bool]]] = {
    "": (gettext_lazy("To be changed"), lambda line: line.is_affected),
    "one_way": (gettext_lazy("Cannot be undone"), lambda line: line.is_one_way),
    "held": (gettext_lazy("In session or blocked"), lambda line: line.facts.is_held and _is_asked(line)),
    "offline": (gettext_lazy("Unreachable"), lambda line: line.facts.is_offline and line.is_affected),
    "under_way": (gettext_lazy("Asked already"), lambda line: any(_gives_way(change) for change in line.sent)),
    "already": (gettext_lazy("Already right"), lambda line: line.outcome == Outcome.ALREADY),
    "gone": (gettext_lazy("Not in service"), lambda line: line.outcome == Outcome.DROPPED),
}
# What is said of a station whose treatment is not what was shown.
NOW = {
    Outcome.SEND: gettext_lazy("it is sent to now"),
    Outcome.WAIT: gettext_lazy("it is in session now, and sent to when it is free"),
    Outcome.LEFT_OUT: gettext_lazy("it is in session now, and left out"),
    Outcome.ALREADY: gettext_lazy("it is right already"),
    Outcome.DROPPED: gettext_lazy("it is not in service any more, and left out"),
}


@dataclass(frozen=True)
class Sign:
    """A short word at a station; `mark` is the key of its shape and colour."""

    mark: str
    words: str


@dataclass(frozen=True)
class Row:
    station: Station
    changes: Sequence[tuple[str, str, str, bool]]  # what, now, wanted, and whether it is so already
    signs: Sequence[Sign]


def sections(plan: Plan) -> dict[str, tuple[Line, ...]]:
    """The lines by section; the first one always, the others where they have any."""
    found = {key: tuple(line for line in plan.lines if holds(line)) for key, (_label, holds) in SECTIONS.items()}
    return {key: lines for key, lines in found.items() if lines or not key}


def changes(plan: Plan, names: Names) -> tuple[list[tuple[str, str, str, int]], int]:
    """What would change, as (what, now, wanted, stations), most first; and how many such lines are not told."""
    counted: Counter[tuple[str, str | None, str]] = Counter()
    for treatment, stations in plan.treatments.items():
        for change in treatment.sent:
            counted[change.kind, change.setting.now, change.wanted] += stations
    told = [
        (label(kind), command_words.value(kind, now, names), command_words.value(kind, wanted, names), n)
        for (kind, now, wanted), n in counted.most_common(SHORT)
    ]
    return told, max(0, len(counted) - SHORT)


def sites(plan: Plan, names: Mapping[int, str]) -> tuple[list[tuple[str, int]], int]:
    """Stations to be changed per site, most first; and at how many more sites. `names` of the sites by id."""
    counted = Counter(line.facts.site_id for line in plan.affected)
    told = [(names[pk], stations) for pk, stations in counted.most_common(SHORT)]
    return told, max(0, len(counted) - SHORT)


def fee_ids(plan: Plan) -> set[str]:
    """Those that the words name."""
    told = (change for found in plan.treatments for change in found.changes if change.kind == CommandKind.TARIFF)
    return {value for change in told for value in (change.setting.now, change.wanted) if value}


def rows(plan: Plan, lines: Iterable[Line], stations: Mapping[int, Station], names: Names) -> list[Row]:
    """What holds for all of the plan is said above them, and not at each."""
    is_told = not all(found.is_one_way for found in plan.treatments if found.is_affected)
    return [
        Row(stations[line.facts.station_id], _changes(line, names), list(_signs(line, names, is_told=is_told)))
        for line in lines
    ]


def label(kind: str) -> str:
    return str(dict(CommandKind.choices).get(kind, kind))


def difference(found: Difference, names: Names) -> str:
    """What is not as it was shown, at one station."""
    line = found.line
    if found.before != line.outcome:
        return f"{line.facts.name}: {NOW[line.outcome]}"
    said = [
        _("%(what)s is %(now)s now") % {"what": label(c.kind), "now": command_words.value(c.kind, c.setting.now, names)}
        + (f", {_gives_way_words(c, names)}" if _gives_way(c) else "")
        for c in line.changes
    ]
    return f"{line.facts.name}: {'; '.join(said)}"


def _is_asked(line: Line) -> bool:
    return line.outcome in (Outcome.SEND, Outcome.WAIT, Outcome.LEFT_OUT)


def _changes(line: Line, names: Names) -> list[tuple[str, str, str, bool]]:
    return [
        (
            label(change.kind),
            command_words.value(change.kind, change.setting.now, names),
            command_words.value(change.kind, change.wanted, names),
            change.is_equal,
        )
        for change in line.changes
    ]


def _signs(line: Line, names: Names, *, is_told: bool) -> Iterable[Sign]:
    facts = line.facts
    if line.outcome == Outcome.DROPPED:
        yield Sign("decommissioned", _("Not in service: left out"))
        return
    if line.outcome == Outcome.ALREADY:
        yield Sign("finished", _("Already right: left out"))
        return
    if facts.is_held:
        yield Sign("blocked" if facts.is_blocked else "charging", _held_words(line))
    if facts.is_offline:
        yield Sign("offline", _("Unreachable: it is tried all the same"))
    for change in line.sent:
        if change.setting.seen_otherwise:
            yield Sign("contradicted", _("Reported, but seen otherwise"))
        if _gives_way(change):
            yield Sign("queued", _gives_way_words(change, names))
    if line.is_one_way and is_told:
        yield Sign("unseen", _("Cannot be undone: the value before is not known"))


def _held_words(line: Line) -> str:
    what = _("Blocked by a start without an answer") if line.facts.is_blocked else _("In session")
    then = {
        Outcome.WAIT: _("sent when it is free"),
        Outcome.LEFT_OUT: _("left out"),
    }.get(line.outcome, _("sent all the same"))
    return f"{what}: {then}"


def _gives_way(change: Change) -> bool:
    return change.setting.under_way is not None


def _gives_way_words(change: Change, names: Names) -> str:
    words = {
        "what": command_words.value(change.kind, change.setting.under_way, names),
        "who": change.setting.by or _("somebody"),
    }
    if change.setting.has_left:
        return _("comes after %(what)s, which %(who)s has sent") % words
    return _("replaces %(what)s, which %(who)s asked and which waits") % words
