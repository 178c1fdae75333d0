"""What happens now: sessions, their readings and timeline, the vendor's exceptions."""

from charging.models.exception import StationException
from charging.models.reading import Reading
from charging.models.session import Session, SessionEvent

__all__ = ["Reading", "Session", "SessionEvent", "StationException"]
