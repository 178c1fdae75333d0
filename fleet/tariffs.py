"""Tariffs: the vendor's fee structures as the operator typed them. The vendor offers no list to read."""

from datetime import datetime

from django.db import transaction

from fleet.models import Tariff
from people import audit
from people.actor import Actor


def save(*, actor: Actor, tariff: Tariff, now: datetime) -> Tariff:
    """Write a new or changed tariff, and note it with its prices: a price is money."""
    verb = "tariff.changed" if tariff.pk else "tariff.created"
    prices = {name: str(getattr(tariff, name)) for name in ("price_per_kwh", "price_per_minute", "price_per_start")}
    with transaction.atomic():
        tariff.save()
        audit.record(actor=actor, verb=verb, subject=tariff.name, now=now, fee_id=tariff.fee_id, **prices)
    return tariff
