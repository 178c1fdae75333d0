"""The audit trail: who did what to what, and when. Rows are only ever added."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTransform

from people.actor import Actor
from people.models.api_key import ApiKey
from people.models.organisation import Organisation


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def visible_to(self, actor: Actor) -> "AuditQuerySet":
        """An entry names things of any site and does not say which: who is limited to some sees their own doings."""
        mine = self.filter(organisation_id=actor.organisation_id)
        return mine if actor.site_ids is None else mine.filter(user_id=actor.user_id)

    def of_session(self, public_id: UUID) -> "AuditQuerySet":
        return self.filter(models.Q(subject=str(public_id)) | models.Q(details__session=str(public_id)))


class AuditEntry(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="audit")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, related_name="+")
    actor_label = models.CharField(max_length=160)  # the name as it was then
    verb = models.CharField(max_length=60)  # "station.added", "session.stopped"
    subject = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()

    objects: ClassVar[AuditQuerySet] = AuditQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=["organisation", "-occurred_at"], name="audit_latest"),
            # the entries of one session, which is their subject or named in their details
            models.Index(fields=["subject"], name="audit_subject"),
            models.Index(KeyTransform("session", "details"), name="audit_session"),
        )

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.actor_label}: {self.verb} {self.subject}"
