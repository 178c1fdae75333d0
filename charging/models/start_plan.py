"""A scheduled start: once on a date, or on weekdays, at a clock time of the site's zone; and what came of each time."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from charging.models.session import Session
from fleet.models import Connector, Site, Station
from fleet.models.scope import at_sites
from people.actor import Actor
from people.models import Organisation

SHORT_WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


class StartPlanQuerySet(models.QuerySet["StartPlan"]):
    def visible_to(self, actor: Actor) -> "StartPlanQuerySet":
        return self.filter(at_sites(actor))


class StartPlan(models.Model):
    """`on_date` for once, `weekdays` (ISO, 1 is Monday) for a repeating one; exactly one of the two is set."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="start_plans")
    site = models.ForeignKey(Site, models.PROTECT, related_name="start_plans")
    station = models.ForeignKey(Station, models.CASCADE, related_name="start_plans")
    connector = models.ForeignKey(Connector, models.CASCADE, null=True, blank=True, related_name="start_plans")
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    on_date = models.DateField(_("date"), null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    at_time = models.TimeField(_("time"))
    patience_minutes = models.PositiveIntegerField(_("try for, minutes"), default=30)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    requested_by_label = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)  # business time of the next start; None: no more

    objects: ClassVar[StartPlanQuerySet] = StartPlanQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("next_at", "id")
        constraints = (
            models.CheckConstraint(
                name="start_plan_once_or_weekly",
                condition=models.Q(on_date__isnull=False, weekdays=[])
                | (models.Q(on_date=None) & ~models.Q(weekdays=[])),
            ),
            models.CheckConstraint(
                name="cancelled_plan_is_over", condition=models.Q(cancelled_at=None) | models.Q(next_at=None)
            ),
        )
        indexes = (
            models.Index(fields=["next_at"], name="start_plan_due", condition=models.Q(next_at__isnull=False)),
            models.Index(fields=["organisation", "next_at", "id"], name="start_plan_list"),
        )

    def __str__(self) -> str:
        return f"{self.at_time:%H:%M} at {self.station_id}"

    @property
    def words(self) -> str:
        """When, for people: `once at 23:00`, `Mon, Tue at 23:00`, `every day at 23:00`."""
        if self.on_date is not None:
            return str(_("once at %(time)s") % {"time": f"{self.at_time:%H:%M}"})
        names = [str(SHORT_WEEKDAYS[day - 1]) for day in self.weekdays]
        days = _("every day") if len(names) == len(SHORT_WEEKDAYS) else ", ".join(names)
        return str(_("%(days)s at %(time)s") % {"days": days, "time": f"{self.at_time:%H:%M}"})


class PlannedStart(models.Model):
    """One time of a plan, written once however many workers look: started, or why not."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("Waiting")  # the station is taken or closed; tried again until the patience ends
        STARTED = "started", _("Started")
        MISSED = "missed", _("Missed")

    plan = models.ForeignKey(StartPlan, models.CASCADE, related_name="starts")
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    session = models.ForeignKey(Session, models.SET_NULL, null=True, blank=True, related_name="planned_starts")
    try_at = models.DateTimeField(null=True, blank=True)  # wall time of the next try
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-due_at", "-id")
        constraints = (models.UniqueConstraint(fields=["plan", "due_at"], name="planned_start_once"),)
        indexes = (models.Index(fields=["try_at"], name="planned_start_due", condition=models.Q(try_at__isnull=False)),)

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M} {self.outcome}"
