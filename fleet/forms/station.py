"""The forms of stations: one by one, and a whole list."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.forms import wording
from fleet.import_rows import MAX_CONNECTORS
from fleet.models import Account, Site, Station, Tariff
from fleet.models.station import Level
from people.actor import Actor

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
SECONDS_A_MINUTE = 60


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
        wording.speak(self)
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
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        error_messages={"empty": gettext_lazy("This file is empty. Choose another, or paste a list above.")},
    )
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
        wording.speak(self)
        accounts = Account.objects.visible_to(actor)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]
        self.fields["account"].initial = accounts.first()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if file is None and not text.strip() and not self.errors:
            self.add_error("text", _("Paste a list here, or choose a CSV file below."))
        if file is not None and text.strip():
            self.add_error("text", _("There is a list here and a file below. Empty one of them."))
        if file is not None and file.size > MAX_UPLOAD_BYTES:
            self.add_error("file", _("The file is larger than 4 MB. Split it and import its parts."))
        return cleaned
