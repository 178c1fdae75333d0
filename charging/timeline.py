"""What happened to a session, told in its order. Written by domain modules inside the transaction of the change."""

from datetime import datetime
from typing import Any

from charging.models import Session, SessionEvent

TEXT_LIMIT = 500


def note(
    session: Session, *, kind: str, text: str, now: datetime, actor_label: str = "", data: dict[str, Any] | None = None
) -> SessionEvent:
    """`text` is a finished sentence for people; an empty `actor_label` means the vendor or the system."""
    return SessionEvent.objects.create(
        session=session,
        occurred_at=now,
        kind=kind,
        text=text[:TEXT_LIMIT],
        actor_label=actor_label[:160],
        data=data or {},
    )
