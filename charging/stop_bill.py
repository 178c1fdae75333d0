"""What a stop of several sessions means for their drivers: what they pay so far, and what goes on. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from charging import prices, stops
from charging.models import Session
from charging.models.session import StopState


@dataclass(frozen=True)
class StopBill:
    """`to_stop` can be asked to stop; `asked` are being stopped already; `left_out` cannot be, each with the reason."""

    to_stop: list[Session]
    asked: list[Session]
    left_out: list[tuple[Session, str]]
    costs: list[tuple[Decimal, str]]  # read so far of those to stop, one per currency, never added
    without_cost: int
    by_the_minute: int  # their tariff counts on until the cable is out


def bill(sessions: Sequence[Session]) -> StopBill:
    reasons = {session.pk: stops.why_not(session) for session in sessions}
    able = [session for session in sessions if not reasons[session.pk]]
    asked = [session for session in able if session.stop_state in stops.ASKED]
    to_stop = [session for session in able if session.stop_state not in stops.ASKED]
    costs: dict[str, Decimal] = {}
    for session in to_stop:
        if session.cost is not None:
            costs[session.currency] = costs.get(session.currency, Decimal(0)) + session.cost
    return StopBill(
        to_stop=to_stop,
        asked=asked,
        left_out=[(session, reasons[session.pk]) for session in sessions if reasons[session.pk]],
        costs=[(cost, currency) for currency, cost in sorted(costs.items())],
        without_cost=sum(1 for session in to_stop if session.cost is None),
        by_the_minute=sum(1 for session in to_stop if _counts_minutes(session)),
    )


def refused(sessions: Sequence[Session]) -> list[Session]:
    """Those whose stop the vendor refused, and that may be asked again."""
    return [row for row in sessions if row.stop_state == StopState.REFUSED and not stops.why_not(row)]


def _counts_minutes(session: Session) -> bool:
    price = prices.Price.parse(session.tariff)
    return price is not None and price.per_minute > 0
