"""Sums of the past: the day rollup of sessions, and the vendor's own totals beside it."""

from typing import ClassVar

from django.db import models

from fleet.models import Account, Site
from fleet.models.scope import at_sites
from people.actor import Actor
from people.models import Organisation


class DayRollupQuerySet(models.QuerySet["DayRollup"]):
    def visible_to(self, actor: Actor) -> "DayRollupQuerySet":
        return self.filter(at_sites(actor))


class DayRollup(models.Model):
    """Completed, final sessions of one site, one local day (of completion) and one currency."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, models.CASCADE, related_name="rollups")
    day_date = models.DateField()
    currency = models.CharField(max_length=3)
    sessions = models.PositiveIntegerField()
    energy_kwh = models.DecimalField(max_digits=16, decimal_places=3)
    revenue = models.DecimalField(max_digits=18, decimal_places=4)
    uncosted = models.PositiveIntegerField()  # sessions whose cost the vendor has not said
    connected_s = models.BigIntegerField()

    objects: ClassVar[DayRollupQuerySet] = DayRollupQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["site", "day_date", "currency"], name="rollup_once"),)
        indexes = (models.Index(fields=["organisation", "day_date"], name="rollup_period"),)

    def __str__(self) -> str:
        return f"{self.site_id} {self.day_date}"


class FillMark(models.Model):
    """How far a site's rollup has read the sessions' changes, and by which zone its days were cut."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="fill_mark")
    filled_to_xid = models.BigIntegerField(default=0)
    timezone = models.CharField(max_length=64, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.site_id} to {self.filled_to_xid}"


class VendorTotalQuerySet(models.QuerySet["VendorTotal"]):
    def visible_to(self, actor: Actor) -> "VendorTotalQuerySet":
        return self.filter(at_sites(actor))


class VendorTotal(models.Model):
    """What the vendor's reporting says of one station and local day; it also counts sessions that we did not start."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, models.CASCADE, related_name="vendor_totals", null=True)
    vendor_station_id = models.CharField(max_length=100)
    day_date = models.DateField()
    currency = models.CharField(max_length=3, blank=True)
    sessions = models.PositiveIntegerField(null=True)
    energy_kwh = models.DecimalField(max_digits=16, decimal_places=3, null=True)
    revenue = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    fetched_at = models.DateTimeField()

    objects: ClassVar[VendorTotalQuerySet] = VendorTotalQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "vendor_station_id", "day_date"], name="vendor_total_once"),
        )
        indexes = (models.Index(fields=["organisation", "day_date"], name="vendor_total_period"),)

    def __str__(self) -> str:
        return f"{self.vendor_station_id} {self.day_date}"
