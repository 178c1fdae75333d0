"""A command for later: once on a date or on weekdays, at a clock time of one zone; and what came of each time."""

import uuid
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.command import Command, InSession
from fleet.models.scope import owned
from fleet.models.station import Station
from people.actor import Actor
from people.models import Organisation


class CommandScheduleQuerySet(models.QuerySet["CommandSchedule"]):
    def visible_to(self, actor: Actor) -> "CommandScheduleQuerySet":
        """A schedule is seen by who sees at least one of its stations."""
        mine = self.filter(owned(actor))
        if actor.site_ids is None:
            return mine
        seen = CommandSchedule.stations.through.objects.filter(
            commandschedule=models.OuterRef("pk"), station__site_id__in=sorted(actor.site_ids)
        )
        return mine.filter(models.Exists(seen))


class CommandSchedule(models.Model):
    """`on_date` for once, `weekdays` (ISO, 1 is Monday) for a repeating one; exactly one of the two is set.

    With `until_time` it is a window: `until_days` local days after each beginning a second command ends it, with
    `back_values`, or where these are null with the values from before.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="command_schedules")
    stations = models.ManyToManyField(Station, related_name="command_schedules")
    name = models.CharField(_("name"), max_length=120, blank=True)
    values = models.JSONField()
    back_values = models.JSONField(null=True, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64)
    on_date = models.DateField(_("date"), null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    at_time = models.TimeField(_("time"))
    until_time = models.TimeField(_("until"), null=True, blank=True)
    until_days = models.PositiveSmallIntegerField(default=0)
    patience_minutes = models.PositiveIntegerField(_("send within, minutes"), default=60)
    in_session = models.CharField(max_length=7, choices=InSession.choices, default=InSession.WAIT)
    is_canary = models.BooleanField(default=False)
    brake_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    requested_by_label = models.CharField(max_length=160)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)  # business time of the next beginning; None: no more

    objects: ClassVar[CommandScheduleQuerySet] = CommandScheduleQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("next_at", "id")
        constraints = (
            models.CheckConstraint(
                name="schedule_once_or_weekly",
                condition=models.Q(on_date__isnull=False, weekdays=[])
                | (models.Q(on_date=None) & ~models.Q(weekdays=[])),
            ),
            models.CheckConstraint(
                name="cancelled_schedule_is_over", condition=models.Q(cancelled_at=None) | models.Q(next_at=None)
            ),
            models.CheckConstraint(name="schedule_guard_known", condition=models.Q(in_session__in=InSession.values)),
        )
        indexes = (
            models.Index(fields=["next_at"], name="schedule_due", condition=models.Q(next_at__isnull=False)),
            models.Index(fields=["organisation", "next_at", "id"], name="schedule_list"),
        )

    def __str__(self) -> str:
        return self.name or f"{self.at_time:%H:%M} {self.timezone}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class ScheduledRun(models.Model):
    """One time of a schedule, written once however many workers look."""

    class Outcome(models.TextChoices):
        FIRED = "fired", _("Sent")
        MISSED = "missed", _("Missed")  # nothing was running at its time, and the deadline passed
        LEFT = "left", _("Left as it is")  # missed, and a person has said that it may stay so

    schedule = models.ForeignKey(CommandSchedule, models.CASCADE, related_name="runs")
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=6, choices=Outcome.choices)
    reason = models.CharField(max_length=300, blank=True)
    command = models.OneToOneField(Command, models.SET_NULL, null=True, blank=True, related_name="run")
    returns_at = models.DateTimeField(
        null=True, blank=True
    )  # business time of the window's end; None: none, or settled
    return_outcome = models.CharField(max_length=6, choices=Outcome.choices, blank=True)
    return_reason = models.CharField(max_length=300, blank=True)
    return_command = models.OneToOneField(Command, models.SET_NULL, null=True, blank=True, related_name="return_run")

    class Meta:
        ordering = ("-due_at", "-id")
        constraints = (models.UniqueConstraint(fields=["schedule", "due_at"], name="scheduled_run_once"),)
        indexes = (
            models.Index(fields=["returns_at"], name="run_returns", condition=models.Q(returns_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M} {self.outcome}"
