"""What can be asked of the reports page, by its query string."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.models import Site
from people.actor import Actor

PERIODS_DAYS = (7, 30, 90)
DEFAULT_DAYS = 30
LONGEST_DAYS = 366


class ReportForm(forms.Form):
    """`days` is one of the offered periods; `first` and `last` together go before it."""

    days = forms.TypedChoiceField(
        choices=[(str(n), str(n)) for n in PERIODS_DAYS], coerce=int, required=False,
        widget=forms.HiddenInput,
    )  # fmt: skip
    site = forms.ModelChoiceField(Site.objects.none(), required=False, label=_("Site"), empty_label=_("All sites"))
    first = forms.DateField(required=False, label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    last = forms.DateField(required=False, label=_("To"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.visible_to(actor)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        first: date | None = values.get("first")
        last: date | None = values.get("last")
        if (first is None) != (last is None) and not self.errors:
            raise forms.ValidationError(_("Give both days of the period."))
        if first and last and first > last:
            raise forms.ValidationError(_("The first day is after the last: exchange them."))
        if first and last and last - first >= timedelta(days=LONGEST_DAYS):
            raise forms.ValidationError(_("A period has at most 366 days: shorten it."))
        return values
