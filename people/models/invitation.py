"""An invitation by e-mail into an organisation; its token is stored as a hash only."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from people.actor import Actor
from people.models.organisation import Organisation
from people.roles import Role


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, actor: Actor) -> "InvitationQuerySet":
        return self.filter(organisation_id=actor.organisation_id)


class Invitation(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=Role.choices)
    site_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)  # as in Membership
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "email"],
                name="one_open_invitation_each",
                condition=models.Q(accepted_at=None, revoked_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} into {self.organisation}"
