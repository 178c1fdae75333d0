"""Lists by cursor: `results`, and `next` and `previous` as addresses to follow until they are null."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of a list."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="Rows a page: 100 unless told, at most 500."),
]


class Cursor(CursorPagination):
    page_size = 100
    max_page_size = 500
    page_size_query_param = "limit"


def answer(
    request: Request,
    rows: QuerySet[Any],
    show: Callable[[Sequence[Any]], Any],
    *,
    ordering: str = "id",
) -> Response:
    """ordering is `id` or `-id`: a cursor needs an order that never changes."""
    cursor = Cursor()
    cursor.ordering = ordering
    page = cursor.paginate_queryset(rows.order_by(ordering), request)
    return cursor.get_paginated_response(show(page or []))


def of(name: str, rows: serializers.BaseSerializer[Any]) -> serializers.Serializer[Any]:
    """The shape of a list, for the schema."""
    address = serializers.URLField(allow_null=True)
    return inline_serializer(f"{name}Page", {"next": address, "previous": address, "results": rows})
