"""Schedules as their pages and their file show them: what, when, next, by whom, and what may be said to whom."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words, schedule_times
from fleet.models import CommandSchedule, ScheduledRun
from people.actor import Actor
from people.models import Membership
from people.roles import Permission, Role, allows

GONE = gettext_lazy("no longer in this organisation")
MAY_NOT = gettext_lazy("not allowed to command stations any more")
FEWER = gettext_lazy("limited to other sites now")
HIDDEN = gettext_lazy("Some stations were left out; who sees all of its stations sees which.")
COLUMNS = (
    "schedule", "name", "asks", "when", "time_zone", "stations", "next_utc", "open_until_utc", "afterwards", "made_by",
    "made_utc", "cancelled_utc",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`standing` says what has become of the maker's right, empty where they have it. `ends_at`: of an open window."""

    schedule: CommandSchedule
    said: list[tuple[str, str]]
    back: list[tuple[str, str]] | None
    words: str
    stations: int
    ends_at: datetime | None
    standing: str

    @property
    def is_over(self) -> bool:
        return self.schedule.next_at is None and self.ends_at is None

    @property
    def state(self) -> str:
        if self.ends_at is not None:
            return "active"
        if self.schedule.next_at is not None:
            return "planned"
        return "cancelled" if self.schedule.cancelled_at else "completed"

    @property
    def state_words(self) -> str:
        words = {"active": _("In its window"), "planned": _("To come"), "cancelled": _("Cancelled")}
        return words.get(self.state, _("Over"))


@dataclass(frozen=True)
class RunRow:
    """A time of a schedule. Reasons name stations, so they are only for who sees all of the schedule's."""

    run: ScheduledRun
    reason: str
    return_reason: str


def found(actor: Actor) -> "QuerySet[CommandSchedule]":
    """Those the actor sees, with the number of its stations that the actor sees and the end of an open window."""
    mine = Q() if actor.site_ids is None else Q(stations__site_id__in=sorted(actor.site_ids))
    pending = ScheduledRun.objects.filter(schedule=OuterRef("pk"), returns_at__isnull=False).order_by("returns_at")
    return CommandSchedule.objects.visible_to(actor).annotate(
        seen_stations=Count("stations", filter=mine, distinct=True),
        ends_at=Subquery(pending.values("returns_at")[:1]),
    )


def rows(actor: Actor, schedules: Sequence[CommandSchedule]) -> list[Row]:
    """What is shown of these, from `found`. Three queries."""
    asked = [values for row in schedules for values in (row.values, row.back_values or {})]
    names = command_words.tariff_names(actor, command_words.fee_ids(asked))
    standing = _standing(actor, schedules)
    return [
        Row(
            schedule=row,
            said=command_words.said(row.values, names),
            back=None if row.back_values is None else command_words.said(row.back_values, names),
            words=schedule_times.words(schedule_times.of(row)),
            stations=row.seen_stations,  # type: ignore[attr-defined]
            ends_at=row.ends_at,  # type: ignore[attr-defined]
            standing=standing[row.pk],
        )
        for row in schedules
    ]


def run_rows(actor: Actor, runs: Iterable[ScheduledRun]) -> list[RunRow]:
    """Without the reasons that name stations which the actor may not see. At most one query."""
    shown = list(runs)
    hidden = partial(actor, {run.schedule_id for run in shown})
    return [
        RunRow(run, *(_reason(words, is_hidden=run.schedule_id in hidden) for words in (run.reason, run.return_reason)))
        for run in shown
    ]


def partial(actor: Actor, schedule_ids: Iterable[int]) -> set[int]:
    """Those of which the actor sees only some of the stations."""
    if actor.site_ids is None:
        return set()
    through = CommandSchedule.stations.through.objects.filter(commandschedule__in=set(schedule_ids))
    beyond = through.exclude(station__site_id__in=sorted(actor.site_ids))
    return set(beyond.values_list("commandschedule_id", flat=True))


def lines(actor: Actor) -> Iterator[Sequence[str]]:
    """The file: all of them, the newest first."""
    yield COLUMNS
    for row in rows(actor, list(found(actor).order_by("-pk"))):
        schedule = row.schedule
        afterwards = "" if schedule.until_time is None else _("as before") if row.back is None else _plain(row.back)
        moments = (schedule.next_at, row.ends_at, schedule.created_at, schedule.cancelled_at)
        next_at, ends_at, created_at, cancelled_at = (
            "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in moments
        )
        yield (
            str(schedule.public_id), schedule.name, _plain(row.said), row.words, schedule.timezone, str(row.stations),
            next_at, ends_at, afterwards, schedule.requested_by_label, created_at, cancelled_at,
        )  # fmt: skip


def _plain(said: list[tuple[str, str]]) -> str:
    return "; ".join(f"{label}: {value}" for label, value in said)


def _reason(words: str, *, is_hidden: bool) -> str:
    return str(HIDDEN) if is_hidden and _("Left out: %(what)s.").split("%", 1)[0] in words else words


def _standing(actor: Actor, schedules: Sequence[CommandSchedule]) -> dict[int, str]:
    """By schedule what has become of its maker's right to command its stations; empty where they have it."""
    users = {row.requested_by_id for row in schedules}
    members = Membership.objects.filter(organisation_id=actor.organisation_id, user__in=users, user__is_active=True)
    known: dict[int | None, Membership] = {row.user_id: row for row in members}
    limited = [row.pk for row in schedules if (maker := known.get(row.requested_by_id)) and maker.site_ids is not None]
    places = CommandSchedule.stations.through.objects.filter(commandschedule__in=limited)
    sites: dict[int, set[int]] = {}
    for pk, site_id in places.values_list("commandschedule_id", "station__site_id").distinct():
        sites.setdefault(pk, set()).add(site_id)
    return {row.pk: _said_of(known.get(row.requested_by_id), sites.get(row.pk, set())) for row in schedules}


def _said_of(maker: Membership | None, site_ids: set[int]) -> str:
    if maker is None:
        return str(GONE)
    if not allows(Role(maker.role), Permission.COMMAND_STATIONS):
        return str(MAY_NOT)
    return "" if maker.site_ids is None or site_ids <= set(maker.site_ids) else str(FEWER)
