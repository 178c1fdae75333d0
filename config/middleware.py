"""What every request gets: an id in each log line, one access line with secrets masked, and the security headers."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase

from config.logs import masked

Handler = Callable[[HttpRequest], HttpResponseBase]
log = structlog.get_logger("access")

GIVEN_ID = re.compile(r"[\w.-]{1,64}")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
QUIET = ("/static/", "/healthz", "/readyz")


def request_id(get_response: Handler) -> Handler:
    """Takes X-Request-ID from a proxy if it looks like one, else makes an id; it stands in every log line."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        identity = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identity)
        request.request_id = identity  # type: ignore[attr-defined]
        began = time.perf_counter()
        response = get_response(request)
        response.headers["X-Request-ID"] = identity
        if not request.path.startswith(QUIET):
            log.info(
                "request",
                method=request.method,
                path=masked(request.path),
                status=response.status_code,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )
        return response

    return middleware


@receiver(request_finished)
def forget_request(**_more: Any) -> None:
    """The server's own lines between two requests of a thread belong to neither."""
    structlog.contextvars.clear_contextvars()


def security_headers(get_response: Handler) -> Handler:
    """A strict policy: nothing inline, nothing from elsewhere. A view may set its own before."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "geolocation=(), camera=(), microphone=()")
        return response

    return middleware
