"""Reads the query string; what cannot be read is refused, never ignored."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request


def text(request: Request, name: str) -> str:
    value = request.query_params.get(name, "").strip()
    if "\0" in value:
        raise ValidationError({name: [_("Write plain text.")]})
    return value


def whole_number(request: Request, name: str) -> int | None:
    value = text(request, name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 18):
        raise ValidationError({name: [_("Write a whole number.")]})
    return int(value)


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    value = text(request, name)
    if value and value not in allowed:
        raise ValidationError({name: [_("Choose one of: %(allowed)s.") % {"allowed": ", ".join(allowed)}]})
    return value
