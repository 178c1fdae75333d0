"""A command to stations. The rows are the queue: an item is one station and one command of it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models.account import Account
from fleet.models.manage_call import ManageCall
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


class Origin(models.TextChoices):
    PERSON = "person", _("A person")
    API = "api", _("The API")
    SCHEDULE = "schedule", _("A schedule")
    UNDO = "undo", _("Undo")
    RETRY = "retry", _("Another try")
    REPAIR = "repair", _("Repair of drift")
    PORTAL = "portal", _("Not ours")  # read in the vendor's history: the portal, or another user of the key


class InSession(models.TextChoices):
    """What becomes of a station that is in session when its turn comes."""

    PROCEED = "proceed", _("Send all the same")
    WAIT = "wait", _("Wait until it is free")
    SKIP = "skip", _("Leave it out")


class Command(models.Model):
    """What was asked, once, of one or more stations: by a person, a key, a schedule, or in the vendor's portal."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="commands")
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.PERSON)
    # What an undo takes back, another try tries again, or a schedule's second half ends.
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    requested_by_label = models.CharField(max_length=160)
    requested_at = models.DateTimeField()
    values = (
        models.JSONField()
    )  # {"tariffId": "fee_l2", "setMessage": ""}: what is asked of all; an undo's items differ
    in_session = models.CharField(max_length=7, choices=InSession.choices, default=InSession.PROCEED)
    expires_at = models.DateTimeField(null=True, blank=True)  # business time; what is not sent by then never is
    held_until = models.DateTimeField(null=True, blank=True)  # wall time; until then all of it can be cancelled
    is_interactive = models.BooleanField(default=False)  # few calls that a person waits for: the lane of people
    is_canary = models.BooleanField(default=False)  # one station, then a tenth, then the rest
    wave_open = models.PositiveSmallIntegerField(default=0)  # items of later waves have no due_at yet
    brake_percent = models.PositiveSmallIntegerField(null=True, blank=True)  # failures beyond it pause the rest
    paused_at = models.DateTimeField(null=True, blank=True)  # business time
    paused_why = models.CharField(max_length=300, blank=True)
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="portal_commands")
    job_id = models.CharField(max_length=120, blank=True)  # of a job that is not ours, as `account` knows it
    job = models.JSONField(null=True, blank=True)  # that job as last seen, verbatim

    objects: ClassVar[CommandQuerySet] = CommandQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.CheckConstraint(name="command_origin_known", condition=models.Q(origin__in=Origin.values)),
            models.CheckConstraint(name="command_guard_known", condition=models.Q(in_session__in=InSession.values)),
            models.CheckConstraint(
                name="command_brake_percent", condition=models.Q(brake_percent=None) | models.Q(brake_percent__lte=100)
            ),
            models.UniqueConstraint(
                fields=["account", "job_id"], name="portal_job_once", condition=~models.Q(job_id="")
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-requested_at", "-id"], name="command_latest"),
            models.Index(fields=["parent", "id"], name="command_children"),
        )

    def __str__(self) -> str:
        return f"{', '.join(self.values)} by {self.requested_by_label}"


class CommandEvent(models.Model):
    """What happened to a command as a whole, for its timeline; what happened to a station stands in the item."""

    class Verb(models.TextChoices):
        ASKED = "asked", _("Asked")
        WAVE_OPENED = "wave_opened", _("Next wave opened")
        BRAKED = "braked", _("Stopped by the brake")
        RESUMED = "resumed", _("Resumed")
        ABANDONED = "abandoned", _("Abandoned")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Not sent in time")
        RETRIED = "retried", _("Tried again")
        UNDONE = "undone", _("Undone")

    command = models.ForeignKey(Command, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    verb = models.CharField(max_length=12, choices=Verb.choices)
    by_label = models.CharField(max_length=160, blank=True)  # empty: the product itself
    detail = models.CharField(max_length=300, blank=True)
    stations = models.PositiveIntegerField(default=0)  # how many it was about

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=["command", "at", "id"], name="event_of_command"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.at:%Y-%m-%d %H:%M:%S}"


class ItemState(models.TextChoices):
    QUEUED = "queued", _("Waiting to be sent")
    SENDING = "sending", _("Being sent")
    ACCEPTED = "accepted", _("Accepted, not finished")
    TIMED_OUT = "timed_out", _("Accepted, no word in time")
    UNKNOWN = "unknown", _("Outcome unknown")
    FINISHED = "finished", _("Finished, not observed")
    FINISHED_LATE = "finished_late", _("Timed out, then done")
    OBSERVED = "observed", _("Finished and observed")
    CONTRADICTED = "contradicted", _("Finished, but seen otherwise")
    FAILED = "failed", _("Failed")  # a job said so
    REJECTED = "rejected", _("Rejected")  # the API said no
    CANCELLED = "cancelled", _("Cancelled")  # by a person, or by a newer wish
    EXPIRED = "expired", _("Not sent in time")
    SKIPPED = "skipped", _("Left out")  # already right, in session, or no longer in service


