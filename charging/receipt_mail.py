"""A receipt's link sent by e-mail. The row of the link is the queue: an address without a time waits to be sent."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from charging import receipt_links
from charging.models import ReceiptLink, Session
from lib import advisory
from lib.advisory import Lock
from people.actor import Actor

log = logging.getLogger(__name__)
LOCK = Lock.RECEIPT_MAIL  # with a link's id: its mail is being sent
JUST_SENT = timedelta(minutes=1)  # the same mail asked for again so soon is a second click, not a second wish
ERROR_LIMIT = 300


class Unsendable(Exception):
    """This link cannot be sent; the text says why and what to do."""


@transaction.atomic
def request(*, actor: Actor, link: ReceiptLink, address: str, now: datetime) -> ReceiptLink:
    """Let the link go to an address that was validated; it is sent once the figures are final.

    Asked again while the same mail waits, or just after it went out, changes nothing. Raises Unsendable.
    """
    if not settings.PUBLIC_URL:
        raise Unsendable(_("Set PUBLIC_URL first: a mail cannot say where this installation is reached."))
    row = ReceiptLink.objects.select_for_update(of=("self",)).get(pk=link.pk)
    if row.revoked_at is not None or not row.token:
        raise Unsendable(_("This link does not work any more: make a new one and send that."))
    waits = row.emailed_at is None and not row.email_error
    is_fresh = row.emailed_at is not None and now - row.emailed_at < JUST_SENT
    if row.emailed_to != address or not (waits or is_fresh):
        row.emailed_to, row.emailed_at, row.email_error = address, None, ""
        row.save(update_fields=["emailed_to", "emailed_at", "email_error"])
        receipt_links.note(actor, "mail_requested", link.session, now, to=address)
    return row


def due(limit: int = 50) -> list[int]:
    """Links whose mail waits to be sent. One that failed waits for a person."""
    return list(_due().order_by("id").values_list("pk", flat=True)[:limit])


def state(link: ReceiptLink, session: Session) -> str:
    """How far the mail of a working link is: sent, failed, sending (within seconds), waiting for the final figures, or
    empty where none was asked for."""
    if not link.emailed_to:
        return ""
    if link.emailed_at is not None:
        return "sent"
    if link.email_error:
        return "failed"
    return "sending" if session.final_at else "waiting"


def send(link_id: int, now_fn: Callable[[], datetime]) -> bool:
    """Send a due mail, in no transaction. False when it is not due, another worker has it, or it failed.

    A worker that dies between the mail server's yes and our note of it leaves the mail due: sent twice, never lost.
    """
    with advisory.held(LOCK, link_id) as alone:
        related = [f"session__{name}" for name in receipt_links.RELATED]
        link = _due().filter(pk=link_id).select_related(*related).first() if alone else None
        if link is None:
            return False
        asked = ReceiptLink.objects.filter(pk=link_id, emailed_to=link.emailed_to, emailed_at=None)
        try:
            _message(link).send()
        except Exception as error:  # whatever a mail server does, a person reads it on the page
            log.warning("the receipt of session %s could not be sent: %s", link.session_id, error)
            asked.update(email_error=f"{type(error).__name__}: {error}"[:ERROR_LIMIT])
            return False
        asked.update(emailed_at=now_fn(), email_error="")
        return True


def _due() -> QuerySet[ReceiptLink]:
    rows = ReceiptLink.objects.filter(emailed_at=None, revoked_at=None, email_error="", session__final_at__isnull=False)
    return rows.exclude(emailed_to="")


def _message(link: ReceiptLink) -> EmailMessage:
    receipt = receipt_links.receipt(link.session)
    url = settings.PUBLIC_URL + receipt_links.path(link)
    # A line break in a name would end the subject's line.
    words = {"site": " ".join(receipt.site.split()), "day": receipt.issued}
    return EmailMessage(
        subject=_("Your charging receipt: %(site)s, %(day)s") % words,
        body=render_to_string("charging/receipt.txt", {"receipt": receipt, "url": url}),
        to=[link.emailed_to],
        headers={"Auto-Submitted": "auto-generated"},
    )
