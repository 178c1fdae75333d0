"""How a command goes out, beside what it asks: what it does at stations in session, in waves or at once, until when."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fleet.models.command import InSession

HOLD_S = 10.0  # wall; how long a person may take a command back before anything of it leaves
PATIENCE = timedelta(hours=24)  # business; what is not sent by then dies visibly
BRAKE_PERCENT = 10
INTERACTIVE_CALLS = 6  # as many slots as people have to themselves in a window


@dataclass(frozen=True)
class Options:
    """`hold_s` is wall time. `send_equal`: also to stations whose last finished value is the wanted one already."""

    in_session: InSession = InSession.PROCEED
    is_canary: bool = False
    brake_percent: int | None = None
    patience: timedelta = PATIENCE
    hold_s: float = 0.0
    send_equal: bool = False


# What a person at a page gets without choosing; the API's callers get Options(send_equal=True).
OF_PAGES = Options(in_session=InSession.WAIT, brake_percent=BRAKE_PERCENT, hold_s=HOLD_S)


def dump(options: Options) -> dict[str, Any]:
    """As JSON for a draft."""
    return {
        "in_session": str(options.in_session),
        "is_canary": options.is_canary,
        "brake_percent": options.brake_percent,
        "patience_s": int(options.patience.total_seconds()),
        "hold_s": options.hold_s,
        "send_equal": options.send_equal,
    }


def load(stored: dict[str, Any]) -> Options:
    """From a draft's JSON; what is missing is as on the pages."""
    plain = dump(OF_PAGES) | stored
    return Options(
        in_session=InSession(plain["in_session"]),
        is_canary=bool(plain["is_canary"]),
        brake_percent=plain["brake_percent"],
        patience=timedelta(seconds=plain["patience_s"]),
        hold_s=float(plain["hold_s"]),
        send_equal=bool(plain["send_equal"]),
    )
