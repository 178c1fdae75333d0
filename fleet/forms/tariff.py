"""The form of a tariff."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.forms import wording
from fleet.models import Account, Tariff
from people.actor import Actor


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
        wording.speak(self)
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
        return wording.currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("price_per_kwh", "price_per_minute", "price_per_start"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, _("A price is 0 or more."))
        there = Tariff.objects.filter(account=cleaned.get("account"), fee_id=cleaned.get("fee_id", ""))
        if cleaned.get("account") and there.exclude(pk=self.instance.pk).exists():
            self.add_error("fee_id", _("This account has a tariff of this fee id already. Change that one."))
        return cleaned
