"""The admin panel of reporting: sums are filled by the program, here they are read."""

from django.contrib import admin

from people.admin import ReadOnly
from reporting.models import DayRollup, FillMark, VendorTotal


@admin.register(DayRollup)
class DayRollupAdmin(ReadOnly):
    list_display = ("day_date", "site", "currency", "sessions", "energy_kwh", "revenue")
    list_select_related = ("site",)
    search_fields = ("site__name",)
    ordering = ("-id",)


@admin.register(VendorTotal)
class VendorTotalAdmin(ReadOnly):
    list_display = ("day_date", "vendor_station_id", "site", "sessions", "energy_kwh", "revenue", "currency")
    list_select_related = ("site",)
    search_fields = ("vendor_station_id",)
    ordering = ("-id",)


@admin.register(FillMark)
class FillMarkAdmin(ReadOnly):
    list_display = ("site", "filled_to_xid", "timezone", "filled_at")
    list_select_related = ("site",)
    search_fields = ("site__name",)
