"""Webhook tokens and the raw messages that arrived by them. Received and committed first, digested later."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.account import Account
from lib.secrets import EncryptedTextField
from people.actor import Actor


class HookKind(models.TextChoices):
    SESSION = "session", _("session completed")
    JOB = "job", _("job finished")
    EXCEPTION = "exception", _("exception")


class HookToken(models.Model):
    """One unguessable URL. Sessions and manage calls have one each; an account has one for exceptions, to paste."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="hook_tokens")
    kind = models.CharField(max_length=10, choices=HookKind.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    token = EncryptedTextField(blank=True)  # kept only for exceptions: the operator must see it
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)  # after a rotation: the overlap's end

    def __str__(self) -> str:
        return f"{self.get_kind_display()} webhook of {self.account}"


class RawMessageQuerySet(models.QuerySet["RawMessage"]):
    def visible_to(self, actor: Actor) -> "RawMessageQuerySet":
        return self.filter(token__account__organisation_id=actor.organisation_id)


class RawMessage(models.Model):
    token = models.ForeignKey(HookToken, models.CASCADE, related_name="messages")
    body = models.BinaryField()
    body_sha256 = models.CharField(max_length=64)
    truncated = models.BooleanField(default=False)  # longer than HOOK_MAX_BYTES; only its beginning is kept
    received_at = models.DateTimeField()  # business time
    times = models.PositiveIntegerField(default=1)  # the same bytes by the same URL again
    digested_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)  # wall time of the next attempt; None: a person looks
    error = models.CharField(max_length=500, blank=True)

    objects: ClassVar[RawMessageQuerySet] = RawMessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["token", "body_sha256"], name="message_once"),)
        indexes = (
            models.Index(fields=["due_at"], name="message_due", condition=models.Q(digested_at=None)),
            models.Index(fields=["-received_at"], name="message_latest"),
        )

    def __str__(self) -> str:
        return f"{self.token} at {self.received_at:%Y-%m-%d %H:%M:%S}"
