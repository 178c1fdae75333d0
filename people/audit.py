"""Writes the audit trail. Called by domain modules inside the transaction that makes the change."""

from datetime import datetime
from typing import Any

from people.actor import Doer
from people.models import AuditEntry


def record(*, actor: Doer, verb: str, subject: str, now: datetime, **details: Any) -> AuditEntry:
    """verb is `<noun>.<past participle>`, subject a name that a person knows; details must be plain JSON values."""
    return AuditEntry.objects.create(
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        api_key_id=actor.api_key_id,
        actor_label=actor.label,
        verb=verb,
        subject=subject[:200],
        details=details,
        occurred_at=now,
    )
