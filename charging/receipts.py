"""What a receipt says of a session, as plain values: pure, and the same for the page, the print and the PDF.

Amounts are the vendor's; the tariff kept from the start only explains them. Links live in receipt_links.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from charging import prices
from charging.models import Correction, Session
from charging.models.correction import CorrectionDecision
from charging.models.session import OPEN
from lib import figures

# Crockford's digits: no I, L, O and U, so that a number read out over the telephone comes back as the same number.
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKALIKES = str.maketrans("ILO", "110")
NUMBER_DIGITS = 12  # the first 60 bits of the public id, 56 of them random
CORRECTED = re.compile("(C[0-9]*)?")  # what an accepted correction adds to the number
TAIL_BITS = 128 - 5 * NUMBER_DIGITS
DASH = "–"
SECONDS_A_MINUTE = 60


@dataclass(frozen=True)
class Fact:
    label: str
    value: str  # finished text


@dataclass(frozen=True)
class Line:
    """A part of the total. The amounts of a receipt's lines add up to its total, to the last digit."""

    label: str
    detail: str  # "12.418 kWh × 0.35 CAD/kWh"
    amount: Decimal
    shown: str  # with the total's decimals


@dataclass(frozen=True)
class Receipt:
    """Quantities as the session has them, None where the vendor did not say; `issued_at` is None until it is final."""

    number: str
    issuer: str
    issued_at: datetime | None
    dated_at: datetime  # the same, or when the session was asked for
    site: str
    address: str
    zone: str
    where: tuple[Fact, ...]
    when: tuple[Fact, ...]
    energy_kwh: Decimal | None
    charging_s: int | None
    idle_s: int | None
    tariff: str
    lines: tuple[Line, ...]
    total: Decimal | None
    currency: str
    changes: tuple[Fact, ...]  # accepted corrections: when, and what became what
    notes: tuple[str, ...]

    @property
    def is_final(self) -> bool:
        return self.issued_at is not None

    @property
    def energy(self) -> str:
        """`12.418`, without its unit; a dash where the vendor did not say."""
        return DASH if self.energy_kwh is None else figures.number(self.energy_kwh, 3)

    @property
    def amount(self) -> str:
        """The total without its currency, with all its decimals; a dash where the vendor did not say."""
        return DASH if self.total is None else amount(self.total, self.currency)

    @property
    def issued(self) -> str:
        """`23 Nov 2026`, the local day on which the figures became final; empty before."""
        return figures.day(self.issued_at.astimezone(figures.zone(self.zone))) if self.issued_at else ""


def of(session: Session, corrections: Iterable[Correction] = ()) -> Receipt:
    """The session's site, station, connector and organisation must be loaded."""
    known = list(corrections)
    accepted = [row for row in known if row.decision == CorrectionDecision.ACCEPTED]
    charging_s = session.charging_s if session.started_at and session.charging_ended_at else None
    tariff = session.tariff if session.tariff and session.tariff.get("currency") == session.currency else {}
    return Receipt(
        number=number(session.public_id) + (f"-C{len(accepted)}" if accepted else ""),
        issuer=session.organisation.name,
        issued_at=session.final_at,
        dated_at=session.final_at or session.requested_at,
        site=session.site.name,
        address=session.site.address,
        zone=session.site.timezone,
        where=tuple(_where(session)),
        when=tuple(_when(session, charging_s)),
        energy_kwh=session.energy_kwh,
        charging_s=charging_s,
        idle_s=session.idle_s,
        tariff=str(tariff.get("name", "")),
        lines=_lines(session, prices.Price.parse(tariff)),
        total=session.cost,
        currency=session.currency,
        changes=tuple(_change(row, session) for row in accepted),
        notes=tuple(_notes(session, bool(tariff), [row for row in known if row.decision == CorrectionDecision.OPEN])),
    )


def number(public_id: UUID) -> str:
    """`7F3K-9Q2M-X4TD`: the beginning of the public id, so that a session is found again by it."""
    head = public_id.int >> TAIL_BITS
    text = "".join(DIGITS[head >> 5 * place & 31] for place in reversed(range(NUMBER_DIGITS)))
    return "-".join(text[start : start + 4] for start in range(0, NUMBER_DIGITS, 4))


def numbered(text: str) -> Q | None:
    """The condition on sessions that finds a receipt's number as a person typed it; None for any other text."""
    typed = "".join(text.upper().split()).replace("-", "")
    digits, suffix = typed[:NUMBER_DIGITS].translate(LOOKALIKES), typed[NUMBER_DIGITS:]
    if len(digits) != NUMBER_DIGITS or set(digits) - set(DIGITS) or not CORRECTED.fullmatch(suffix):
        return None
    head = sum(DIGITS.index(digit) << 5 * place for place, digit in enumerate(reversed(digits)))
    first, last = head << TAIL_BITS, ((head + 1) << TAIL_BITS) - 1
    return Q(public_id__gte=UUID(int=first), public_id__lte=UUID(int=last))


def amount(value: Decimal | int, currency: str) -> str:
    """Money as it is, with all its decimals, at least those of the currency: `4.35`, `4.3463`; `435` of JPY."""
    return figures.price(value, figures.cents(currency))


