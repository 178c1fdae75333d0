"""The forms of the fleet pages. Foreign keys offer only what the actor sees; what is written, the domain decides."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words, sites
from fleet.import_rows import MAX_CONNECTORS
from fleet.models import Account, Site, Station, Tariff
from fleet.models.account import Environment
from fleet.models.station import CommandKind, Level
from people.actor import Actor

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
ZONE_LIST = "zones"  # the datalist of the site's page
SECONDS_A_MINUTE = 60


def _speak(form: forms.BaseForm) -> None:
    """Say what to write, where the framework only says what is wrong."""
    for field in form.fields.values():
        if field.error_messages.get("required") == forms.Field.default_error_messages["required"]:
            field.error_messages["required"] = _("This is needed.")
        if isinstance(field, forms.DecimalField):
            field.error_messages["invalid"] = _("Write a number, with a point before its decimals.")
        elif isinstance(field, forms.IntegerField):
            bounds = {"low": field.min_value, "high": field.max_value}
            words = _("Write a whole number from %(low)d to %(high)d.") % bounds if None not in bounds.values() else ""
            words = words or _("Write a whole number.")
            field.error_messages |= {"invalid": words, "min_value": words, "max_value": words}
        elif isinstance(field, forms.URLField):
            field.error_messages["invalid"] = _("Write a whole address, for example https://api.example.com.")


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Site
        fields = ("name", "timezone", "currency", "address", "latitude", "longitude", "grid_limit_kw")
        labels: ClassVar = {"grid_limit_kw": gettext_lazy("Grid limit")}
        help_texts: ClassVar = {
            "timezone": gettext_lazy("Whose days its sessions count by, as America/Toronto"),
            "currency": gettext_lazy("Three letters, for example CAD"),
            "grid_limit_kw": gettext_lazy("What the site may draw at most; empty where there is no limit"),
        }
        widgets: ClassVar = {
            "timezone": forms.TextInput(
                attrs={"list": ZONE_LIST, "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
            ),
            "currency": forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)

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


def _minutes(seconds: int) -> Decimal:
    """As the form shows it: 5, 1.5; a third of a minute is rounded, and kept as it is while nobody changes it."""
    rounded = round(Decimal(seconds) / SECONDS_A_MINUTE, 2)
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded.normalize()


class StationForm(forms.ModelForm):  # type: ignore[type-arg]
    connectors = forms.IntegerField(
        label=gettext_lazy("Connectors"),
        min_value=1,
        max_value=MAX_CONNECTORS,
        initial=1,
        help_text=gettext_lazy("Numbered from 1; more can follow, none goes away"),
    )
    start_limit_minutes = forms.DecimalField(
        label=gettext_lazy("Start limit"),
        min_value=1,
        max_value=5,
        decimal_places=2,
        help_text=gettext_lazy("How long it waits for a car after a start, 1 to 5 minutes; then the start expires"),
        error_messages=dict.fromkeys(
            ("required", "min_value", "max_value", "invalid", "max_decimal_places"),
            gettext_lazy("Chargers give up after 1 to 5 minutes: write a number from 1 to 5."),
        ),
    )
    field_order = ("vendor_id", "name", "account", "site", "level", "rated_kw", "connectors", "lifecycle", "tariff")

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
            "tariff",
        )
        labels: ClassVar = {
            "account": gettext_lazy("Account"),
            "site": gettext_lazy("Site"),
            "tariff": gettext_lazy("Tariff"),
            "vendor_id": gettext_lazy("Station id"),
            "rated_kw": gettext_lazy("Rated power"),
            "lifecycle": gettext_lazy("In service"),
        }
        help_texts: ClassVar = {
            "vendor_id": gettext_lazy("As the vendor's portal spells it"),
            "lifecycle": gettext_lazy("Only an active one starts sessions and takes commands"),
            "tariff": gettext_lazy("What it has now; a command changes it"),
        }
        error_messages: ClassVar = {
            "vendor_id": {"required": gettext_lazy("Write the id that the vendor's portal shows.")},
            "account": {"required": gettext_lazy("Choose the account whose portal shows this station.")},
            "site": {"required": gettext_lazy("Choose the site where it stands.")},
        }

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)
        self.fields["account"].queryset = Account.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["tariff"].queryset = Tariff.objects.visible_to(actor)  # type: ignore[attr-defined]
        for name, words in (
            ("account", _("Choose an account")),
            ("site", _("Choose a site")),
            ("tariff", _("Not known")),
        ):
            self.fields[name].empty_label = words  # type: ignore[attr-defined]
        self.fields["start_limit_minutes"].initial = _minutes(self.instance.start_limit_s)
        self.present = 0
        if self.instance.pk:
            # Identity: an account's station stays that account's.
            self.fields["account"].disabled = True
            self.fields["account"].help_text = _("Stays: its sessions and commands were made with this account")
            self.present = self.instance.connectors.aggregate(last=Max("number"))["last"] or 0
            self.fields["connectors"].initial = self.present or 1

    def clean_connectors(self) -> int:
        count = int(self.cleaned_data["connectors"])
        if count < self.present:
            raise forms.ValidationError(
                _("This station has %d connectors. They stay, because past sessions name them.") % self.present
            )
        return count

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("rated_kw") is not None and cleaned["rated_kw"] <= 0:
            self.add_error("rated_kw", _("Power is more than 0; leave it empty where it is not known."))
        account, tariff = cleaned.get("account"), cleaned.get("tariff")
        there = Station.objects.filter(account=account, vendor_id=cleaned.get("vendor_id", "")).exclude(
            pk=self.instance.pk
        )
        if account and there.exists():
            self.add_error("vendor_id", _("This account has a station of this id already. Look it up in the list."))
        if account and tariff and tariff.account_id != account.pk:
            self.add_error("tariff", _("This tariff belongs to another account. Choose one of the station's account."))
        minutes = cleaned.get("start_limit_minutes")
        if minutes is not None and minutes != _minutes(self.instance.start_limit_s):
            self.instance.start_limit_s = int(minutes * SECONDS_A_MINUTE)
        return cleaned


class StationImportForm(forms.Form):
    account = forms.ModelChoiceField(queryset=Account.objects.none(), label=gettext_lazy("Account"))
    text = forms.CharField(
        label=gettext_lazy("List"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("One station id a line, or the lines of a CSV with its head. Either this or a file."),
    )
    file = forms.FileField(label=gettext_lazy("CSV file"), required=False)
    site = forms.ModelChoiceField(
        queryset=Site.objects.none(),
        label=gettext_lazy("Site"),
        required=False,
        empty_label=gettext_lazy("As each row says"),
        help_text=gettext_lazy("For rows that name none; a plain list of ids needs it"),
    )
    level = forms.TypedChoiceField(label=gettext_lazy("Level"), choices=Level.choices, coerce=int, initial=2)
    connectors = forms.IntegerField(
        label=gettext_lazy("Connectors each"), min_value=1, max_value=MAX_CONNECTORS, initial=1
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)
        accounts = Account.objects.visible_to(actor)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["account"].initial = accounts.first()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if file is None and not text.strip():
            self.add_error("text", _("Paste a list here, or choose a CSV file below."))
        if file is not None and text.strip():
            self.add_error("text", _("There is a list here and a file below. Empty one of them."))
        if file is not None and file.size > MAX_UPLOAD_BYTES:
            self.add_error("file", _("The file is larger than 4 MB. Split it and import its parts."))
        return cleaned


class TariffForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Tariff
        fields = (
            "name",
            "fee_id",
            "account",
            "currency",
            "price_per_kwh",
            "price_per_minute",
            "price_per_start",
        )
        labels: ClassVar = {"account": gettext_lazy("Account")}
        help_texts: ClassVar = {
            "fee_id": gettext_lazy("As the portal's Fees page spells it"),
            "name": gettext_lazy("What your people call it"),
            "currency": gettext_lazy("Three letters, for example CAD"),
        }
        widgets: ClassVar = {"currency": forms.TextInput(attrs={"autocapitalize": "characters", "spellcheck": "false"})}

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)
        accounts = Account.objects.visible_to(actor)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["account"].empty_label = _("Choose an account")  # type: ignore[attr-defined]
        if self.instance.pk:
            # Commands and past sessions name the fee by account and id.
            self.fields["account"].disabled = self.fields["fee_id"].disabled = True
            self.fields["fee_id"].help_text = _(
                "Stays: past sessions and commands name it. Another fee is another tariff."
            )
        else:
            self.initial["account"] = accounts.first()  # the instance's None would win over the field's initial

    def clean_currency(self) -> str:
        return currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("price_per_kwh", "price_per_minute", "price_per_start"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, _("A price is 0 or more."))
        there = Tariff.objects.filter(account=cleaned.get("account"), fee_id=cleaned.get("fee_id", ""))
        if cleaned.get("account") and there.exclude(pk=self.instance.pk).exists():
            self.add_error("fee_id", _("This account has a tariff of this fee id already. Change that one."))
        return cleaned


class CommandForm(forms.Form):
    """What to ask of the chosen stations; at least one of the three."""

    tariff = forms.ModelChoiceField(
        queryset=Tariff.objects.none(),
        label=gettext_lazy("Tariff"),
        required=False,
        empty_label=gettext_lazy("Leave as it is"),
    )
    availability = forms.ChoiceField(
        label=gettext_lazy("Availability"),
        choices=[("", gettext_lazy("Leave as it is")), *command_words.AVAILABILITY.items()],
        required=False,
    )
    set_message = forms.BooleanField(
        label=gettext_lazy("Change the message"),
        required=False,
        help_text=gettext_lazy("With an empty text the stations show no message"),
    )
    message = forms.CharField(label=gettext_lazy("Message"), max_length=500, required=False)

    def __init__(self, *args: Any, actor: Actor, account_ids: set[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _speak(self)
        tariffs = Tariff.objects.visible_to(actor)
        one = len(account_ids) == 1  # a fee id is known to its own account only
        self.fields["tariff"].queryset = (  # type: ignore[attr-defined]
            tariffs.filter(account_id__in=account_ids) if one else tariffs.none()
        )
        if not one:
            self.fields["tariff"].disabled = True
            self.fields["tariff"].help_text = _("These stations are of several accounts; a fee id is known to one only")

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
        _speak(self)
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

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Account.objects.visible_to(self.actor).filter(name=name)
        if others.exclude(pk=self.account.pk if self.account else 0).exists():
            raise forms.ValidationError(_("Another account has this name. Choose a name that tells them apart."))
        return name
