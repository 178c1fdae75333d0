"""The form of when a command goes out: now, once or weekly, and how a window of it ends."""

from datetime import timedelta
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet import command_words, schedule_times
from fleet.commands import MESSAGE_CHARS
from fleet.forms import wording
from fleet.models import Tariff
from fleet.models.station import CommandKind
from fleet.schedule_times import BadSchedule, When
from people.actor import Actor

NOW, ONCE, WEEKLY = "now", "once", "weekly"
NO_END, BEFORE, CHOSEN = "", "before", "chosen"
MOST_DAYS = 366


class CommandScheduleForm(forms.Form):
    """Stands beside the command's own form in one page. Its names are its own, so that both read the same data."""

    start = forms.ChoiceField(
        label=gettext_lazy("When"),
        required=False,
        initial=NOW,
        choices=[
            (NOW, gettext_lazy("Now")),
            (ONCE, gettext_lazy("Once, on a date")),
            (WEEKLY, gettext_lazy("On weekdays, again and again")),
        ],
        widget=forms.RadioSelect,
    )
    on_date = forms.DateField(
        label=gettext_lazy("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Weekdays"),
        required=False,
        choices=list(enumerate(schedule_times.WEEKDAYS, 1)),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )
    at_time = forms.TimeField(
        label=gettext_lazy("Time"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("By the clock of each site"),
    )
    ends = forms.ChoiceField(
        label=gettext_lazy("Afterwards"),
        required=False,
        initial=NO_END,
        choices=[
            (NO_END, gettext_lazy("Leave it so")),
            (BEFORE, gettext_lazy("Give each station back what it had before")),
            (CHOSEN, gettext_lazy("Set something else")),
        ],
        widget=forms.RadioSelect,
    )
    until_time = forms.TimeField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("By the clock of each site"),
    )
    until_days = forms.IntegerField(
        label=gettext_lazy("Days later"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        initial=0,
        help_text=gettext_lazy("0 is the same day, 1 the next"),
    )
    back_tariff = forms.ModelChoiceField(
        queryset=Tariff.objects.none(),
        label=gettext_lazy("Tariff afterwards"),
        required=False,
        empty_label=gettext_lazy("Leave as it is"),
    )
    back_availability = forms.ChoiceField(
        label=gettext_lazy("Availability afterwards"),
        choices=[("", gettext_lazy("Leave as it is")), *command_words.AVAILABILITY.items()],
        required=False,
    )
    back_set_message = forms.BooleanField(
        label=gettext_lazy("Change the message afterwards"),
        required=False,
        help_text=gettext_lazy("With an empty text the stations show no message"),
    )
    back_message = forms.CharField(label=gettext_lazy("Message afterwards"), required=False, max_length=MESSAGE_CHARS)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("For the list of what is scheduled, for example “Closed on Sundays”"),
    )

    def __init__(self, *args: Any, actor: Actor, account_ids: frozenset[int] | set[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wording.speak(self)
        tariffs = Tariff.objects.visible_to(actor)
        one = len(account_ids) == 1  # a fee id is known to its own account only
        self.fields["back_tariff"].queryset = (  # type: ignore[attr-defined]
            tariffs.filter(account_id__in=account_ids) if one else tariffs.none()
        )
        self.fields["back_tariff"].disabled = not one

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("start") or NOW) == NOW:
            self._errors = ErrorDict()  # nothing else of the form counts
            return cleaned
        self._need(cleaned)
        if not self.errors:
            try:
                schedule_times.check(self._when(cleaned))
            except BadSchedule as error:
                self.refuse(error)
        return cleaned

    def when(self, patience: timedelta) -> When | None:
        """What a valid form says; None: now. `patience` is the command's."""
        if (self.cleaned_data.get("start") or NOW) == NOW:
            return None
        return self._when(self.cleaned_data, patience)

    def refuse(self, error: BadSchedule) -> None:
        """Say it at the field it is about; weekdays and date stand for each other."""
        field = error.field
        if field == "on_date" and self.data.get("start") == WEEKLY:
            field = "weekdays"
        self.add_error(field or None, str(error))

    @staticmethod
    def initial_of(when: When | None, tariff: Tariff | None = None) -> dict[str, Any]:
        """The form filled with what was chosen before; `tariff` is that of the values afterwards."""
        if when is None:
            return {}
        back = dict(when.back_values or {})
        chosen = BEFORE if when.back_values is None else CHOSEN
        return {
            "start": ONCE if when.on_date else WEEKLY,
            "on_date": when.on_date,
            "weekdays": list(when.weekdays),
            "at_time": when.at_time,
            "ends": NO_END if when.until_time is None else chosen,
            "until_time": when.until_time,
            "until_days": when.until_days,
            "back_tariff": tariff.pk if tariff else None,
            "back_availability": back.get(CommandKind.PRIORITY_STATUS, ""),
            "back_set_message": CommandKind.MESSAGE in back,
            "back_message": back.get(CommandKind.MESSAGE, ""),
            "name": when.name,
        }

    def _need(self, cleaned: dict[str, Any]) -> None:
        """What a schedule cannot do without."""
        ends = bool(cleaned.get("ends"))
        needs = {
            "on_date": (cleaned["start"] == ONCE, _("Choose a date.")),
            "weekdays": (cleaned["start"] == WEEKLY, _("Choose at least one weekday.")),
            "at_time": (True, _("Choose a time.")),
            "until_time": (ends, _("Choose when it ends.")),
        }
        for name, (is_needed, words) in needs.items():
            if is_needed and name not in self.errors and cleaned.get(name) in (None, []):
                self.add_error(name, words)
        if cleaned.get("ends") == CHOSEN and not self._back(cleaned):
            self.add_error("ends", _("Choose below what is set afterwards, or another of these."))

    def _when(self, cleaned: dict[str, Any], patience: timedelta = timedelta(hours=1)) -> When:
        ends = cleaned.get("ends") or NO_END
        return When(
            at_time=cleaned["at_time"],
            on_date=cleaned["on_date"] if cleaned["start"] == ONCE else None,
            weekdays=tuple(sorted(cleaned["weekdays"])) if cleaned["start"] == WEEKLY else (),
            until_time=cleaned["until_time"] if ends else None,
            until_days=(cleaned.get("until_days") or 0) if ends else 0,
            back_values=self._back(cleaned) if ends == CHOSEN else None,
            patience_minutes=max(1, int(patience.total_seconds() // 60)),
            name=cleaned.get("name", ""),
        )

    @staticmethod
    def _back(cleaned: dict[str, Any]) -> dict[str, str]:
        values: dict[str, str] = {}
        if cleaned.get("back_tariff"):
            values[CommandKind.TARIFF.value] = cleaned["back_tariff"].fee_id
        if cleaned.get("back_availability"):
            values[CommandKind.PRIORITY_STATUS.value] = cleaned["back_availability"]
        if cleaned.get("back_set_message") or cleaned.get("back_message"):
            values[CommandKind.MESSAGE.value] = cleaned.get("back_message", "")
        return values
