"""The forms of charging: start a session now or later, filter the past."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from charging.models.session import ENDED, State
from fleet.models import Site, Station
from fleet.models.station import Lifecycle
from people.actor import Actor

WEEKDAYS = [
    (1, _("Monday")),
    (2, _("Tuesday")),
    (3, _("Wednesday")),
    (4, _("Thursday")),
    (5, _("Friday")),
    (6, _("Saturday")),
    (7, _("Sunday")),
]


class StationChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {obj.site.name}"


class StartForm(forms.Form):
    """Offers the active stations that the actor sees, and no other passes."""

    station = StationChoice(queryset=Station.objects.none(), label=_("Station"), empty_label=_("Choose a station"))
    connector = forms.IntegerField(
        label=_("Connector"),
        required=False,
        min_value=1,
        max_value=32_767,
        help_text=_("Its number at the station; leave empty if you don't know which one the car is plugged into."),
    )
    reference = forms.CharField(
        label=_("Reference"),
        required=False,
        max_length=120,
        help_text=_("A driver, a vehicle or an order; it stands in every list and report."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stations = Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE).select_related("site")
        cast(StationChoice, self.fields["station"]).queryset = stations.order_by("site__name", "vendor_id")


class PlanForm(forms.Form):
    """Either a date or weekdays; the time is the clock's at the site."""

    station = StationChoice(queryset=Station.objects.none(), label=_("Station"), empty_label=_("Choose a station"))
    connector = forms.IntegerField(
        label=_("Connector"),
        required=False,
        min_value=1,
        max_value=32_767,
        help_text=_("Leave empty for the lowest free one."),
    )
    reference = forms.CharField(
        label=_("Reference"), required=False, max_length=120, help_text=_("A driver, a vehicle.")
    )
    at_time = forms.TimeField(
        label=_("Time"), widget=forms.TimeInput(attrs={"type": "time"}), help_text=_("By the clock of the site.")
    )
    on_date = forms.DateField(
        label=_("On a date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Or choose weekdays below."),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On weekdays"), required=False, choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    patience_minutes = forms.IntegerField(
        label=_("Keep trying for, minutes"),
        min_value=1,
        max_value=720,
        initial=30,
        help_text=_("If the station is taken or closed at that time."),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stations = Station.objects.visible_to(actor).filter(lifecycle=Lifecycle.ACTIVE).select_related("site")
        cast(StationChoice, self.fields["station"]).queryset = stations.order_by("site__name", "vendor_id")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if bool(values.get("on_date")) == bool(values.get("weekdays")) and "on_date" not in self.errors:
            self.add_error("on_date", gettext("Choose either a date or weekdays."))
        return values


class PastFilter(forms.Form):
    """Which past sessions: read from the address, so every field may be missing."""

    site = forms.ModelChoiceField(
        queryset=Site.objects.none(), label=_("Site"), required=False, empty_label=_("All sites")
    )
    station = forms.CharField(label=_("Station"), required=False, max_length=100)
    q = forms.CharField(
        label=_("Reference or receipt"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(label=_("Outcome"), required=False)
    start_date = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end_date = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        site = cast("forms.ModelChoiceField[Site]", self.fields["site"])
        state = cast(forms.ChoiceField, self.fields["state"])
        site.queryset = Site.objects.visible_to(actor)
        state.choices = [("", _("All outcomes")), *((value, State(value).label) for value in ENDED)]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        start_date, end_date = values.get("start_date"), values.get("end_date")
        if start_date and end_date and start_date > end_date:
            self.add_error("end_date", _("The last day lies before the first; change one of them."))
        return values


class WallForm(forms.Form):
    """A link to a wall: what it is for, and how long it opens."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where it hangs, so that you know later which one to revoke.")
    )
    days = forms.TypedChoiceField(
        label=_("Opens for"),
        coerce=int,
        initial=30,
        choices=[(1, _("1 day")), (7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("1 year"))],
    )
