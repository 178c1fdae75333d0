"""One attempt at `POST stations/manage`, with what was sent and what came back."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from fleet.models.account import Account
from fleet.models.message import HookToken


class ManageCall(models.Model):
    """Written before the call is made; it has its own webhook URL."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="manage_calls")
    token = models.OneToOneField(HookToken, models.PROTECT, related_name="manage_call")
    station_ids = ArrayField(models.BigIntegerField())
    values = models.JSONField()
    attempted_at = models.DateTimeField()  # wall time
    answered_at = models.DateTimeField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)  # the reply to the call, verbatim
    job_id = models.CharField(max_length=120, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    job = models.JSONField(null=True, blank=True)  # the vendor's job as last seen, verbatim

    class Meta:
        indexes = (
            models.Index(fields=["account", "attempted_at"], name="call_open", condition=models.Q(settled_at=None)),
            models.Index(fields=["account", "job_id"], name="call_by_job"),
        )

    def __str__(self) -> str:
        return self.job_id or f"manage call {self.pk}"
