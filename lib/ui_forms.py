"""A form's fields and errors, tied together for assistive technology."""

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField

register = template.Library()


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if bound.is_hidden:
        return "hidden"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "group"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.Select) and not isinstance(widget, forms.SelectMultiple):
        return "select"
    return "line"


def _first_wrong(form: forms.BaseForm) -> str:
    """Where the focus goes when a form comes back: its first field with an error; its first of all, where the form as
    a whole is wrong. Empty when nothing is."""
    if not form.errors:
        return ""
    return next((name for name in form.fields if name in form.errors), next(iter(form.fields), ""))


@register.inclusion_tag("ui/field.html")
def field(bound: BoundField, unit: str = "", placeholder: str = "") -> dict[str, Any]:
    """A form field with label, control, hint and error, tied together for assistive technology."""
    kind, hint_id, error_id = _kind(bound), f"{bound.auto_id}_hint", f"{bound.auto_id}_error"
    described = " ".join(([hint_id] if bound.help_text else []) + ([error_id] if bound.errors else []))
    attributes: dict[str, str | bool] = {
        name: value for name, value in (("aria-describedby", described), ("placeholder", placeholder)) if value
    }
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if bound.name == _first_wrong(bound.form):
        attributes["autofocus"] = True
    if kind in ("check", "group"):
        attributes["class"] = "check"
    return {
        "bound": bound,
        "kind": kind,
        "unit": unit,
        "hint_id": hint_id,
        "error_id": error_id,
        "control": None if kind == "group" else bound.as_widget(attrs=attributes),
        # One of several radio buttons is always chosen.
        "optional": not bound.field.required
        and kind not in ("check", "hidden")
        and not isinstance(bound.field.widget, forms.RadioSelect),
    }


@register.inclusion_tag("ui/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong with a form as a whole."""
    return {"form": form}
