"""Links that work without a login: a driver's receipt, and the read-only wall of a control room."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from charging.models.session import Session
from fleet.models.scope import owned
from lib.secrets import EncryptedTextField
from people.actor import Actor
from people.models import Membership, Organisation


class ReceiptLink(models.Model):
    """The token is found by its hash and rests encrypted, because it is sent and shown again."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="receipt_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    token = EncryptedTextField()
    created_at = models.DateTimeField()
    created_by_label = models.CharField(max_length=160, blank=True)
    emailed_to = models.CharField(max_length=254, blank=True)
    emailed_at = models.DateTimeField(null=True, blank=True)
    email_error = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)  # first time
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"receipt link of session {self.session_id}"


class WallLinkQuerySet(models.QuerySet["WallLink"]):
    def visible_to(self, actor: Actor) -> "WallLinkQuerySet":
        return self.filter(owned(actor))


class WallLink(models.Model):
    """It shows what its maker may see, and dies with the membership, at its end, or when it is revoked."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="wall_links")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="wall_links")
    name = models.CharField(_("name"), max_length=80)
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[WallLinkQuerySet] = WallLinkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.name
