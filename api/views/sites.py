"""GET sites, one site."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import gate, pages, serializers
from fleet.models import Site
from people.roles import Permission


@extend_schema(
    operation_id="list_sites", responses=pages.of("Site", serializers.Site(many=True)), parameters=pages.PARAMETERS
)
@api_view(["GET"])
def sites(request: Request) -> Response:
    """The sites you see, by id."""
    actor = gate.require(request, Permission.VIEW)
    return pages.answer(request, Site.objects.visible_to(actor), lambda rows: serializers.Site(rows, many=True).data)


@extend_schema(operation_id="get_site", responses=serializers.Site)
@api_view(["GET"])
def site(request: Request, pk: int) -> Response:
    """One site."""
    actor = gate.require(request, Permission.VIEW)
    return Response(serializers.Site(get_object_or_404(Site.objects.visible_to(actor), pk=pk)).data)
