"""Links by which a driver sees one receipt without signing in: made, revoked, found.

What the receipt says lives in receipts; sending a link by e-mail in receipt_mail.
"""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from charging import receipts
from charging.models import ReceiptLink, Session
from charging.models.correction import CorrectionDecision
from lib import secrets
from people import audit
from people.actor import Actor

RELATED = ("organisation", "site", "station", "connector")  # what a receipt speaks of


@transaction.atomic
def create(*, actor: Actor, session: Session, now: datetime) -> ReceiptLink:
    """The session's working link; a second call returns the same one until it is revoked."""
    Session.objects.select_for_update(of=("self",)).get(pk=session.pk)  # two clicks at once make one link
    there = latest(session)
    if there is not None and there.revoked_at is None:
        return there
    token = secrets.new_token()
    link = ReceiptLink.objects.create(
        session=session,
        token=token,
        token_sha256=secrets.fingerprint(token),
        created_at=now,
        created_by_label=actor.label[:160],
    )
    note(actor, "link_created", session, now)
    return link


@transaction.atomic
def revoke(*, actor: Actor, session: Session, now: datetime) -> None:
    """Every link of the session stops working, and a mail that waits is not sent. A second call changes nothing."""
    if ReceiptLink.objects.filter(session=session, revoked_at=None).update(revoked_at=now):
        note(actor, "link_revoked", session, now)


def latest(session: Session) -> ReceiptLink | None:
    return ReceiptLink.objects.filter(session=session).order_by("-created_at", "-id").first()


def find(token: str) -> ReceiptLink | None:
    """The link that this token opens, with its session; None for an unknown and for a revoked one."""
    rows = ReceiptLink.objects.filter(token_sha256=secrets.fingerprint(token), revoked_at=None)
    return rows.select_related(*(f"session__{name}" for name in RELATED)).first()


def note_opened(link: ReceiptLink, now: datetime) -> None:
    """Keep the first time."""
    ReceiptLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=now)


def receipt(session: Session) -> receipts.Receipt:
    """One query more; `RELATED` should be loaded."""
    return receipts.of(session, session.corrections.exclude(decision=CorrectionDecision.KEPT))


def path(link: ReceiptLink) -> str:
    """The address below our root; empty when the token was encrypted with a key that is gone."""
    return reverse("receipt", args=[link.token]) if link.token else ""


def note(actor: Actor, what: str, session: Session, now: datetime, **details: str) -> None:
    """One entry of the audit trail; never the token."""
    audit.record(
        actor=actor,
        verb=f"session.receipt_{what}",
        subject=str(session.station),
        now=now,
        session=str(session.public_id),
        **details,
    )
