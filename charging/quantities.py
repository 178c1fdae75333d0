"""The steps in which a session's figures rest: kWh and kW to 0.001, money to 0.0001, half up; None stays None."""

from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

STEP_KWH = Decimal("0.001")
STEP_KW = Decimal("0.001")
STEP_MONEY = Decimal("0.0001")
Figure = TypeVar("Figure", Decimal, Decimal | None)


def energy_kwh(value: Figure) -> Figure:
    return None if value is None else value.quantize(STEP_KWH, ROUND_HALF_UP)


def power_kw(value: Figure) -> Figure:
    return None if value is None else value.quantize(STEP_KW, ROUND_HALF_UP)


def money(value: Figure) -> Figure:
    return None if value is None else value.quantize(STEP_MONEY, ROUND_HALF_UP)
