"""How long nobody may answer about a session before its figures count as not known: no estimate, a gap in a curve."""

from django.conf import settings

from lib import clock

LEAST_S = 300.0  # business seconds
MISSED_READS = 4


def horizon_s() -> float:
    """Business seconds: four missed reads, at least five minutes."""
    return max(LEAST_S, MISSED_READS * settings.READ_EVERY_S * clock.speed())
