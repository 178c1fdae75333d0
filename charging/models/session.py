"""A charging session. The row is also the start attempt, written before the call; another try is another row."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.models import Connector, HookToken, Site, Station
from fleet.models.scope import at_sites
from people.actor import Actor
from people.models import ApiKey, Organisation


class State(models.TextChoices):
    REQUESTED = "requested", _("Requested")  # written down; the call is not answered yet
    UNKNOWN = "unknown", _("Start unknown")  # the start was sent and no answer came
    PENDING = "pending", _("Pending")  # accepted, waiting for car or charger
    CHARGING = "charging", _("Charging")
    SUSPENDED = "suspended", _("Suspended")  # transaction open, no energy
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")  # energy is over, the cable is still in
    COMPLETED = "completed", _("Completed")  # disconnected
    EXPIRED = "expired", _("Expired")  # the start window lapsed
    FAILED = "failed", _("Failed")  # refused or aborted before energy flowed
    ABANDONED = "abandoned", _("Not started")  # given up: nobody knows that it ever charged


S = State
LIVE = (S.PENDING, S.CHARGING, S.SUSPENDED, S.STOPPING, S.STOPPED)  # the vendor knows it; it is read
OPEN = (S.REQUESTED, S.UNKNOWN, *LIVE)
ENDED = (S.COMPLETED, S.EXPIRED, S.FAILED, S.ABANDONED)

# From each state, where a session may go. A late success (expired or abandoned, and yet it charged) is a normal move.
# Abandoned is the end of what the vendor no longer knows and what took no energy.
_ONWARD = frozenset({S.CHARGING, S.SUSPENDED, S.STOPPING, S.STOPPED, S.COMPLETED, S.FAILED})
MOVES: dict[str, frozenset[str]] = {
    S.REQUESTED: frozenset({S.UNKNOWN, S.PENDING, S.EXPIRED, *_ONWARD}),
    S.UNKNOWN: frozenset({S.PENDING, S.EXPIRED, S.ABANDONED, *_ONWARD}),
    S.PENDING: frozenset({S.EXPIRED, S.ABANDONED, *_ONWARD}),
    S.CHARGING: _ONWARD - {S.CHARGING} | {S.ABANDONED},
    S.SUSPENDED: _ONWARD - {S.SUSPENDED} | {S.ABANDONED},
    S.STOPPING: _ONWARD - {S.STOPPING} | {S.ABANDONED},
    S.STOPPED: frozenset({S.CHARGING, S.SUSPENDED, S.COMPLETED, S.ABANDONED}),
    S.EXPIRED: _ONWARD,
    S.ABANDONED: frozenset({S.PENDING, S.EXPIRED, *_ONWARD}),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset(),
}


class StopState(models.TextChoices):
    NONE = "", _("not asked")
    WANTED = "wanted", _("asked, not sent yet")
    SENT = "sent", _("accepted by the vendor")
    REFUSED = "refused", _("refused")
    UNKNOWN = "unknown", _("sent, no answer")


class Origin(models.TextChoices):
    PERSON = "person", _("a person")
    API = "api", _("the API")
    PLAN = "plan", _("a plan")
    IMPORT = "import", _("an import")


class SessionQuerySet(models.QuerySet["Session"]):
    def visible_to(self, actor: Actor) -> "SessionQuerySet":
        return self.filter(at_sites(actor))

    def open(self) -> "SessionQuerySet":
        return self.filter(state__in=OPEN)

    def ended(self) -> "SessionQuerySet":
        return self.filter(state__in=ENDED)


class Session(models.Model):
    """Times are business time, but for those named as wall time. Quantities are the vendor's last words, never null
    over a value. `final_at` is set once the figures came from a fresh read (or an import) of an ended session."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="sessions")
    site = models.ForeignKey(Site, models.PROTECT, related_name="sessions")
    station = models.ForeignKey(Station, models.PROTECT, related_name="sessions")
    connector = models.ForeignKey(Connector, models.PROTECT, null=True, blank=True, related_name="sessions")
    # who, and by what reference (a driver's or vehicle's; free text)
    reference = models.CharField(max_length=120, blank=True)
    origin = models.CharField(max_length=8, choices=Origin.choices)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    # the attempt
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    token = models.OneToOneField(HookToken, models.PROTECT, null=True, blank=True, related_name="session")
    vendor_session_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  None: not known
    holds_connector = models.BooleanField(default=True)
    blocked_until = models.DateTimeField(null=True, blank=True)  # an unknown start blocks until then
    error = models.CharField(max_length=500, blank=True)
    # what the vendor says
    status_reason = models.CharField(max_length=60, blank=True)
    energy_kwh = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    power_kw = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    duration_s = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3)
    end_reason = models.CharField(max_length=60, blank=True)
    requested_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    charging_ended_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)  # disconnected, by the vendor's word
    ended_at = models.DateTimeField(null=True, blank=True)  # set in every ended state; lists sort by it
    final_at = models.DateTimeField(null=True, blank=True)
    # the price as it stood at the start: {"fee_id", "name", "currency", "price_per_kwh", …} or null
    tariff = models.JSONField(null=True, blank=True)
    # stopping
    stop_state = models.CharField(max_length=8, choices=StopState.choices, blank=True, default="")
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    stop_requested_by = models.CharField(max_length=160, blank=True)
    stop_error = models.CharField(max_length=500, blank=True)
    # work: wall time
    due_at = models.DateTimeField(null=True, blank=True)  # when start, stop or confirmation may be tried (again)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)  # last answered read
    # wall: how far apart reads of its key were when it was last read; charging/silence.py
    read_interval_s = models.FloatField(default=0.0)
    read_claimed_until = models.DateTimeField(null=True, blank=True)
    read_weight = models.FloatField(default=1.0)  # docs/algorithms/freshness.md
    read_why = models.CharField(max_length=20, blank=True)  # the code of the largest part of the weight
    watched_until = models.DateTimeField(null=True, blank=True)  # wall: somebody has its page open
    read_failures = models.PositiveIntegerField(default=0)
    hurry = models.BooleanField(default=False)  # read this one next: an end is near or somebody waits for it
    # Set by a trigger at every write: the id of the writing transaction. docs/algorithms/changed_rows.md
    changed_xid = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar[SessionQuerySet] = SessionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connector"], name="one_open_session_a_connector", condition=models.Q(holds_connector=True)
            ),
            models.UniqueConstraint(fields=["station", "vendor_session_id"], name="vendor_session_once"),
            models.CheckConstraint(name="session_state_known", condition=models.Q(state__in=State.values)),
            models.CheckConstraint(
                name="ended_session_holds_nothing",
                condition=~models.Q(state__in=ENDED) | models.Q(holds_connector=False),
            ),
            models.CheckConstraint(
                name="ended_session_has_its_end",
                condition=models.Q(state__in=OPEN) | models.Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="session_energy_not_negative", condition=models.Q(energy_kwh=None) | models.Q(energy_kwh__gte=0)
            ),
            models.CheckConstraint(name="session_currency_iso", condition=models.Q(currency__regex="^[A-Z]{3}$")),
        )
        indexes = (
            models.Index(fields=["organisation", "-ended_at", "-id"], name="session_past"),
            models.Index(fields=["site", "-ended_at", "-id"], name="session_past_site"),
            models.Index(fields=["station", "-requested_at"], name="session_of_station"),
            models.Index(fields=["site", "completed_at"], name="session_day"),
            models.Index(fields=["organisation", "id"], name="session_open", condition=models.Q(state__in=OPEN)),
            models.Index(fields=["due_at"], name="session_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["organisation", "changed_xid"], name="session_changed"),
            # charging/read_queue.py asks in the same words
            models.Index(
                fields=["station"],
                name="session_readable",
                condition=(models.Q(state__in=LIVE) | models.Q(hurry=True)) & models.Q(vendor_session_id__isnull=False),
            ),
            models.Index(fields=["organisation", "reference"], name="session_reference"),
        )

    def __str__(self) -> str:
        return f"session {self.pk} ({self.state})"

    @property
    def mark(self) -> str:
        """The shape that shows its state (lib.icons): two states look like their neighbours."""
        return {"requested": "pending", "abandoned": "cancelled"}.get(self.state, self.state)

    @property
    def stoppable(self) -> bool:
        """The vendor knows it, energy may flow, and nobody has asked to stop it yet (or was refused)."""
        return self.state in (S.PENDING, S.CHARGING, S.SUSPENDED) and self.stop_state in ("", StopState.REFUSED)

    @property
    def charging_s(self) -> int | None:
        """From the start of energy to its end, by the vendor's times; else the duration that the vendor said."""
        if self.started_at and self.charging_ended_at:
            return int((self.charging_ended_at - self.started_at).total_seconds())
        return self.duration_s

    @property
    def idle_s(self) -> int | None:
        """From the end of energy until the cable was out; None while that is not reported."""
        if self.charging_ended_at and self.completed_at:
            return max(0, int((self.completed_at - self.charging_ended_at).total_seconds()))
        return None

    @property
    def place(self) -> str:
        """`HC-0001 · 2`, or the station alone where nobody said which connector."""
        station = self.station.vendor_id
        return f"{station} · {self.connector.number}" if self.connector else station


class SessionEvent(models.Model):
    """The session's timeline: what happened, in words, with who or what said so."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="events")
    occurred_at = models.DateTimeField()
    kind = models.CharField(max_length=40)  # "requested", "accepted", "state", "webhook", "stop", "final", "decided"
    text = models.CharField(max_length=500)
    actor_label = models.CharField(max_length=160, blank=True)  # empty: the vendor or the system
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("occurred_at", "id")
        indexes = (models.Index(fields=["session", "occurred_at", "id"], name="event_timeline"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
