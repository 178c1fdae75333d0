"""Lists by cursor: `results`, and `next` and `previous` as addresses to follow until they are null."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from api import filters

ID = re.compile(r"[0-9]{1,18}", re.ASCII)
PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of a list."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="Rows a page: 100 unless told, at most 500."),
]


MOST = 500


class Cursor(CursorPagination):
    page_size = 100

    def get_page_size(self, request: Request) -> int | None:
        limit = filters.whole_number(request, "limit")
        if limit is not None and not 0 < limit <= MOST:
            raise ValidationError({"limit": [_("Write a number from 1 to %(most)s.") % {"most": MOST}]})
        return limit or self.page_size

    def decode_cursor(self, request: Request) -> Any:
        """A cursor is ours or it is refused: its position is an id, which the database must be able to compare."""
        wrong = ValidationError({"cursor": [_("Take the cursor from `next` or `previous` of a list.")]})
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise wrong from error
        if cursor is not None and not ID.fullmatch(str(cursor.position or 0)):
            raise wrong
        return cursor


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
