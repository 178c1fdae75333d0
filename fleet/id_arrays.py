"""Thousands of ids in a query as one array: as one parameter each they cost more than the query itself."""

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def among(ids: Iterable[int]) -> RawSQL:
    """For `pk__in` and its like."""
    return RawSQL("SELECT unnest(%s::bigint[])", [f"{{{','.join(map(str, ids))}}}"])
