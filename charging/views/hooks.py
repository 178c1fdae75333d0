"""Where the vendor's webhooks arrive: stored, committed, answered. What they mean is digested later."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from charging import tasks
from fleet import hooks
from fleet.models.message import HookKind
from lib import clock


@csrf_exempt
@require_POST
def hook_session(request: HttpRequest, token: str) -> HttpResponse:
    return _receive(request, token, HookKind.SESSION)


@csrf_exempt
@require_POST
def hook_job(request: HttpRequest, token: str) -> HttpResponse:
    return _receive(request, token, HookKind.JOB)


@csrf_exempt
@require_POST
def hook_exception(request: HttpRequest, token: str) -> HttpResponse:
    return _receive(request, token, HookKind.EXCEPTION)


def _receive(request: HttpRequest, token: str, kind: HookKind) -> HttpResponse:
    """200 only when the bytes are committed: each statement is its own transaction here (no ATOMIC_REQUESTS)."""
    body = request.read(settings.HOOK_MAX_BYTES + 1)
    truncated = len(body) > settings.HOOK_MAX_BYTES
    message = hooks.receive(
        token=token, kind=kind, body=body[: settings.HOOK_MAX_BYTES], truncated=truncated, now=clock.now()
    )
    if message is None:
        return HttpResponse("not found\n", content_type="text/plain", status=404)
    tasks.hint(tasks.digest, message.pk)
    return HttpResponse("ok\n", content_type="text/plain")
