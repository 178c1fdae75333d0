"""The form of an Eevion account."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from eevion import transport
from eevion.errors import NotSent
from fleet.forms import wording
from fleet.models import Account
from fleet.models.account import Environment
from people.actor import Actor


class AccountForm(forms.Form):
    """A new account, and with `account` the changes of one. The key is never shown again."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    base_url = forms.URLField(
        label=gettext_lazy("Base URL"),
        max_length=300,
        assume_scheme="https",
        help_text=gettext_lazy("Where the Eevion API answers, as the vendor told you"),
    )
    environment = forms.ChoiceField(label=gettext_lazy("Environment"), choices=Environment.choices)
    api_key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=500,
        # Given back only to who has just typed it, with the error of another field; never a stored one.
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Kept encrypted and never shown again"),
    )
    request_limit = forms.IntegerField(
        label=gettext_lazy("Request limit"),
        min_value=1,
        max_value=100_000,
        initial=60,
        help_text=gettext_lazy("What the vendor allows this key"),
    )
    stations_per_call = forms.IntegerField(
        label=gettext_lazy("Stations per command call"),
        min_value=1,
        max_value=1000,
        initial=1,
        help_text=gettext_lazy("1, unless the vendor allows more"),
    )

    def __init__(self, *args: Any, actor: Actor, account: Account | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wording.speak(self)
        self.actor, self.account = actor, account
        if account is None:
            return
        self.fields["api_key"].required = False
        self.fields["api_key"].help_text = _("Empty keeps the present key, which is never shown")
        fixed = account.stations.exists()
        for name in ("base_url", "environment"):
            self.fields[name].disabled = fixed
        if fixed:
            self.fields["base_url"].help_text = _("Stays, because the account has stations")
            self.fields["environment"].help_text = _("Stays, because the account has stations")

    def clean_base_url(self) -> str:
        """As the client takes it: with a password in it, the address would stand readable on pages and in the trail."""
        base_url = str(self.cleaned_data["base_url"])
        if not self.fields["base_url"].disabled:
            try:
                transport.target(base_url)
            except NotSent as refused:
                raise forms.ValidationError(
                    _("Write it like https://host/path: no user, query or fragment.")
                ) from refused
        return base_url

    def clean_api_key(self) -> str:
        api_key = str(self.cleaned_data["api_key"])
        if not api_key.isascii() or not api_key.isprintable():
            raise forms.ValidationError(
                _("A key has only ASCII letters, digits and signs. Copy it from the portal again.")
            )
        return api_key

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Account.objects.visible_to(self.actor).filter(name=name)
        if others.exclude(pk=self.account.pk if self.account else 0).exists():
            raise forms.ValidationError(_("Another account has this name. Choose a name that tells them apart."))
        return name
