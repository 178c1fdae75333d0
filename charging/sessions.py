"""The calls on a charging session, in one place: start, stop, decide, read, and take what the vendor says.

How each works lives in admission, starts, stops, decisions, readings and settling.
"""

from charging.admission import NoSuchConnector, StationBlocked, StationBusy, StationUnavailable
from charging.decisions import NothingToDecide, decide, is_lost
from charging.readings import hurry, read
from charging.settling import ForbiddenMove, apply
from charging.starts import request_start, send_start
from charging.stops import NotStoppable, request_many, request_stop, send_stop

__all__ = [
    "ForbiddenMove",
    "NoSuchConnector",
    "NotStoppable",
    "NothingToDecide",
    "StationBlocked",
    "StationBusy",
    "StationUnavailable",
    "apply",
    "decide",
    "hurry",
    "is_lost",
    "read",
    "request_many",
    "request_start",
    "request_stop",
    "send_start",
    "send_stop",
]
