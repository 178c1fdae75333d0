"""The admin panel of people. Secrets are never shown, the past is read-only; signing in is the pages' own."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

from lib import paging
from people.models import ApiKey, AuditEntry, Invitation, Membership, Organisation, User

admin.site.site_header = admin.site.site_title = "Chargehand"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class Counted(Paginator):  # type: ignore[type-arg]
    """Counts no further than a person pages: ten million rows are not counted to show fifty."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: paging.COUNTED].count())


class Plain(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists without a second count over the whole table, and without a first one over all of a large one."""

    paginator = Counted
    show_full_result_count = False
    list_per_page = 50
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


class ReadOnly(Plain):
    """What happened, happened: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Organisation)
class OrganisationAdmin(Plain):
    list_display = ("name", "is_demo", "created_at")
    search_fields = ("name",)


@admin.register(User)
class UserAdmin(Plain):
    list_display = ("email", "name", "is_active", "is_staff", "is_demo", "last_login")
    list_filter = ("is_active", "is_staff", "is_demo")
    search_fields = ("email", "name")
    exclude = ("password",)
    readonly_fields = ("last_login", "joined_at")
    filter_horizontal = ("groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people come by invitation or create_owner


@admin.register(Membership)
class MembershipAdmin(Plain):
    list_display = ("user", "organisation", "role", "site_ids", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__email", "user__name", "organisation__name")
    autocomplete_fields = ("user", "organisation")


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    list_display = ("email", "organisation", "role", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("organisation",)
    search_fields = ("email", "organisation__name")
    exclude = ("token_hash",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    list_display = ("name", "prefix", "membership", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("membership__user", "membership__organisation")
    search_fields = ("name", "prefix", "membership__user__email", "membership__organisation__name")
    exclude = ("key_hash",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("occurred_at", "organisation", "actor_label", "verb", "subject")
    list_select_related = ("organisation",)
    search_fields = ("actor_label", "verb", "subject")
    ordering = ("-id",)
