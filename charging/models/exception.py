"""An exception the vendor reported, by webhook or list: opened, and cleared by its own word."""

from typing import ClassVar

from django.db import models

from charging.models.session import Session
from fleet.models import Account, Connector, Site, Station
from fleet.models.scope import owned
from people.actor import Actor
from people.models import Organisation


class StationExceptionQuerySet(models.QuerySet["StationException"]):
    def visible_to(self, actor: Actor) -> "StationExceptionQuerySet":
        """Of a station we do not know: for people who see every site."""
        mine = self.filter(owned(actor))
        return mine if actor.site_ids is None else mine.filter(site_id__in=sorted(actor.site_ids))


class StationException(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="exceptions")
    account = models.ForeignKey(Account, models.CASCADE, related_name="exceptions")
    vendor_exception_id = models.CharField(max_length=120)
    vendor_station_id = models.CharField(max_length=100, blank=True)
    site = models.ForeignKey(Site, models.SET_NULL, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.SET_NULL, null=True, blank=True, related_name="exceptions")
    connector = models.ForeignKey(Connector, models.SET_NULL, null=True, blank=True, related_name="exceptions")
    session = models.ForeignKey(Session, models.SET_NULL, null=True, blank=True, related_name="exceptions")
    type = models.CharField(max_length=60)  # an open list; the vendor's word
    severity = models.CharField(max_length=20, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    message = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)  # theirs
    received_at = models.DateTimeField()  # ours
    cleared_at = models.DateTimeField(null=True, blank=True)  # theirs
    document = models.TextField()  # JSON, verbatim, as last seen

    objects: ClassVar[StationExceptionQuerySet] = StationExceptionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "vendor_exception_id"], name="exception_once"),)
        indexes = (
            models.Index(fields=["organisation", "-received_at", "-id"], name="exception_latest"),
            models.Index(
                fields=["organisation", "-received_at"], name="exception_open", condition=models.Q(cleared_at=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.vendor_station_id}"
