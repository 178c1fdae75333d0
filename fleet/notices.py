"""Notes what the vendor said that we did not expect, once each: stations we do not know, drift from the contract."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Now

import eevion
from fleet.models import Account, DriftNotice, Station, UnknownStation

PATH_CHARS, SAMPLE_CHARS = 200, 500


def unknown_station(*, account: Account, vendor_id: str, seen_in: str, now: datetime) -> UnknownStation | None:
    """Offer a station id for adoption. None when it is ours by now; a dismissed one stays dismissed."""
    name = vendor_id[:100]
    if not name or Station.objects.filter(account=account, vendor_id=name).exists():
        return None
    row, made = UnknownStation.objects.get_or_create(
        account=account,
        vendor_id=name,
        defaults={"seen_in": seen_in[:40], "first_seen_at": now, "last_seen_at": now},
    )
    if not made and row.last_seen_at < now:
        row.last_seen_at = now
        row.save(update_fields=["last_seen_at"])
    return row


def drift(*, account: Account, document: str, drifts: Iterable[eevion.Drift]) -> None:
    """Keep the first sample of each place and kind, and count the others. Seen at wall time, the database's: it is
    about the interface, not about charging."""
    for found in drifts:
        key = {
            "account": account,
            "document": document[:40],
            "path": found.path[:PATH_CHARS],
            "kind": found.kind.value[:20],
        }
        row, made = DriftNotice.objects.get_or_create(
            **key, defaults={"sample": found.sample[:SAMPLE_CHARS], "first_seen_at": Now(), "last_seen_at": Now()}
        )
        if not made:
            DriftNotice.objects.filter(pk=row.pk).update(times=F("times") + 1, last_seen_at=Now())
