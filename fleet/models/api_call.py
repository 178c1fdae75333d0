"""The log of every call to the vendor: which lane, why, how long it waited, what came of it."""

from typing import ClassVar

from django.db import models

from fleet.models.account import Account
from people.actor import Actor


class ApiCallQuerySet(models.QuerySet["ApiCall"]):
    def visible_to(self, actor: Actor) -> "ApiCallQuerySet":
        return self.filter(account__organisation_id=actor.organisation_id)


class ApiCall(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="calls")
    lane = models.CharField(max_length=8)  # fleet.gateway.Lane
    why = models.CharField(max_length=200)  # "start session 4711"
    endpoint = models.CharField(max_length=60)
    started_at = models.DateTimeField()  # wall time
    waited_ms = models.PositiveIntegerField()  # for a slot
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # HTTP; None where no answer came
    outcome = models.CharField(max_length=20)  # ok, not_sent, rejected, unknown, rate_limited, unexpected
    message = models.CharField(max_length=500, blank=True)

    objects: ClassVar[ApiCallQuerySet] = ApiCallQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (
            models.Index(fields=["account", "-started_at"], name="call_latest"),
            models.Index(fields=["account", "why", "-started_at"], name="call_of_session"),
        )

    def __str__(self) -> str:
        return f"{self.endpoint} {self.status or self.outcome}: {self.why}"
