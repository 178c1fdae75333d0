"""The forms of the fleet pages. Foreign keys offer only what the actor sees; what is written, the domain decides."""

from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import sites
from fleet.import_rows import MAX_CONNECTORS
from fleet.models import Account, Site, Station, Tariff
from fleet.models.account import Environment
from fleet.models.station import CommandKind, Level
from people.actor import Actor

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
PRIORITY_STATUSES = (
    ("", gettext_lazy("Leave as it is")),
    ("available", gettext_lazy("Available")),
    ("unavailable", gettext_lazy("Unavailable")),
    ("outOfService", gettext_lazy("Out of service")),
)


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Site
        fields = ("name", "timezone", "currency", "address", "latitude", "longitude", "grid_limit_kw")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Site.objects.filter(organisation_id=self.instance.organisation_id, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another site has this name. Choose a name that tells them apart."))
        return name

    def clean_timezone(self) -> str:
        zone = str(self.cleaned_data["timezone"]).strip()
        if zone not in sites.zones():
            raise forms.ValidationError(_("There is no time zone “%s”. Write it like America/Toronto.") % zone)
        return zone

    def clean_currency(self) -> str:
        return currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, most in (("latitude", 90), ("longitude", 180)):
            if cleaned.get(name) is not None and abs(cleaned[name]) > most:
                self.add_error(name, _("Write a number from -%(most)d to %(most)d.") % {"most": most})
        if cleaned.get("grid_limit_kw") is not None and cleaned["grid_limit_kw"] <= 0:
            self.add_error("grid_limit_kw", _("A limit is more than 0; leave it empty where there is none."))
        return cleaned


def currency(text: str) -> str:
    """Three letters, upper case. Raises ValidationError."""
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise forms.ValidationError(_("A currency has three letters, for example CAD."))
    return code


class StationForm(forms.ModelForm):  # type: ignore[type-arg]
    connectors = forms.IntegerField(label=gettext_lazy("connectors"), min_value=1, max_value=MAX_CONNECTORS, initial=1)
    field_order = ("account", "site", "vendor_id", "name", "level", "connectors")

    class Meta:
        model = Station
        fields = (
            "account",
            "site",
            "vendor_id",
            "name",
            "level",
            "rated_kw",
            "lifecycle",
            "start_limit_s",
            "tariff",
        )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = Account.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["tariff"].queryset = Tariff.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["vendor_id"].label = _("Station id")
        self.fields["vendor_id"].help_text = _("As the portal's Station column spells it")
        self.present = 0
        if self.instance.pk:
            # Identity: an account's station stays that account's.
            self.fields["account"].disabled = True
            self.present = self.instance.connectors.aggregate(last=Max("number"))["last"] or 0
            self.fields["connectors"].initial = self.present or 1

    def clean_connectors(self) -> int:
        count = int(self.cleaned_data["connectors"])
        if count < self.present:
            raise forms.ValidationError(
                _("This station has %d connectors. They stay, because past sessions name them.") % self.present
            )
        return count

    def clean_start_limit_s(self) -> int:
        seconds = int(self.cleaned_data["start_limit_s"])
        if not 60 <= seconds <= 300:
            raise forms.ValidationError(_("Chargers give up after 1 to 5 minutes: write 60 to 300."))
        return seconds

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("rated_kw") is not None and cleaned["rated_kw"] <= 0:
            self.add_error("rated_kw", _("Power is more than 0; leave it empty where it is not known."))
        account, tariff = cleaned.get("account"), cleaned.get("tariff")
        if account and tariff and tariff.account_id != account.pk:
            self.add_error("tariff", _("This tariff belongs to another account. Choose one of the station's account."))
        return cleaned


class StationImportForm(forms.Form):
    account = forms.ModelChoiceField(queryset=Account.objects.none(), label=gettext_lazy("account"))
    file = forms.FileField(label=gettext_lazy("CSV file"), required=False)
    text = forms.CharField(
        label=gettext_lazy("or a pasted list"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy("One station id a line, or the lines of a CSV with its head"),
    )
    site = forms.ModelChoiceField(
        queryset=Site.objects.none(),
        label=gettext_lazy("site"),
        required=False,
        help_text=gettext_lazy("For rows that name none; a plain list needs it"),
    )
    level = forms.TypedChoiceField(label=gettext_lazy("level"), choices=Level.choices, coerce=int, initial=2)
    connectors = forms.IntegerField(
        label=gettext_lazy("connectors each"), min_value=1, max_value=MAX_CONNECTORS, initial=1
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = Account.objects.visible_to(actor)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["account"].initial = accounts.first()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if file is None and not text.strip():
            raise forms.ValidationError(_("Choose a CSV file or paste a list."))
        if file is not None and file.size > MAX_UPLOAD_BYTES:
            raise forms.ValidationError(_("The file is larger than 4 MB. Split it and import its parts."))
        return cleaned


class TariffForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Tariff
        fields = (
            "account",
            "fee_id",
            "name",
            "currency",
            "price_per_kwh",
            "price_per_minute",
            "price_per_start",
        )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = Account.objects.visible_to(actor)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        if self.instance.pk:
            # Commands and past sessions name the fee by account and id.
            self.fields["account"].disabled = self.fields["fee_id"].disabled = True
        else:
            self.fields["account"].initial = accounts.first()

    def clean_currency(self) -> str:
        return currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("price_per_kwh", "price_per_minute", "price_per_start"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, _("A price is 0 or more."))
        return cleaned


class CommandForm(forms.Form):
    """What to ask of the chosen stations; at least one of the three."""

    tariff = forms.ModelChoiceField(
        queryset=Tariff.objects.none(),
        label=gettext_lazy("tariff"),
        required=False,
        empty_label=gettext_lazy("Leave as it is"),
    )
    availability = forms.ChoiceField(label=gettext_lazy("availability"), choices=PRIORITY_STATUSES, required=False)
    set_message = forms.BooleanField(
        label=gettext_lazy("Change the message"),
        required=False,
        help_text=gettext_lazy("An empty text clears what the stations show"),
    )
    message = forms.CharField(label=gettext_lazy("message"), max_length=500, required=False)

    def __init__(self, *args: Any, actor: Actor, account_ids: set[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tariffs = Tariff.objects.visible_to(actor)
        one = len(account_ids) == 1  # a fee id is known to its own account only
        self.fields["tariff"].queryset = (  # type: ignore[attr-defined]
            tariffs.filter(account_id__in=account_ids) if one else tariffs.none()
        )
        if not one:
            self.fields["tariff"].help_text = _("To change a tariff, choose stations of one account")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("message") and not cleaned.get("set_message"):
            cleaned["set_message"] = True
        if not self.errors and not self.values(cleaned):
            raise forms.ValidationError(_("Choose at least one thing to change."))
        return cleaned

    @staticmethod
    def values(cleaned: dict[str, Any]) -> dict[str, str]:
        """By kind of command: only what was asked."""
        values: dict[str, str] = {}
        if cleaned.get("tariff"):
            values[CommandKind.TARIFF.value] = cleaned["tariff"].fee_id
        if cleaned.get("availability"):
            values[CommandKind.PRIORITY_STATUS.value] = cleaned["availability"]
        if cleaned.get("set_message"):
            values[CommandKind.MESSAGE.value] = cleaned.get("message", "")
        return values


class AccountForm(forms.Form):
    """A new account, and with `account` the changes of one. The key is never shown again."""

    name = forms.CharField(label=gettext_lazy("name"), max_length=120)
    base_url = forms.URLField(
        label=gettext_lazy("base URL"),
        max_length=300,
        assume_scheme="https",
        help_text=gettext_lazy("Of the Eevion API, as the vendor told you"),
    )
    environment = forms.ChoiceField(label=gettext_lazy("environment"), choices=Environment.choices)
    api_key = forms.CharField(
        label=gettext_lazy("API key"),
        max_length=500,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    request_limit = forms.IntegerField(
        label=gettext_lazy("requests per 60 s"), min_value=1, max_value=100_000, initial=60
    )
    stations_per_call = forms.IntegerField(
        label=gettext_lazy("stations per manage call"), min_value=1, max_value=1000, initial=1
    )

    def __init__(self, *args: Any, actor: Actor, account: Account | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.account = actor, account
        if account is None:
            return
        self.fields["api_key"].required = False
        self.fields["api_key"].help_text = _("Leave empty to keep the present key")
        fixed = account.stations.exists()
        for name in ("base_url", "environment"):
            self.fields[name].disabled = fixed
        if fixed:
            self.fields["base_url"].help_text = _("Stays, because the account has stations")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Account.objects.visible_to(self.actor).filter(name=name)
        if others.exclude(pk=self.account.pk if self.account else 0).exists():
            raise forms.ValidationError(_("Another account has this name."))
        return name
