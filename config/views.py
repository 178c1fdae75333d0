"""Pages of the house itself: health, readiness, the error pages."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and every migration is applied. The broker may be down: the pages still work."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
    except (OperationalError, InterfaceError):
        connection.close()
        return JsonResponse({"ready": False, "database": "away"}, status=503)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    answer = JsonResponse({"ready": not waiting, "migrations_waiting": len(waiting)}, status=503 if waiting else 200)
    if settings.READY_TOKEN:
        answer.headers["X-Ready-Token"] = settings.READY_TOKEN
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", {"reason": reason}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What could not be read. Too long is the one case that a person runs into; a wrong host is left to 400 plainly."""
    too_long = isinstance(exception, RequestDataTooBig | TooManyFieldsSent)
    if isinstance(exception, SuspiciousOperation) and not too_long:
        return HttpResponse("bad request\n", content_type="text/plain", status=400)
    megabytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
    return render(request, "400.html", {"too_long": too_long, "megabytes": megabytes}, status=400)
