"""The form of stop rules: one line a kind, and an empty line means no such rule; a station may also say that its site's
does not hold there. Also the lines beside a start."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from charging.models.stop_rule import RuleKind, StopRule
from charging.stop_rules import Rule

A_WEEK_MIN = 7 * 24 * 60
# Where the parts of a rule stand in the form: by kind, the part's name and the line that takes it.
LINES: dict[str, dict[str, str]] = {
    RuleKind.ENERGY: {"amount": "energy"},
    RuleKind.MONEY: {"amount": "money"},
    RuleKind.MINUTES: {"amount": "minutes"},
    RuleKind.CLOCK: {"at_time": "clock"},
    RuleKind.LOW_POWER: {"amount": "low_power", "for_minutes": "low_power_minutes"},
    RuleKind.IDLE: {"for_minutes": "idle"},
}


def _amount(label: Any, step: str, most: int) -> forms.DecimalField:
    """A positive figure; `step` is its finest part."""
    least = Decimal(step)
    places = -int(least.as_tuple().exponent)
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=least,
        max_value=most,
        decimal_places=places,
        widget=forms.NumberInput(attrs={"step": step, "inputmode": "decimal", "autocomplete": "off"}),
    )


def _minutes(label: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=A_WEEK_MIN, widget=widget)


class RuleForm(forms.Form):
    energy = _amount(_("At an energy of"), "0.1", 10_000)
    money = _amount(_("At a cost of"), "0.01", 100_000)
    minutes = _minutes(_("After charging for"))
    clock = forms.TimeField(
        label=_("At the clock time"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    low_power = _amount(_("When power stays below"), "0.1", 1000)
    low_power_minutes = _minutes(_("for at least"))
    idle = _minutes(_("When no energy flows for"))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        power_kw, minutes = values.get("low_power"), values.get("low_power_minutes")
        if power_kw and not minutes and "low_power_minutes" not in self.errors:
            self.add_error("low_power_minutes", _("Say for how many minutes, or leave both empty."))
        if minutes and not power_kw and "low_power" not in self.errors:
            self.add_error("low_power", _("Say below which power, or leave both empty."))
        return values

    def rules(self, now: datetime) -> list[Rule]:
        """Of a valid form."""
        said = self.cleaned_data
        amounts = {kind: said[kind] for kind in (RuleKind.ENERGY, RuleKind.MONEY, RuleKind.MINUTES)}
        found = [Rule(kind, now, amount=Decimal(amount)) for kind, amount in amounts.items() if amount]
        if said["clock"]:
            found.append(Rule(RuleKind.CLOCK, now, at_time=said["clock"].replace(second=0)))
        if said["low_power"]:
            found.append(Rule(RuleKind.LOW_POWER, now, said["low_power"], said["low_power_minutes"]))
        if said["idle"]:
            found.append(Rule(RuleKind.IDLE, now, for_minutes=said["idle"]))
        return found


class StationRuleForm(RuleForm):
    """With a box at each kind that the site has a default of: none here. `inherited` has the site's rules in words, by
    kind; `refused` are kinds that the station has none of, whatever its site says by now."""

    def __init__(self, *args: Any, inherited: Mapping[str, str], refused: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = [kind for kind in RuleKind.values if kind in inherited or kind in refused]
        for kind in self.offered:
            words = gettext("None here, whatever the site says")
            if kind in inherited:
                words = gettext("None here, though the site stops %(rule)s") % {"rule": inherited[kind]}
            box = forms.CheckboxInput(attrs={"class": "check"})
            field = forms.BooleanField(label=words, required=False, initial=kind in refused, widget=box)
            self.fields[f"none_{kind}"] = field

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        for kind in self.offered:
            given = any(values.get(line) for line in LINES[kind].values())
            if values.get(f"none_{kind}") and given and kind not in self.errors:
                self.add_error(kind, gettext("Either a rule or none here: empty the line, or untick the box."))
        return values

    @property
    def none(self) -> list[str]:
        """Of a valid form: the kinds that the station will have none of."""
        return [kind for kind in self.offered if self.cleaned_data[f"none_{kind}"]]


def check(kind: str, given: Mapping[str, str]) -> tuple[RuleForm, dict[str, list[str]]]:
    """One rule by its parts (`amount`, `for_minutes`, `at_time`) through the same form, and what is wrong with each."""
    lines = LINES[kind]
    form = RuleForm({lines[part]: value for part, value in given.items() if part in lines})
    form.is_valid()
    errors = {part: [str(word) for word in form.errors[line]] for part, line in lines.items() if line in form.errors}
    errors |= {part: [gettext("A rule of this kind has none.")] for part in given if part not in lines}
    if not errors:
        needed = form.fields["energy"].error_messages["required"]
        errors = {part: [str(needed)] for part, line in lines.items() if not form.cleaned_data[line]}
    return form, errors


def initial(rows: Iterable[StopRule]) -> dict[str, Any]:
    """What the form shows of rules that stand."""
    shown: dict[str, Any] = {}
    for row in rows:
        shown[row.kind] = _shown(row)
        if row.kind == RuleKind.LOW_POWER:
            shown["low_power_minutes"] = row.for_minutes
    return shown


def _shown(row: StopRule) -> Any:
    if row.amount is None:
        return row.at_time or row.for_minutes
    return f"{row.amount.normalize():f}"
