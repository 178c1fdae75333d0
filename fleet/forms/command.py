"""The form of a command to stations."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words
from fleet.forms import wording
from fleet.models import Tariff
from fleet.models.station import CommandKind
from people.actor import Actor


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
        wording.speak(self)
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
