"""A key of the REST API. It acts as the membership it was made by: with its role, at its sites, and dies with it."""

from typing import ClassVar

from django.db import models

from people.actor import Actor
from people.models.organisation import Membership


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def visible_to(self, actor: Actor) -> "ApiKeyQuerySet":
        return self.filter(membership__organisation_id=actor.organisation_id)


class ApiKey(models.Model):
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)  # the first characters, to tell keys apart
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ApiKeyQuerySet] = ApiKeyQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
