"""What the forms of the fleet say and read alike."""

from django import forms
from django.utils.translation import gettext as _


def speak(form: forms.BaseForm) -> None:
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


def currency(text: str) -> str:
    """Three letters, upper case. Raises ValidationError."""
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise forms.ValidationError(_("A currency has three letters, for example CAD."))
    return code
