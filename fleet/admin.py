"""The admin panel of the fleet. Keys and tokens are never shown; what was sent and received is read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from fleet.models import (
    Account,
    ApiCall,
    Command,
    CommandDraft,
    CommandEvent,
    CommandItem,
    CommandSchedule,
    Connector,
    DriftNotice,
    HookToken,
    ManageCall,
    RawMessage,
    RequestBudget,
    RequestSlot,
    ScheduledRun,
    Site,
    Station,
    StationSetting,
    Tariff,
    UnknownStation,
)
from people.admin import Plain, ReadOnly


@admin.register(Site)
class SiteAdmin(Plain):
    list_display = ("name", "organisation", "timezone", "currency", "address")
    list_select_related = ("organisation",)
    search_fields = ("name", "address", "organisation__name")
    autocomplete_fields = ("organisation",)


@admin.register(Account)
class AccountAdmin(Plain):
    """Made and given its key on the settings page, which knows the budget."""

    list_display = ("name", "organisation", "environment", "base_url", "key_refused_at", "last_answer_at")
    list_filter = ("environment",)
    list_select_related = ("organisation",)
    search_fields = ("name", "base_url", "organisation__name")
    exclude = ("api_key",)
    readonly_fields = ("organisation", "base_url", "environment", "budget", "key_refused_at", "last_answer_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class ConnectorsInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Connector
    extra = 0
    fields = ("number", "session_state", "busy_since", "blocked_until", "fault_code", "last_seen_at")
    readonly_fields = ("session_state", "busy_since", "blocked_until", "fault_code", "last_seen_at")


@admin.register(Station)
class StationAdmin(Plain):
    list_display = ("vendor_id", "name", "site", "level", "rated_kw", "lifecycle", "last_seen_at")
    list_filter = ("lifecycle", "level")
    list_select_related = ("site",)
    search_fields = ("vendor_id", "name", "site__name")
    autocomplete_fields = ("organisation", "account", "site", "tariff")
    inlines = (ConnectorsInline,)


@admin.register(Connector)
class ConnectorAdmin(Plain):
    list_display = ("station", "number", "session_state", "busy_since", "blocked_until", "last_seen_at")
    list_select_related = ("station",)
    search_fields = ("station__vendor_id", "station__name")
    autocomplete_fields = ("station",)


@admin.register(Tariff)
class TariffAdmin(Plain):
    list_display = ("name", "fee_id", "account", "currency", "price_per_kwh", "price_per_minute", "price_per_start")
    list_select_related = ("account",)
    search_fields = ("name", "fee_id")
    autocomplete_fields = ("organisation", "account")


@admin.register(StationSetting)
class StationSettingAdmin(ReadOnly):
    list_display = ("station", "kind", "wanted_value", "wanted_at", "finished_value", "finished_at", "finished_by")
    list_filter = ("kind",)
    list_select_related = ("station",)
    search_fields = ("station__vendor_id",)


@admin.register(RequestBudget)
class RequestBudgetAdmin(ReadOnly):
    list_display = ("base_url", "request_limit", "window_s", "frozen_until", "frozen_why")
    search_fields = ("base_url",)
    exclude = ("key_fingerprint",)


@admin.register(RequestSlot)
class RequestSlotAdmin(ReadOnly):
    list_display = ("budget", "number", "lane", "free_at")
    list_filter = ("lane",)
    list_select_related = ("budget",)
    search_fields = ("budget__base_url",)


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnly):
    list_display = ("started_at", "account", "lane", "endpoint", "status", "outcome", "duration_ms", "why")
    list_select_related = ("account",)
    search_fields = ("why", "endpoint", "outcome")
    ordering = ("-id",)


@admin.register(Command)
class CommandAdmin(ReadOnly):
    list_display = ("requested_at", "organisation", "requested_by_label", "values", "public_id")
    list_select_related = ("organisation",)
    search_fields = ("requested_by_label", "public_id__exact")
    ordering = ("-id",)


@admin.register(CommandItem)
class CommandItemAdmin(ReadOnly):
    list_display = ("id", "station", "kind", "wanted_value", "state", "finished_at", "error")
    list_select_related = ("station",)
    search_fields = ("station__vendor_id",)
    ordering = ("-id",)


@admin.register(CommandEvent)
class CommandEventAdmin(ReadOnly):
    list_display = ("at", "command", "verb", "by_label", "stations", "detail")
    list_select_related = ("command",)
    search_fields = ("command__public_id__exact", "by_label")
    ordering = ("-id",)


@admin.register(CommandDraft)
class CommandDraftAdmin(ReadOnly):
    list_display = ("created_at", "organisation", "requested_by", "origin", "command")
    list_select_related = ("organisation", "requested_by", "command")
    search_fields = ("requested_by__email", "public_id__exact")
    ordering = ("-id",)


@admin.register(CommandSchedule)
class CommandScheduleAdmin(ReadOnly):
    list_display = ("next_at", "organisation", "name", "values", "timezone", "requested_by_label", "cancelled_at")
    list_select_related = ("organisation",)
    search_fields = ("name", "requested_by_label", "public_id__exact")
    ordering = ("-id",)


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnly):
    list_display = ("due_at", "schedule", "outcome", "reason", "returns_at", "return_outcome")
    list_select_related = ("schedule",)
    search_fields = ("schedule__name", "schedule__public_id__exact")
    ordering = ("-id",)


@admin.register(ManageCall)
class ManageCallAdmin(ReadOnly):
    list_display = ("attempted_at", "account", "job_id", "answered_at", "settled_at", "error")
    list_select_related = ("account",)
    search_fields = ("job_id",)
    exclude = ("token",)
    ordering = ("-id",)


@admin.register(HookToken)
class HookTokenAdmin(ReadOnly):
    list_display = ("id", "account", "kind", "created_at", "ends_at")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("account__name",)
    exclude = ("token", "token_hash")
    ordering = ("-id",)


@admin.register(RawMessage)
class RawMessageAdmin(ReadOnly):
    list_display = ("received_at", "times", "digested_at", "attempts", "error")
    list_select_related = ("token__account",)
    search_fields = ("error", "body_sha256__exact")
    fields = ("token", "received_at", "text", "truncated", "times", "digested_at", "attempts", "due_at", "error")
    readonly_fields = ("text",)
    ordering = ("-id",)

    @admin.display(description="body")
    def text(self, row: Any) -> str:
        return bytes(row.body).decode("utf-8", "replace")[:20_000]


@admin.register(UnknownStation)
class UnknownStationAdmin(ReadOnly):
    list_display = ("vendor_id", "account", "seen_in", "first_seen_at", "last_seen_at", "dismissed_at")
    list_select_related = ("account",)
    search_fields = ("vendor_id",)


@admin.register(DriftNotice)
class DriftNoticeAdmin(ReadOnly):
    list_display = ("document", "path", "kind", "sample", "times", "last_seen_at")
    list_filter = ("document", "kind")
    search_fields = ("path", "sample")
