"""A command that somebody puts together and has not confirmed: the choice of stations is kept here, as ids."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from fleet.models.command import Command, Origin
from fleet.models.scope import owned
from people.actor import Actor
from people.models import Organisation


class CommandDraftQuerySet(models.QuerySet["CommandDraft"]):
    def visible_to(self, actor: Actor) -> "CommandDraftQuerySet":
        """A draft is its author's."""
        return self.filter(owned(actor), requested_by_id=actor.user_id)


class CommandDraft(models.Model):
    """`groups`: [{"values": {kind: wanted}, "station_ids": [pk, ...]}, ...]: stations with equal wishes together."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="command_drafts")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.PERSON)
    parent = models.ForeignKey(Command, models.CASCADE, null=True, blank=True, related_name="+")
    groups = models.JSONField(default=list)
    options = models.JSONField(default=dict)  # fleet/command_options.py
    schedule = models.JSONField(null=True, blank=True)  # when, if not at once: fleet/schedules.py
    created_at = models.DateTimeField()
    # What became of it: a second confirmation finds the same command.
    command = models.OneToOneField(Command, models.SET_NULL, null=True, blank=True, related_name="draft")

    objects: ClassVar[CommandDraftQuerySet] = CommandDraftQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.CheckConstraint(name="draft_origin_known", condition=models.Q(origin__in=Origin.values)),)

    def __str__(self) -> str:
        return f"draft of {self.created_at:%Y-%m-%d %H:%M}"
