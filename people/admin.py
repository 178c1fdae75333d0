"""The admin panel of people. Secrets are never shown, the past is read-only; signing in is the pages' own, and so is
the rule that an organisation keeps an owner."""

from collections.abc import Iterable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from lib import paging
from people import forms, members
from people.models import ApiKey, AuditEntry, Invitation, Membership, Organisation, User
from people.roles import Role

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


class Leaving(Plain):
    """People who go by being deleted here, one or many: under the rule of the pages, with what goes along there."""

    membership_key = ""  # how a membership names what is deleted

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        alone = {admin_.opts.verbose_name for admin_ in self.admin_site._registry.values() if _is_read_only(admin_)}
        try:
            with transaction.atomic():
                members.keep_an_owner(_memberships(self.membership_key, objs))
        except members.LastOwner as refused:
            protected = [*protected, forms.last_owner(refused)]
        return found, counts, lacking - alone, protected  # a key can't be deleted by itself, but goes with its owner

    def response_action(self, *args: Any, **kwargs: Any) -> HttpResponse | None:
        with transaction.atomic():  # from the look for another owner to the deletion
            return super().response_action(*args, **kwargs)


def _is_read_only(one: object) -> bool:
    return isinstance(one, ReadOnly)


def _memberships(key: str, rows: Iterable[models.Model]) -> models.QuerySet[Membership]:
    return Membership.objects.filter(**{f"{key}__in": [row.pk for row in rows]})


class UserForm(ModelForm):  # type: ignore[type-arg]
    def clean_is_active(self) -> bool:
        is_active = bool(self.cleaned_data["is_active"])
        if not is_active and "is_active" in self.changed_data:
            try:
                members.keep_an_owner(_memberships("user", [self.instance]))
            except members.LastOwner as refused:
                raise ValidationError(forms.last_owner(refused)) from refused
        return is_active


class MembershipForm(ModelForm):  # type: ignore[type-arg]
    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if self.instance.pk and role != Role.OWNER:
            try:
                members.keep_an_owner(_memberships("pk", [self.instance]))
            except members.LastOwner as refused:
                raise ValidationError(forms.last_owner(refused)) from refused
        return role

    def clean_site_ids(self) -> list[int] | None:
        """The role is clean by then, or absent because it was refused."""
        try:
            return members.limit(Role(self.cleaned_data.get("role", Role.VIEWER)), self.cleaned_data["site_ids"])
        except members.OwnerUnlimited as refused:
            raise ValidationError(forms.OWNER_UNLIMITED) from refused


@admin.register(User)
class UserAdmin(Leaving):
    form = UserForm
    membership_key = "user"
    list_display = ("email", "name", "is_active", "is_staff", "is_demo", "last_login")
    list_filter = ("is_active", "is_staff", "is_demo")
    search_fields = ("email", "name")
    exclude = ("password",)
    readonly_fields = ("last_login", "joined_at")
    filter_horizontal = ("groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people come by invitation or create_owner


@admin.register(Membership)
class MembershipAdmin(Leaving):
    """Whose it is and where stands once it is made: its API keys would move with it."""

    form = MembershipForm
    membership_key = "pk"
    list_display = ("user", "organisation", "role", "site_ids", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__email", "user__name", "organisation__name")
    autocomplete_fields = ("user", "organisation")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "organisation") if obj else ()


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
