"""Pages with a part that asks for itself again while something is under way, and stops by itself when it is over."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

SOON_S, SELDOM_S = 2, 10


def answer(request: HttpRequest, page: str, part: str, context: dict[str, Any], *, every_s: int = 0) -> HttpResponse:
    """`page` shows the part by including fleet/_polled.html. htmx gets the part alone, or 204 where it is unchanged.

    `every_s` is wall time, 0 means never again. The part may hold no form, for a form's token differs each time.
    """
    inner = render_to_string(part, context | {"every_s": every_s}, request)
    seen = hashlib.sha256(inner.encode()).hexdigest()[:16]
    polled = {"inner": inner, "seen": seen, "every_s": every_s}
    if request.headers.get("HX-Request") != "true":
        return render(request, page, context | polled)
    if every_s and request.headers.get("X-Seen") == seen:
        return HttpResponse(status=204)
    return render(request, "fleet/_polled.html", polled)
