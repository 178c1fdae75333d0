"""How quantities, money, durations and moments are written: plain text, the same everywhere. No HTML, no units here."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _

MINUS = "−"
ROUNDING = Context(prec=400, rounding=ROUND_HALF_UP)  # wide enough for any float: showing a figure never fails
Number = int | float | Decimal
# Currencies of today whose amounts have other than two decimals: ISO 4217, minor units.
WHOLE = frozenset((
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
))  # fmt: skip
THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def number(value: Number, decimals: int = 0) -> str:
    """`1,284.5`: grouped thousands, rounded half up, a true minus sign, never "−0"."""
    rounded = exact(value).quantize(Decimal(1).scaleb(-decimals), context=ROUNDING)
    text = _localized(f"{abs(rounded):,f}")
    return MINUS + text if rounded < 0 else text


def cents(currency: str) -> int:
    """How many decimals an amount in this currency has (ISO 4217, minor units)."""
    return 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2


def money(value: Number, currency: str) -> str:
    """An amount in the currency's own decimals, without its name: `12.40`, `1,240` of JPY, `1.240` of KWD."""
    return number(value, cents(currency))


def price(value: Number, least: int = 2) -> str:
    """A unit price: two decimals, or as many as it has (at most six), so that 0.4275 is not shown as 0.43."""
    digits = -int(exact(value).normalize().as_tuple().exponent)
    return number(value, min(6, max(least, digits)))


def exact(value: Number) -> Decimal:
    """The number as people read it: a float by its shortest text, never by its binary tail."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def duration(value: Number | timedelta) -> str:
    """`h:mm` of a timedelta or of seconds; whole minutes, cut off, as a clock shows them."""
    total_s = int(value.total_seconds() if isinstance(value, timedelta) else value)
    minutes = abs(total_s) // 60
    return f"{MINUS if total_s <= -60 else ''}{minutes // 60}:{minutes % 60:02d}"


def age(value: Number | timedelta) -> str:
    """`48 s`, `12 min`, `3 h`, `2 d`: one unit, cut off; a future moment is `0 s`."""
    seconds = max(0, int(value.total_seconds() if isinstance(value, timedelta) else value))
    for size, unit in ((86_400, _("d")), (3600, _("h")), (60, _("min"))):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} {_('s')}"


def day(value: date) -> str:
    """`23 Nov 2026`. A datetime must have been moved to its zone before."""
    return formats.date_format(value, _("j M Y"), use_l10n=False)


def minute(value: datetime, *, with_date: bool = True, with_year: bool = True) -> str:
    """`23 Nov 2026, 14:32` of a datetime that was moved to its zone before."""
    if not with_date:
        return f"{value:%H:%M}"
    return formats.date_format(value, _("j M Y, H:i") if with_year else _("j M, H:i"), use_l10n=False)


def zone_name(value: datetime) -> str:
    """`EST`; zones without letters get `UTC−3` instead of a bare number."""
    name = value.tzname() or "UTC"
    if name[:1] not in "+-":
        return name
    hours, minutes = int(name[1:3]), name[3:5]
    return f"UTC{MINUS if name[0] == '-' else '+'}{hours}" + (f":{minutes}" if minutes.strip("0") else "")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises ZoneInfoNotFoundError for anything else."""
    return ZoneInfo(name)


def _localized(text: str) -> str:
    point, comma = formats.get_format("DECIMAL_SEPARATOR"), formats.get_format("THOUSAND_SEPARATOR")
    if (point, comma) == (".", ","):
        return text
    return text.replace(",", "\0").replace(".", str(point)).replace("\0", str(comma))
