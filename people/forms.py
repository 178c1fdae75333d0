"""Forms of people: invite, change a member, join, name a key."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from people import members
from people.account_forms import PASSWORD_RULE
from people.models import User
from people.roles import Role

OWNER_UNLIMITED = _("An owner sees every site: choose another role, or no limit.")
LAST_OWNER = _("This is the last owner of %(organisation)s: make somebody else an owner first.")
NO_SITE = _("Tick at least one site, or leave this off.")


def last_owner(refused: members.LastOwner) -> str:
    """The refusal in words, the same on the pages and in the admin panel."""
    return str(LAST_OWNER) % {"organisation": refused}


class SiteLimit(forms.Form):
    """Which sites a person sees. The boxes to tick (`site`) come from fleet's page; `sites` are typed numbers."""

    limited = forms.BooleanField(label=_("Only some sites"), required=False)
    sites = forms.CharField(
        label=_("Site numbers"),
        required=False,
        help_text=_("The number in the address of a site's page; several separated by commas."),
    )

    def clean_sites(self) -> list[int]:
        typed = str(self.cleaned_data["sites"]).replace(",", " ").split()
        ticked = self.data.getlist("site") if hasattr(self.data, "getlist") else []
        words = [*typed, *ticked]
        if not all(word.isascii() and word.isdigit() and len(word) < 18 for word in words):
            raise forms.ValidationError(_("Write whole numbers, separated by commas."))
        return sorted({int(word) for word in words})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("limited") and cleaned.get("role") == Role.OWNER:
            self.add_error("limited", str(OWNER_UNLIMITED))
        elif cleaned.get("limited") and cleaned.get("sites") == []:
            self.add_error("limited", str(NO_SITE))
        return cleaned

    @property
    def chosen(self) -> str:
        """The sites to show as ticked, comma separated: what was just sent, else what stands."""
        if not self.is_bound:
            return str(self.initial.get("sites", "")).replace(" ", "")
        ticked = self.data.getlist("site") if hasattr(self.data, "getlist") else []
        return ",".join(word for word in ticked if word.isdigit())

    @property
    def site_ids(self) -> list[int] | None:
        return self.cleaned_data["sites"] if self.cleaned_data["limited"] else None


class Invite(SiteLimit):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER)
    field_order = ("email", "role", "limited", "sites")


class Member(SiteLimit):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    field_order = ("role", "limited", "sites")


class Join(forms.Form):
    """A new person's name and password."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=PASSWORD_RULE,
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "password" in cleaned:
            try:
                validate_password(cleaned["password"], User(email=self.email, name=cleaned.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


class Key(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What will use it, for example the driver app."))
