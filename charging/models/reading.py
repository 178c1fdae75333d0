"""A reading: what one answer of the vendor said of a session. An unchanged document extends the last one."""

from django.db import models

from charging.models.session import Session


class Reading(models.Model):
    session = models.ForeignKey(Session, models.CASCADE, related_name="readings")
    measured_at = models.DateTimeField(null=True, blank=True)  # theirs; None: they did not say
    received_at = models.DateTimeField()  # ours, business time, of the first answer with this document
    confirmed_at = models.DateTimeField()  # ours, of the latest answer with this document
    status = models.CharField(max_length=40, blank=True)  # the vendor's word
    energy_kwh = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    power_kw = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    duration_s = models.PositiveIntegerField(null=True, blank=True)
    # What we would have shown at received_at without this answer; the difference is the estimate's error.
    estimated_energy_kwh = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    estimated_cost = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    estimate_age_s = models.PositiveIntegerField(null=True, blank=True)  # business seconds since the reading before
    document_sha256 = models.CharField(max_length=64)
    document = models.TextField()  # JSON, verbatim

    class Meta:
        ordering = ("received_at", "id")
        indexes = (
            models.Index(fields=["session", "received_at", "id"], name="reading_of_session"),
            models.Index(fields=["received_at"], name="reading_by_age"),  # pruning
            models.Index(
                fields=["received_at"], name="reading_estimated", condition=models.Q(estimated_energy_kwh__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.energy_kwh} kWh at {self.received_at:%H:%M:%S}"
