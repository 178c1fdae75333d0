"""The admin panel of charging: what happened, to find and to read."""

from django.contrib import admin

from charging.models import (
    Correction,
    PlannedStart,
    Reading,
    ReceiptLink,
    Session,
    SessionEvent,
    StartPlan,
    StationException,
    StopRule,
    WallLink,
)
from people.admin import ReadOnly


@admin.register(Session)
class SessionAdmin(ReadOnly):
    list_display = ("requested_at", "station", "reference", "state", "energy_kwh", "cost", "currency", "ended_at")
    list_filter = ("state", "origin")
    list_select_related = ("station",)
    search_fields = ("reference", "vendor_session_id", "station__vendor_id", "public_id__exact")
    exclude = ("token",)
    ordering = ("-id",)


@admin.register(SessionEvent)
class SessionEventAdmin(ReadOnly):
    list_display = ("occurred_at", "session", "kind", "text", "actor_label")
    list_select_related = ("session",)
    search_fields = ("session__reference", "session__public_id__exact")
    ordering = ("-id",)


@admin.register(Reading)
class ReadingAdmin(ReadOnly):
    list_display = ("received_at", "session", "status", "energy_kwh", "power_kw", "cost", "confirmed_at")
    list_select_related = ("session",)
    search_fields = ("session__reference", "session__public_id__exact")
    ordering = ("-id",)


@admin.register(StationException)
class StationExceptionAdmin(ReadOnly):
    list_display = ("received_at", "vendor_station_id", "type", "severity", "error_code", "cleared_at")
    list_filter = ("type",)
    search_fields = ("vendor_station_id", "vendor_exception_id", "error_code", "message")
    ordering = ("-id",)


@admin.register(StartPlan)
class StartPlanAdmin(ReadOnly):
    list_display = ("next_at", "station", "reference", "on_date", "weekdays", "at_time", "cancelled_at")
    list_select_related = ("station",)
    search_fields = ("reference", "station__vendor_id", "public_id__exact")
    ordering = ("-id",)


@admin.register(PlannedStart)
class PlannedStartAdmin(ReadOnly):
    list_display = ("due_at", "plan", "outcome", "reason", "session")
    list_filter = ("outcome",)
    list_select_related = ("plan", "session")
    search_fields = ("plan__reference", "plan__station__vendor_id")
    ordering = ("-id",)


@admin.register(StopRule)
class StopRuleAdmin(ReadOnly):
    list_display = (
        "created_at",
        "kind",
        "amount",
        "for_minutes",
        "at_time",
        "is_none",
        "session",
        "station",
        "site",
        "fired_at",
    )
    list_filter = ("kind",)
    list_select_related = ("session", "station", "site")
    search_fields = ("session__public_id__exact", "station__vendor_id", "site__name")
    ordering = ("-id",)


@admin.register(Correction)
class CorrectionAdmin(ReadOnly):
    list_display = (
        "recorded_at",
        "session",
        "energy_kwh_before",
        "energy_kwh_after",
        "cost_before",
        "cost_after",
        "decision",
    )
    list_filter = ("decision",)
    list_select_related = ("session",)
    search_fields = ("session__public_id__exact", "session__reference")
    ordering = ("-id",)


@admin.register(ReceiptLink)
class ReceiptLinkAdmin(ReadOnly):
    list_display = ("created_at", "session", "created_by_label", "emailed_to", "opened_at", "revoked_at")
    list_select_related = ("session",)
    search_fields = ("session__public_id__exact", "session__reference", "emailed_to")
    exclude = ("token", "token_sha256")
    ordering = ("-id",)


@admin.register(WallLink)
class WallLinkAdmin(ReadOnly):
    list_display = ("created_at", "organisation", "name", "expires_at", "seen_at", "revoked_at")
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__name")
    exclude = ("token_sha256",)
    ordering = ("-id",)
