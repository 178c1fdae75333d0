"""GET sites, one site."""

from django.shortcuts import get_object_or_404
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from api import examples, gate, pages, serializers
from api.described import operation
from fleet.models import Site
from people.roles import Permission


@operation(
    "list_sites",
    {200: pages.of("Site", serializers.Site(many=True))},
    "invalid",
    example=examples.page(examples.SITE),
    parameters=pages.PARAMETERS,
)
@api_view(["GET"])
def sites(request: Request) -> Response:
    """The sites you see, by id."""
    actor = gate.require(request, Permission.VIEW)
    return pages.answer(request, Site.objects.visible_to(actor), lambda rows: serializers.Site(rows, many=True).data)


@operation("get_site", {200: serializers.Site}, "not_found", example=examples.SITE)
@api_view(["GET"])
def site(request: Request, pk: int) -> Response:
    """One site."""
    actor = gate.require(request, Permission.VIEW)
    return Response(serializers.Site(get_object_or_404(Site.objects.visible_to(actor), pk=pk)).data)
