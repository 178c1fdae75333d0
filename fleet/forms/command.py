"""The form of a command to stations: what is asked of them, and how it goes out."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words
from fleet.command_options import OF_PAGES, Options
from fleet.commands import MESSAGE_CHARS
from fleet.forms import wording
from fleet.models import Tariff
from fleet.models.command import InSession
from fleet.models.station import CommandKind
from people.actor import Actor

HOUR_S = 3600
PATIENCES = (
    (HOUR_S, gettext_lazy("1 hour")),
    (4 * HOUR_S, gettext_lazy("4 hours")),
    (12 * HOUR_S, gettext_lazy("12 hours")),
    (24 * HOUR_S, gettext_lazy("24 hours")),
    (3 * 24 * HOUR_S, gettext_lazy("3 days")),
    (7 * 24 * HOUR_S, gettext_lazy("7 days")),
)


class CommandForm(forms.Form):
    """What to ask of the chosen stations, at least one of the three; and what holds for all of them."""

    tariff = forms.ModelChoiceField(
        queryset=Tariff.objects.none(),
        label=gettext_lazy("Tariff"),
        required=False,
        empty_label=gettext_lazy("Leave as it is"),
    )
    other_fee = forms.CharField(
        label=gettext_lazy("Another fee id"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("As the vendor's Fees page spells it, where the tariff is not in our list"),
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
    message = forms.CharField(
        label=gettext_lazy("Message"), required=False, widget=forms.Textarea(attrs={"rows": 2}), strip=True
    )
    in_session = forms.ChoiceField(
        label=gettext_lazy("Stations in session"),
        choices=InSession.choices,
        initial=OF_PAGES.in_session,
        widget=forms.RadioSelect,
    )
    patience = forms.TypedChoiceField(
        label=gettext_lazy("Give up after"),
        choices=PATIENCES,
        coerce=int,
        initial=int(OF_PAGES.patience.total_seconds()),
        help_text=gettext_lazy("What is not sent by then is never sent, and the command says so"),
    )
    is_canary = forms.BooleanField(
        label=gettext_lazy("Try it first"),
        required=False,
        help_text=gettext_lazy("One station, then a tenth of them, then the rest, each after the ones before are done"),
    )
    brake_percent = forms.IntegerField(
        label=gettext_lazy("Stop when more fail than"),
        min_value=0,
        max_value=100,
        required=False,
        initial=OF_PAGES.brake_percent,
        help_text=gettext_lazy("Empty: never stop by itself"),
    )
    send_equal = forms.BooleanField(
        label=gettext_lazy("Send it also where it is right already"),
        required=False,
        help_text=gettext_lazy("For when somebody changed a station at the station itself"),
    )

    HOW = ("in_session", "patience", "is_canary", "brake_percent", "send_equal")

    def __init__(self, *args: Any, actor: Actor, account_ids: frozenset[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wording.speak(self)
        self.account_ids = account_ids
        tariffs = Tariff.objects.visible_to(actor)
        one = len(account_ids) == 1  # a fee id is known to its own account only
        self.fields["tariff"].queryset = (  # type: ignore[attr-defined]
            tariffs.filter(account_id__in=account_ids) if one else tariffs.none()
        )
        if not one:
            self.fields["tariff"].disabled = self.fields["other_fee"].disabled = True
            self.fields["tariff"].help_text = _(
                "These stations are of several accounts, and a fee id is known to one only: choose stations of one"
            )

    @property
    def is_how_wrong(self) -> bool:
        return any(name in self.errors for name in self.HOW) if self.is_bound else False

    def clean_message(self) -> str:
        text = str(self.cleaned_data["message"]).replace("\r\n", "\n")
        if len(text) > MESSAGE_CHARS:
            words = _("This has %(long)d characters, and a station's message may have %(most)d: leave out %(over)d.")
            raise forms.ValidationError(
                words % {"long": len(text), "most": MESSAGE_CHARS, "over": len(text) - MESSAGE_CHARS}
            )
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("message") and not cleaned.get("set_message"):
            cleaned["set_message"] = True
        if cleaned.get("tariff") and cleaned.get("other_fee"):
            self.add_error("other_fee", _("Choose a tariff above, or write a fee id here: not both."))
        if not self.errors and not self.values(cleaned):
            raise forms.ValidationError(_("Choose at least one thing to change."))
        return cleaned

    @staticmethod
    def values(cleaned: dict[str, Any]) -> dict[str, str]:
        """By kind of command: only what was asked."""
        values: dict[str, str] = {}
        if cleaned.get("tariff"):
            values[CommandKind.TARIFF.value] = cleaned["tariff"].fee_id
        elif cleaned.get("other_fee"):
            values[CommandKind.TARIFF.value] = cleaned["other_fee"]
        if cleaned.get("availability"):
            values[CommandKind.PRIORITY_STATUS.value] = cleaned["availability"]
        if cleaned.get("set_message"):
            values[CommandKind.MESSAGE.value] = cleaned.get("message", "")
        return values

    @staticmethod
    def options(cleaned: dict[str, Any]) -> Options:
        """How it goes out, as chosen."""
        return Options(
            in_session=InSession(cleaned["in_session"]),
            is_canary=cleaned["is_canary"],
            brake_percent=cleaned["brake_percent"],
            patience=timedelta(seconds=cleaned["patience"]),
            hold_s=OF_PAGES.hold_s,
            send_equal=cleaned["send_equal"],
        )

    @staticmethod
    def initial_of(values: dict[str, str], options: Options, tariff: Tariff | None) -> dict[str, Any]:
        """The form filled with what was chosen before."""
        fee = values.get(CommandKind.TARIFF, "")
        return {
            "tariff": tariff.pk if tariff else None,
            "other_fee": "" if tariff else fee,
            "availability": values.get(CommandKind.PRIORITY_STATUS, ""),
            "set_message": CommandKind.MESSAGE in values,
            "message": values.get(CommandKind.MESSAGE, ""),
            "in_session": options.in_session,
            "patience": int(options.patience.total_seconds()),
            "is_canary": options.is_canary,
            "brake_percent": options.brake_percent,
            "send_equal": options.send_equal,
        }
