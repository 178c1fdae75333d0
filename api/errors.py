"""One shape for every error of the API: `{"error": {"code", "message"}}`, with `fields` where input is wrong."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response

log = logging.getLogger(__name__)
AWAY = gettext_lazy("The database is away for a moment. Send the same request again; a start with the same reference.")
AWAY_S = 5
UNKNOWN_ROW = gettext_lazy("There is nothing under this address, or it is not yours.")


class Refused(exceptions.APIException):
    """A refusal with a code of its own. retry_after_s is wall time, for the Retry-After header."""

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, code)
        self.status_code = status
        self.code = code
        self.wait = retry_after_s  # read by rest_framework's handler, which writes the header


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """None for a defect of ours: it is logged and answered as any other 500."""
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("the database is away: %s", error)
        error = Refused(503, "away", str(AWAY), retry_after_s=AWAY_S)
    if isinstance(error, RequestDataTooBig):
        megabytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
        text = _("The body is longer than %(megabytes)d MB; send less at once.")
        error = Refused(413, "too_long", text % {"megabytes": megabytes})
    from rest_framework.views import exception_handler  # which reads the settings that name api.authentication

    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any] = {"code": _code(error), "message": _message(error)}
    if isinstance(error, exceptions.ValidationError):
        body["fields"] = error.detail
    response.data = {"error": body}
    return response


def _code(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, Http404 | exceptions.NotFound):
        return "not_found"
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return "unauthorized"
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return "forbidden"
    return error.default_code if isinstance(error, exceptions.APIException) else "invalid"


def _message(error: Exception) -> str:
    if isinstance(error, Refused):
        return str(error.detail)
    if isinstance(error, Http404):
        return str(UNKNOWN_ROW)
    if isinstance(error, exceptions.NotAuthenticated):
        return _("Send an API key: “Authorization: Bearer ch_live_…”. Keys are made under Settings, API keys.")
    if isinstance(error, exceptions.AuthenticationFailed):
        return _("This key is unknown or revoked. Make a new one under Settings, API keys.")
    if isinstance(error, exceptions.ValidationError):
        return _("Some of the input is wrong; fields says which.")
    if isinstance(error, exceptions.UnsupportedMediaType):
        return _("The body is not named as JSON. Send the header “Content-Type: application/json”.")
    return str(error.detail) if isinstance(error, exceptions.APIException) else str(error)
