"""Corrections: the vendor names other figures after a session was final. Nothing changes until a person decides, and
whatever is decided, both sets of figures are kept (OCPI: a charge record is never edited)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import transaction
from django.utils.translation import gettext as _

from charging import quantities, timeline
from charging.models import Correction, Reading, Session
from charging.models.correction import CorrectionDecision
from eevion import SessionDocument, SessionStatus
from people import audit
from people.actor import Actor


class AlreadyDecided(Exception):
    """Somebody was faster, or a newer correction took its place."""


@dataclass(frozen=True)
class Final:
    """The figures that are final: kWh, money, seconds. None: never said."""

    energy_kwh: Decimal | None
    cost: Decimal | None
    duration_s: int | None

    NAMES: ClassVar[tuple[str, ...]] = ("energy_kwh", "cost", "duration_s")


def of(session: Session) -> Final:
    return Final(session.energy_kwh, session.cost, session.duration_s)


def said(session: Session, document: SessionDocument) -> Final:
    """What the document makes of the figures; what it does not say stays. Money in another currency is not taken."""
    known = of(session)
    same_money = document.currency in (None, session.currency)
    cost = quantities.money(document.cost) if same_money else None
    return Final(
        _first(quantities.energy_kwh(document.energy_kwh), known.energy_kwh),
        _first(cost, known.cost),
        known.duration_s if document.duration_s is None else document.duration_s,
    )


def record(session: Session, document: SessionDocument, reading: Reading, now: datetime) -> Correction | None:
    """Of a locked, final session and a new document. A newer one takes the place of one that nobody decided yet.
    None, where the figures are the final ones or the answer is older than the end."""
    if document.status not in (None, SessionStatus.COMPLETED, session.state):
        return None  # an answer that was on its way for long
    before, after = of(session), said(session, document)
    Correction.objects.filter(session=session, decision=CorrectionDecision.OPEN).update(
        decision=CorrectionDecision.KEPT, decided_at=now, decided_by_label=""
    )
    if before == after or _is_declined(session, after):
        return None
    figures = {f"{name}_before": getattr(before, name) for name in Final.NAMES}
    figures |= {f"{name}_after": getattr(after, name) for name in Final.NAMES}
    text = _("The vendor now says %(after)s instead of %(before)s. The final figures stand until somebody decides.")
    words = {"before": _words(before, session.currency), "after": _words(after, session.currency)}
    timeline.note(session, kind="correction", text=text % words, now=now)
    return Correction.objects.create(session=session, reading=reading, recorded_at=now, **figures)


def _is_declined(session: Session, after: Final) -> bool:
    """A person has kept the final figures against these already, and nothing else was said since."""
    last = Correction.objects.filter(session=session).order_by("-pk").first()
    if last is None or last.decision != CorrectionDecision.KEPT or not last.decided_by_label:
        return False
    return all(getattr(last, f"{name}_after") == getattr(after, name) for name in Final.NAMES)


def decide(*, actor: Actor, correction: Correction, accept: bool, now: datetime) -> Correction:
    """Take the vendor's newer figures, or keep the final ones. Raises AlreadyDecided."""
    with transaction.atomic():
        session = Session.objects.select_for_update().get(pk=correction.session_id)
        row = Correction.objects.select_for_update().get(pk=correction.pk)
        if row.decision != CorrectionDecision.OPEN:
            raise AlreadyDecided(_("This correction is decided already. Reload the page to see how it stands."))
        row.decision = CorrectionDecision.ACCEPTED if accept else CorrectionDecision.KEPT
        row.decided_at, row.decided_by_label = now, actor.label[:160]
        row.save()
        if accept:
            for name in Final.NAMES:
                setattr(session, name, getattr(row, f"{name}_after"))
        session.save()  # also where nothing changed: whoever watches sees that it is decided
        text = (
            _("Correction accepted: the vendor's newer figures are final.")
            if accept
            else _("Correction not accepted: the final figures stand.")
        )
        timeline.note(session, kind="correction", text=text, now=now, actor_label=actor.label)
        verb = "session.correction_accepted" if accept else "session.correction_kept"
        audit.record(actor=actor, verb=verb, subject=str(session.public_id), now=now)
    return row


def _first(value: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if value is None else value


def _words(figures: Final, currency: str) -> str:
    energy = "–" if figures.energy_kwh is None else f"{figures.energy_kwh} kWh"
    cost = "–" if figures.cost is None else f"{figures.cost} {currency}"
    return f"{energy}, {cost}" if figures.duration_s is None else f"{energy}, {cost}, {figures.duration_s} {_('s')}"
