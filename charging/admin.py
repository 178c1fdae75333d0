"""The admin panel of charging: what happened, to find and to read."""

from django.contrib import admin

from charging.models import Reading, Session, SessionEvent, StationException
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