# From each state, where an item may go. A late success after a failure or timeout is a normal move.
S = ItemState
ITEM_MOVES: dict[str, frozenset[str]] = {
    S.QUEUED: frozenset({S.SENDING, S.CANCELLED, S.REJECTED, S.EXPIRED, S.SKIPPED}),
    S.SENDING: frozenset({S.QUEUED, S.ACCEPTED, S.REJECTED, S.UNKNOWN, S.FINISHED, S.FAILED}),
    S.UNKNOWN: frozenset({S.ACCEPTED, S.FINISHED, S.FAILED, S.QUEUED}),
    S.ACCEPTED: frozenset({S.FINISHED, S.FAILED, S.TIMED_OUT}),
    S.TIMED_OUT: frozenset({S.FINISHED_LATE, S.FAILED}),
    S.FAILED: frozenset({S.FINISHED_LATE}),
    S.FINISHED: frozenset({S.OBSERVED, S.CONTRADICTED}),
    S.FINISHED_LATE: frozenset({S.OBSERVED, S.CONTRADICTED}),
    S.CONTRADICTED: frozenset({S.OBSERVED}),
    S.OBSERVED: frozenset(),
    S.REJECTED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.SKIPPED: frozenset(),
}
UNSENT = (S.QUEUED,)
OPEN_ITEMS = (S.QUEUED, S.SENDING, S.ACCEPTED, S.TIMED_OUT, S.UNKNOWN)
DONE_ITEMS = (S.FINISHED, S.FINISHED_LATE, S.OBSERVED, S.CONTRADICTED)  # the vendor's job succeeded
WRONG_ITEMS = (S.FAILED, S.REJECTED, S.EXPIRED, S.TIMED_OUT, S.CONTRADICTED)  # what a person should look at
DROPPED_ITEMS = (S.CANCELLED, S.SKIPPED)  # never sent, and nobody waits for it


class CommandItem(models.Model):
    command = models.ForeignKey(Command, models.CASCADE, related_name="items")
    station = models.ForeignKey(Station, models.PROTECT, related_name="command_items")
    kind = models.CharField(max_length=14, choices=CommandKind.choices)
    wanted_value = models.TextField(blank=True)
    value_before = models.TextField(null=True, blank=True)  # noqa: DJ001  None: not known
    wanted_before = models.TextField(null=True, blank=True)  # noqa: DJ001  the wish before this one, for a cancel
    state = models.CharField(max_length=13, choices=ItemState.choices, default=ItemState.QUEUED)
    wave = models.PositiveSmallIntegerField(default=0)  # of a canary: 0, 1 or 2
    is_interactive = models.BooleanField(default=False)  # as its command: people's wishes are found past ten thousand
    call = models.ForeignKey(ManageCall, models.SET_NULL, null=True, blank=True, related_name="items")
    due_at = models.DateTimeField(null=True, blank=True)  # wall time when it may be claimed; None: its wave is closed
    claimed_until = models.DateTimeField(null=True, blank=True)  # wall time; the lease
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    timed_out_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(
        null=True, blank=True
    )  # the end, good or bad; the vendor's time where it says one
    observed_at = models.DateTimeField(null=True, blank=True)
    look_due = models.BooleanField(default=False, db_default=False)  # its end is news: evidence may have come before it
    evidence = models.CharField(max_length=300, blank=True)  # what was seen, for it or against it
    error = models.CharField(max_length=500, blank=True)
    error_code = models.CharField(max_length=60, blank=True)  # the vendor's, or ours; rows alike are tried again alike

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["command", "station", "kind"], name="item_once"),
            models.CheckConstraint(name="item_state_known", condition=models.Q(state__in=ItemState.values)),
        )
        indexes = (
            models.Index(
                fields=["is_interactive", "due_at", "id"], name="item_of_lane", condition=models.Q(state="queued")
            ),
            models.Index(
                fields=["claimed_until"], name="item_claimed", condition=models.Q(claimed_until__isnull=False)
            ),
            models.Index(fields=["station", "-id"], name="item_of_station"),
            models.Index(fields=["command", "state"], name="item_by_state"),
            models.Index(fields=["accepted_at"], name="item_accepted", condition=models.Q(state="accepted")),
            models.Index(fields=["id"], name="item_to_look_at", condition=models.Q(look_due=True)),
        )

    def __str__(self) -> str:
        return f"{self.kind} for station {self.station_id}: {self.state}"
