"""What happens now: sessions, their readings and timeline, plans and rules, the vendor's exceptions."""

from charging.models.correction import Correction
from charging.models.exception import StationException
from charging.models.reading import Reading
from charging.models.session import Session, SessionEvent
from charging.models.shared_link import ReceiptLink, WallLink
from charging.models.start_plan import PlannedStart, StartPlan
from charging.models.stop_rule import StopRule

__all__ = [
    "Correction",
    "PlannedStart",
    "Reading",
    "ReceiptLink",
    "Session",
    "SessionEvent",
    "StartPlan",
    "StationException",
    "StopRule",
    "WallLink",
]
