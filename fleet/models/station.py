"""A charging station, its connectors, and the settings we asked of it.

The vendor never reports a station's state: what a connector is doing is derived, see fleet/connector_state.py.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.account import Account
from fleet.models.scope import at_sites
from fleet.models.site import Site
from fleet.models.tariff import Tariff
from people.actor import Actor
from people.models import Organisation


class Lifecycle(models.TextChoices):
    PLANNED = "planned", _("Planned")
    ACTIVE = "active", _("Active")
    DECOMMISSIONED = "decommissioned", _("Decommissioned")


class Level(models.IntegerChoices):
    LEVEL_2 = 2, _("Level 2 (AC)")
    LEVEL_3 = 3, _("Level 3 (DC)")


class StationQuerySet(models.QuerySet["Station"]):
    def visible_to(self, actor: Actor) -> "StationQuerySet":
        return self.filter(at_sites(actor))


class Station(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="stations")
    account = models.ForeignKey(Account, models.PROTECT, related_name="stations")
    site = models.ForeignKey(Site, models.PROTECT, related_name="stations")
    vendor_id = models.CharField(_("station id"), max_length=100, help_text=_("The portal's Station column"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    level = models.PositiveSmallIntegerField(_("level"), choices=Level.choices, default=Level.LEVEL_2)
    rated_kw = models.DecimalField(_("rated power, kW"), max_digits=7, decimal_places=2, null=True, blank=True)
    lifecycle = models.CharField(_("state"), max_length=14, choices=Lifecycle.choices, default=Lifecycle.ACTIVE)
    start_limit_s = models.PositiveIntegerField(_("start limit, s"), default=300)  # contract: typically 1 to 5 min
    tariff = models.ForeignKey(Tariff, models.SET_NULL, null=True, blank=True, related_name="stations")
    offline_since = models.DateTimeField(null=True, blank=True)  # business time; an open exception says so
    fault_code = models.CharField(max_length=100, blank=True)  # of the whole station
    fault_since = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)  # last sign of life: an answer about it, a webhook
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[StationQuerySet] = StationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("vendor_id", "id")
        constraints = (
            models.UniqueConstraint(fields=["account", "vendor_id"], name="station_once_an_account"),
            models.CheckConstraint(name="station_lifecycle_known", condition=models.Q(lifecycle__in=Lifecycle.values)),
            models.CheckConstraint(name="station_level_known", condition=models.Q(level__in=Level.values)),
            models.CheckConstraint(
                name="station_start_limit", condition=models.Q(start_limit_s__gte=60, start_limit_s__lte=300)
            ),
        )
        indexes = (models.Index(fields=["organisation", "vendor_id", "id"], name="station_by_id"),)

    def __str__(self) -> str:
        return f"{self.vendor_id} {self.name}".strip()


class ConnectorQuerySet(models.QuerySet["Connector"]):
    def visible_to(self, actor: Actor) -> "ConnectorQuerySet":
        mine = models.Q(station__organisation_id=actor.organisation_id)
        if actor.site_ids is not None:
            mine &= models.Q(station__site_id__in=sorted(actor.site_ids))
        return self.filter(mine)


class Connector(models.Model):
    """A socket or cable, numbered from 1. Charging reports what happens at it; times are business time."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="connectors")
    number = models.PositiveSmallIntegerField()
    session_state = models.CharField(max_length=12, blank=True)  # of the session that holds it, else empty
    busy_since = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True)  # an unknown start may still hold it
    fault_code = models.CharField(max_length=100, blank=True)
    fault_since = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ConnectorQuerySet] = ConnectorQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("station_id", "number")
        constraints = (
            models.UniqueConstraint(fields=["station", "number"], name="connector_once"),
            models.CheckConstraint(name="connector_from_one", condition=models.Q(number__gte=1)),
        )

    def __str__(self) -> str:
        return f"{self.station.vendor_id} · {self.number}"


class CommandKind(models.TextChoices):
    """The commands the contract names; the values are its words."""

    TARIFF = "tariffId", _("Tariff")
    PRIORITY_STATUS = "priorityStatus", _("Availability")
    MESSAGE = "setMessage", _("Message")


class StationSetting(models.Model):
    """Per station and command: the last value we wanted and the last that a job finished with, ours or the portal's."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="settings")
    kind = models.CharField(max_length=14, choices=CommandKind.choices)
    wanted_value = models.TextField(blank=True)
    wanted_at = models.DateTimeField(null=True, blank=True)
    finished_value = models.TextField(null=True, blank=True)  # noqa: DJ001  None: never; an empty text clears a message
    finished_at = models.DateTimeField(null=True, blank=True)
    finished_by = models.CharField(max_length=10, blank=True)  # "us" or "portal"
    seen_otherwise = models.BooleanField(default=False)  # the outside contradicts that value (fleet/observations.py)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["station", "kind"], name="setting_once"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.station_id}"
