"""What the vendor said that we did not expect: stations we do not know, keys and values outside the contract."""

from typing import ClassVar

from django.db import models

from fleet.models.account import Account
from people.actor import Actor


class NoticeQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def visible_to(self, actor: Actor) -> "NoticeQuerySet":
        return self.filter(account__organisation_id=actor.organisation_id)


class UnknownStation(models.Model):
    """A station id seen in reporting or exceptions that is not ours yet: offered for adoption."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="unknown_stations")
    vendor_id = models.CharField(max_length=100)
    seen_in = models.CharField(max_length=40)  # "reporting", "exceptions", "history"
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[NoticeQuerySet] = NoticeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "vendor_id"], name="unknown_station_once"),)

    def __str__(self) -> str:
        return self.vendor_id


class DriftNotice(models.Model):
    """The first sample of a key or value that the contract does not know."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="drift")
    document = models.CharField(max_length=40)  # "session", "job", "exception", "report"
    path = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)  # unknown_key, unknown_value, bad_value, missing
    sample = models.CharField(max_length=500)
    times = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()  # wall time, as the next
    last_seen_at = models.DateTimeField()

    objects: ClassVar[NoticeQuerySet] = NoticeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "document", "path", "kind"], name="drift_once"),)

    def __str__(self) -> str:
        return f"{self.document} {self.path}: {self.kind}"
