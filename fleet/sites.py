"""Sites: made and changed, with their time zone checked against the zones that exist."""

from datetime import datetime

from django.db import transaction

from fleet.models import Site
from fleet.models.site import zones
from people import audit
from people.actor import Actor

__all__ = ["save", "zones"]


def save(*, actor: Actor, site: Site, now: datetime) -> Site:
    """Write a new or changed site, and note it."""
    verb = "site.changed" if site.pk else "site.created"
    with transaction.atomic():
        site.save()
        audit.record(actor=actor, verb=verb, subject=site.name, now=now)
    return site
