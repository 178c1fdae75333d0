"""A correction: the vendor's figures of a session changed after they were final. The final ones stand until a person
decides; both sets are kept for ever (OCPI: a charge record is never edited)."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from charging.models.reading import Reading
from charging.models.session import Session
from people.actor import Actor


class CorrectionDecision(models.TextChoices):
    OPEN = "", _("To decide")
    ACCEPTED = "accepted", _("Accepted")
    KEPT = "kept", _("Not accepted")


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def visible_to(self, actor: Actor) -> "CorrectionQuerySet":
        return self.filter(session__in=Session.objects.visible_to(actor))

    def open(self) -> "CorrectionQuerySet":
        return self.filter(decision=CorrectionDecision.OPEN)


class Correction(models.Model):
    session = models.ForeignKey(Session, models.CASCADE, related_name="corrections")
    reading = models.OneToOneField(Reading, models.SET_NULL, null=True, blank=True, related_name="correction")
    recorded_at = models.DateTimeField()
    energy_kwh_before = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    energy_kwh_after = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    cost_before = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    cost_after = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    duration_s_before = models.PositiveIntegerField(null=True)
    duration_s_after = models.PositiveIntegerField(null=True)
    decision = models.CharField(max_length=8, choices=CorrectionDecision.choices, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_label = models.CharField(max_length=160, blank=True)  # empty: a newer answer took its place

    objects: ClassVar[CorrectionQuerySet] = CorrectionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("recorded_at", "id")
        indexes = (models.Index(fields=["session"], name="correction_open", condition=models.Q(decision="")),)
        constraints = (
            models.CheckConstraint(
                name="correction_decided_has_its_time",
                condition=models.Q(decision="", decided_at=None)
                | (~models.Q(decision="") & models.Q(decided_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return f"correction of session {self.session_id}"
