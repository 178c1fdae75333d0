"""Digests what arrived by webhook, once each, from the row. A body is a hint: the token says what it is about, and
figures come from a fresh read. Receiving lives in fleet/hooks.py."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import eevion
from charging import corrections, exceptions, settling, timeline
from charging.models import Session
from charging.models.session import State
from fleet import commands, hooks, notices
from fleet.models import ManageCall, RawMessage
from fleet.models.message import HookKind

log = logging.getLogger(__name__)
STATUS_CHARS = 40


class Undigestible(Exception):
    """The message cannot be made use of; its row keeps this sentence."""


def digest(message_id: int, now: datetime) -> Session | None:
    """Take one message, in one transaction. Returns the session to read now, if it is about one.

    One that cannot be digested is pushed ahead with its error, whatever the error; a second call does nothing.
    """
    message: RawMessage | None = None
    try:
        with transaction.atomic():
            message = hooks.lock(message_id)
            if message is None:
                return None
            session = _take(message, now)
            hooks.digested(message, now)
            return session
    except (eevion.UnexpectedPayload, Undigestible) as error:
        if message is not None:
            hooks.failed(message, str(error))
    except Exception as error:
        # A fault of ours must not stop the line: the message waits, and is shown with the error.
        log.exception("webhook message could not be digested")
        if message is not None:
            hooks.failed(message, f"{type(error).__name__}: {error}")
    return None


def _take(message: RawMessage, now: datetime) -> Session | None:
    kind = message.token.kind
    if kind == HookKind.SESSION:
        return _session(message, now)
    if message.truncated:
        raise Undigestible(_("The message is too long; only its beginning was kept."))
    if kind == HookKind.JOB:
        _job(message, now)
    else:
        payload = eevion.parse_exception_webhook(bytes(message.body))
        account = message.token.account
        notices.drift(account=account, document="exception", drifts=payload.drift)
        exceptions.apply(account=account, payload=payload, now=now)
    return None


def _job(message: RawMessage, now: datetime) -> None:
    if not ManageCall.objects.filter(token=message.token).exists():
        raise Undigestible(_("No call to the vendor belongs to this URL any more."))
    commands.digest_job(message=message, now=now)


def _session(message: RawMessage, now: datetime) -> Session | None:
    """Whatever the body says, the token proves that this start reached the vendor and that something came of it."""
    row = Session.objects.select_for_update().filter(token=message.token).first()
    if row is None:
        raise Undigestible(_("No session belongs to this URL any more."))
    document, trouble = _parsed(message)
    if document is None and not row.vendor_session_id:
        raise Undigestible(_("%(error)s And the vendor's id of the session is not known yet.") % {"error": trouble})
    if document is not None:
        notices.drift(account=message.token.account, document="session", drifts=document.drift)
        said = (document.status_text or "")[:STATUS_CHARS]
        text = _("Webhook: “%(status)s”. Reading the session for its final figures.") % {"status": said}
        timeline.note(row, kind="webhook", text=text, now=now)
        _learn(row, document, now)
    else:
        text = _("A webhook came that cannot be read (%(error)s). Reading the session itself.") % {"error": trouble}
        timeline.note(row, kind="webhook", text=text, now=now)
    is_final = row.state == State.COMPLETED and row.final_at is not None
    if row.vendor_session_id and not (is_final and _says_the_same(row, document)):
        row.hurry, row.read_claimed_until = True, None
    row.save()
    settling.report(row, now)
    return row if row.hurry else None


def _says_the_same(row: Session, document: eevion.SessionDocument | None) -> bool:
    """A doubled webhook is not worth a request; one with other figures than the final ones may be a correction."""
    return document is None or corrections.said(row, document) == corrections.of(row)


def _parsed(message: RawMessage) -> tuple[eevion.SessionDocument | None, str]:
    if message.truncated:
        return None, _("The message is too long; only its beginning was kept.")
    try:
        return eevion.parse_session_webhook(bytes(message.body)), ""
    except eevion.UnexpectedPayload as error:
        return None, error.message


def _learn(row: Session, document: eevion.SessionDocument, now: datetime) -> None:
    """A start whose answer is missing is settled by its own webhook: it happened, under this id."""
    known = settling.learn_vendor_id(row, document.session_id, now)
    if not known or row.state not in (State.REQUESTED, State.UNKNOWN, State.ABANDONED):
        return
    settling.move(row, State.PENDING, now)
    row.accepted_at, row.due_at, row.claimed_until, row.attempts, row.error = now, None, None, 0, ""
    text = _("It did start: the vendor's webhook names it.")
    timeline.note(row, kind="accepted", text=text, now=now)
