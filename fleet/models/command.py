"""A command to stations. The rows are the queue: an item is one station and one command of it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.account import Account
from fleet.models.message import HookToken
from fleet.models.scope import owned
from fleet.models.station import CommandKind, Station
from people.actor import Actor
from people.models import ApiKey, Organisation


class CommandQuerySet(models.QuerySet["Command"]):
    def visible_to(self, actor: Actor) -> "CommandQuerySet":
        """A command is seen by who sees at least one of its stations."""
        mine = self.filter(owned(actor))
        if actor.site_ids is None:
            return mine
        seen = CommandItem.objects.filter(command=models.OuterRef("pk"), station__site_id__in=sorted(actor.site_ids))
        return mine.filter(models.Exists(seen))


class Command(models.Model):
    """What a person or a key asked for, once, of one or more stations."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="commands")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    requested_by_label = models.CharField(max_length=160)
    requested_at = models.DateTimeField()
    values = models.JSONField()  # {"tariffId": "fee_l2", "setMessage": ""}: only what was asked

    objects: ClassVar[CommandQuerySet] = CommandQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["organisation", "-requested_at", "-id"], name="command_latest"),)

    def __str__(self) -> str:
        return f"{', '.join(self.values)} by {self.requested_by_label}"


class ItemState(models.TextChoices):
    QUEUED = "queued", _("Waiting to be sent")
    SENDING = "sending", _("Being sent")
    ACCEPTED = "accepted", _("Accepted, not finished")
    FINISHED = "finished", _("Finished")
    FAILED = "failed", _("Failed")  # a job said so
    REJECTED = "rejected", _("Rejected")  # the API said no
    UNKNOWN = "unknown", _("Outcome unknown")
    CANCELLED = "cancelled", _("Cancelled")


# From each state, where an item may go. A late success after a failure or timeout is a normal move.
ITEM_MOVES: dict[str, frozenset[str]] = {
    ItemState.QUEUED: frozenset({ItemState.SENDING, ItemState.CANCELLED, ItemState.REJECTED}),
    ItemState.SENDING: frozenset(
        {
            ItemState.QUEUED,
            ItemState.ACCEPTED,
            ItemState.REJECTED,
            ItemState.UNKNOWN,
            ItemState.FINISHED,
            ItemState.FAILED,
        }
    ),
    ItemState.UNKNOWN: frozenset({ItemState.ACCEPTED, ItemState.FINISHED, ItemState.FAILED, ItemState.QUEUED}),
    ItemState.ACCEPTED: frozenset({ItemState.FINISHED, ItemState.FAILED}),
    ItemState.FAILED: frozenset({ItemState.FINISHED}),
    ItemState.REJECTED: frozenset(),
    ItemState.FINISHED: frozenset(),
    ItemState.CANCELLED: frozenset(),
}
OPEN_ITEMS = (ItemState.QUEUED, ItemState.SENDING, ItemState.ACCEPTED, ItemState.UNKNOWN)


class ManageCall(models.Model):
    """One attempt at `POST stations/manage`, written before it is made; it has its own webhook URL."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="manage_calls")
    token = models.OneToOneField(HookToken, models.PROTECT, related_name="manage_call")
    station_ids = ArrayField(models.BigIntegerField())
    values = models.JSONField()
    attempted_at = models.DateTimeField()  # wall time
    answered_at = models.DateTimeField(null=True, blank=True)
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


class CommandItem(models.Model):
    command = models.ForeignKey(Command, models.CASCADE, related_name="items")
    station = models.ForeignKey(Station, models.PROTECT, related_name="command_items")
    kind = models.CharField(max_length=14, choices=CommandKind.choices)
    wanted_value = models.TextField(blank=True)
    value_before = models.TextField(null=True, blank=True)  # noqa: DJ001  None: not known
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.QUEUED)
    call = models.ForeignKey(ManageCall, models.SET_NULL, null=True, blank=True, related_name="items")
    due_at = models.DateTimeField(null=True, blank=True)  # wall time; when the row may be claimed
    claimed_until = models.DateTimeField(null=True, blank=True)  # wall time; the lease
    accepted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["command", "station", "kind"], name="item_once"),
            models.CheckConstraint(name="item_state_known", condition=models.Q(state__in=ItemState.values)),
        )
        indexes = (
            models.Index(
                fields=["due_at", "id"], name="item_due", condition=models.Q(state__in=["queued", "sending", "unknown"])
            ),
            models.Index(fields=["station", "-id"], name="item_of_station"),
        )

    def __str__(self) -> str:
        return f"{self.kind} for station {self.station_id}: {self.state}"
