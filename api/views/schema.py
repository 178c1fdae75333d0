"""The OpenAPI schema, the page that explains it, and what answers an address that does not exist."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import reference


class Schema(SpectacularAPIView):
    pass


def docs(request: HttpRequest) -> HttpResponse:
    """Open to all, as the schema is; a signed-in person keeps the rail."""
    layout = "base.html" if getattr(request, "actor", None) else "plain.html"
    root = request.build_absolute_uri("/").rstrip("/")
    return render(request, "api/docs.html", {"layout": layout, "reference": reference.read(), "root": root})


@extend_schema(exclude=True)
@api_view(["GET", "POST", "PUT", "PATCH", "DELETE"])
def unknown(request: Request, rest: str) -> Response:
    raise Http404