def moment(at: datetime, zone: str) -> str:
    """`23 Nov 2026, 14:32 EST`."""
    local_at = at.astimezone(figures.zone(zone))
    return f"{figures.minute(local_at)} {figures.zone_name(local_at)}"


def span(duration_s: int) -> str:
    """`1 h 32 min`; below a minute `45 s`; nothing is `none`. Cut off, as a clock shows it."""
    if duration_s == 0:
        return _("none")
    if duration_s < SECONDS_A_MINUTE:
        return f"{duration_s} {_('s')}"
    hours, minutes = divmod(duration_s // SECONDS_A_MINUTE, 60)
    return f"{hours} {_('h')} {minutes} {_('min')}" if hours else f"{minutes} {_('min')}"


def _where(session: Session) -> Iterator[Fact]:
    # The station's own name, and its id only where it has none: the id is the vendor's word.
    yield Fact(_("Station"), session.station.name or session.station.vendor_id)
    if session.connector:
        yield Fact(_("Connector"), str(session.connector.number))
    if session.reference:
        yield Fact(_("Reference"), session.reference)


def _when(session: Session, charging_s: int | None) -> Iterator[Fact]:
    zone = session.site.timezone
    moments = (
        (_("Charging began"), session.started_at),
        (_("Charging ended"), session.charging_ended_at),
        (_("Unplugged"), session.completed_at),
    )
    for label, at in moments:
        if at is not None:
            yield Fact(label, moment(at, zone))
    spans = (
        (_("Charging time"), charging_s),
        (_("Idle time"), session.idle_s),
        (_("Time in all"), session.duration_s),
    )
    for label, duration_s in spans:
        if duration_s is not None:
            yield Fact(label, span(duration_s))


def _lines(session: Session, price: prices.Price | None) -> tuple[Line, ...]:
    """The tariff's parts, rounded to the total's own decimals, and one more line for what they leave of the total."""
    if price is None or session.cost is None:
        return ()
    decimals = max(figures.cents(session.currency), -int(session.cost.normalize().as_tuple().exponent))
    step = Decimal(1).scaleb(-decimals)
    exact = list(_parts(session, price))
    parts = [(label, detail, value.quantize(step, ROUND_HALF_UP)) for label, detail, value in exact]
    rest = session.cost - sum((value for *_words, value in parts), Decimal(0))
    if rest:
        is_rounding = abs(session.cost - sum((value for *_words, value in exact), Decimal(0))) <= step
        parts.append((_("Rounding") if is_rounding else _("Not explained by this tariff"), "", rest))
    return tuple(Line(label, detail, value, figures.number(value, decimals)) for label, detail, value in parts)


def _parts(session: Session, price: prices.Price) -> Iterator[tuple[str, str, Decimal]]:
    """What the tariff asks for what the vendor measured: label, detail, amount not rounded."""
    unit = price.currency
    if price.per_kwh and session.energy_kwh is not None:
        detail = f"{figures.number(session.energy_kwh, 3)} kWh × {amount(price.per_kwh, unit)} {unit}/kWh"
        yield _("Energy"), detail, price.per_kwh * session.energy_kwh
    if price.per_minute and session.duration_s is not None:
        minutes = Decimal(session.duration_s) / SECONDS_A_MINUTE
        shown = figures.number(minutes, 0 if session.duration_s % SECONDS_A_MINUTE == 0 else 2)
        detail = f"{shown} {_('min')} × {amount(price.per_minute, unit)} {unit}/{_('min')}"
        yield _("Time"), detail, price.per_minute * minutes
    if price.per_start:
        yield _("Start"), _("once"), price.per_start


def _change(row: Correction, session: Session) -> Fact:
    parts = []
    if row.energy_kwh_before != row.energy_kwh_after:
        parts.append(_became(_("energy"), row.energy_kwh_before, row.energy_kwh_after, "kWh", 3))
    if row.duration_s_before != row.duration_s_after:
        parts.append(_became(_("time"), row.duration_s_before, row.duration_s_after, _("s"), 0))
    if row.cost_before != row.cost_after:
        parts.append(_became(_("cost"), row.cost_before, row.cost_after, session.currency, None))
    return Fact(moment(row.decided_at or row.recorded_at, session.site.timezone), "; ".join(parts))


def _became(name: str, before: Decimal | int | None, after: Decimal | int | None, unit: str, places: int | None) -> str:
    """`cost 4.35 → 4.10 CAD`; without places a figure keeps all its decimals."""
    said = (before, after)
    shown = [DASH if v is None else amount(v, unit) if places is None else figures.number(v, places) for v in said]
    return f"{name} {shown[0]} → {shown[1]} {unit}"


def _notes(session: Session, has_tariff: bool, undecided: list[Correction]) -> Iterator[str]:
    if session.final_at is None:
        yield _not_final(session)
    if undecided:
        yield _("The charging network has since reported other figures. They are being checked.")
    if session.cost is None:
        yield _("The charging network reported no cost.")
    else:
        yield _("The total is the charging network's own figure. It does not report taxes separately.")
        if not has_tariff:
            yield _("The price that was valid at the start is not known, so the total is not broken down.")
    yield _("All times are local to the site (%(zone)s).") % {"zone": session.site.timezone}


def _not_final(session: Session) -> str:
    if session.state in OPEN:
        return _("Not final yet: the session is still open, and these are the figures so far.")
    return _("Not final yet: the charging network has not confirmed these figures.")
