"""A stop rule: when a session shall be stopped by itself. It stands at one session, or as the default of a station or a
site; a start takes a copy of the defaults, so that a later change of them does not touch sessions that run. A station
may also say that its site's default of a kind does not hold there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from charging.models.session import Session
from fleet.models import Site, Station


class RuleKind(models.TextChoices):
    ENERGY = "energy", _("At an energy")  # amount: kWh
    MONEY = "money", _("At a cost")  # amount: money in the session's currency
    MINUTES = "minutes", _("After a time")  # amount: minutes since energy began
    CLOCK = "clock", _("At a clock time")  # at_time: in the site's zone
    LOW_POWER = "low_power", _("At low power")  # amount: kW; for_minutes below it
    IDLE = "idle", _("When idle")  # for_minutes without energy


K = RuleKind
WITH_AMOUNT = (K.ENERGY, K.MONEY, K.MINUTES, K.LOW_POWER)
WITH_MINUTES = (K.LOW_POWER, K.IDLE)


class StopRule(models.Model):
    session = models.ForeignKey(Session, models.CASCADE, null=True, blank=True, related_name="stop_rules")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="stop_rules")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="stop_rules")
    kind = models.CharField(max_length=10, choices=RuleKind.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    for_minutes = models.PositiveIntegerField(null=True, blank=True)
    at_time = models.TimeField(null=True, blank=True)
    is_none = models.BooleanField(default=False)  # of a station only: no rule of this kind, whatever its site says
    created_at = models.DateTimeField()
    created_by_label = models.CharField(max_length=160, blank=True)
    # Of a session's rule only; business time. Suspected: the estimate says so, a reading is asked for.
    suspected_at = models.DateTimeField(null=True, blank=True)
    fired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                name="stop_rule_has_one_owner",
                condition=models.Q(session__isnull=False, station=None, site=None)
                | models.Q(session=None, station__isnull=False, site=None)
                | models.Q(session=None, station=None, site__isnull=False),
            ),
            models.CheckConstraint(name="stop_rule_kind_known", condition=models.Q(kind__in=RuleKind.values)),
            models.CheckConstraint(
                name="stop_rule_amount",
                condition=models.Q(kind__in=WITH_AMOUNT, is_none=False, amount__isnull=False, amount__gt=0)
                | ((~models.Q(kind__in=WITH_AMOUNT) | models.Q(is_none=True)) & models.Q(amount=None)),
            ),
            models.CheckConstraint(
                name="stop_rule_minutes",
                condition=models.Q(kind__in=WITH_MINUTES, is_none=False, for_minutes__isnull=False, for_minutes__gt=0)
                | ((~models.Q(kind__in=WITH_MINUTES) | models.Q(is_none=True)) & models.Q(for_minutes=None)),
            ),
            models.CheckConstraint(
                name="stop_rule_time",
                condition=models.Q(kind=K.CLOCK, is_none=False, at_time__isnull=False)
                | ((~models.Q(kind=K.CLOCK) | models.Q(is_none=True)) & models.Q(at_time=None)),
            ),
            models.CheckConstraint(
                name="stop_rule_none_at_a_station", condition=models.Q(is_none=False) | models.Q(station__isnull=False)
            ),
            models.UniqueConstraint(fields=["session", "kind"], name="stop_rule_once_a_session"),
            models.UniqueConstraint(fields=["station", "kind"], name="stop_rule_once_a_station"),
            models.UniqueConstraint(fields=["site", "kind"], name="stop_rule_once_a_site"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.amount or self.at_time or self.for_minutes}"
