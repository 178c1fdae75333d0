"""An Eevion account, and the request budget of its key. Several accounts with one key share one budget."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from fleet.models.scope import owned
from lib.secrets import EncryptedTextField, Unreadable
from people.actor import Actor
from people.models import Organisation


class Environment(models.TextChoices):
    PRODUCTION = "production", _("Production")
    STAGING = "staging", _("Staging")


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, actor: Actor) -> "AccountQuerySet":
        return self.filter(owned(actor))


class RequestBudget(models.Model):
    """The limit is the key's (contract: 60 requests in any 60 s per key), so it stands by base URL and key."""

    base_url = models.URLField(max_length=300)
    key_fingerprint = models.CharField(max_length=64)
    request_limit = models.PositiveIntegerField(default=60)
    window_s = models.FloatField(default=60.0)
    frozen_until = models.DateTimeField(null=True, blank=True)  # wall time; after a 429
    frozen_why = models.CharField(max_length=200, blank=True)
    # Wall time until which somebody in a lane waits for a slot: the lanes behind leave shared slots alone.
    api_waiting_until = models.DateTimeField(null=True, blank=True)
    commands_waiting_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["base_url", "key_fingerprint"], name="one_budget_a_key"),
            models.CheckConstraint(name="budget_limit_positive", condition=models.Q(request_limit__gt=0)),
            models.CheckConstraint(name="budget_window_positive", condition=models.Q(window_s__gt=0)),
        )

    def __str__(self) -> str:
        return f"{self.request_limit} requests in {self.window_s:g} s at {self.base_url}"


class SlotLane(models.TextChoices):
    PEOPLE = "people", _("people and stops")
    HISTORY = "history", _("history and lists")
    READS = "reads", _("reads")
    SHARED = "shared", _("shared")


class RequestSlot(models.Model):
    """One of the budget's slots. It may be used when free_at (wall time) has passed; see docs/algorithms/budget.md."""

    budget = models.ForeignKey(RequestBudget, models.CASCADE, related_name="slots")
    number = models.PositiveIntegerField()
    lane = models.CharField(max_length=8, choices=SlotLane.choices)
    free_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["budget", "number"], name="slot_once"),)
        indexes = (models.Index(fields=["budget", "lane", "free_at"], name="slot_next_free"),)

    def __str__(self) -> str:
        return f"slot {self.number} ({self.lane})"


class Account(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="accounts")
    name = models.CharField(_("name"), max_length=120)
    base_url = models.URLField(_("base URL"), max_length=300)
    environment = models.CharField(
        _("environment"), max_length=10, choices=Environment.choices, default=Environment.PRODUCTION
    )
    api_key = EncryptedTextField(_("API key"))
    budget = models.ForeignKey(RequestBudget, models.PROTECT, related_name="accounts")
    stations_per_call = models.PositiveIntegerField(_("stations per manage call"), default=1)
    key_refused_at = models.DateTimeField(null=True, blank=True)  # last 401; cleared by a success
    last_answer_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[AccountQuerySet] = AccountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["organisation", "name"], name="account_name_once"),
            models.CheckConstraint(name="account_stations_per_call", condition=models.Q(stations_per_call__gt=0)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def staging(self) -> bool:
        return self.environment == Environment.STAGING

    @property
    def key_unreadable(self) -> bool:
        """The stored key was encrypted with a key that ENCRYPTION_KEYS no longer holds: no call can be made."""
        return isinstance(self.api_key, Unreadable)
