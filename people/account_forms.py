"""The forms of signing in and of passwords: allauth's, in the words of our pages. What they do stays theirs."""

from typing import Any

from allauth.account import forms as theirs
from django import forms
from django.utils.translation import gettext_lazy as _

PASSWORD_RULE = _("At least 10 characters; not a common password, and not like your name or address.")


def _said(form: forms.Form, words: dict[str, Any], hints: dict[str, Any]) -> None:
    """Our labels and hints; a placeholder that repeats the label goes."""
    for name, field in form.fields.items():
        field.label = words.get(name, field.label)
        field.help_text = hints.get(name, "")
        field.widget.attrs.pop("placeholder", None)


class SignIn(theirs.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, {"login": _("E-mail address"), "password": _("Password")}, {})


class ResetPassword(theirs.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, {"email": _("E-mail address")}, {})


class NewPassword(theirs.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, NEW, {"password1": PASSWORD_RULE})


class ChangePassword(theirs.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, NEW | {"oldpassword": _("Present password")}, {"password1": PASSWORD_RULE})


class SetPassword(theirs.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, NEW, {"password1": PASSWORD_RULE})


class Reauthenticate(theirs.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _said(self, {"password": _("Password")}, {})


NEW = {"password1": _("New password"), "password2": _("New password once more")}
