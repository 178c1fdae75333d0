"""Wrong keys, counted by the address they come from: past a limit they are answered 429, and logged once.

A right key is never slowed, whoever else stands behind the same address. Keys are too long to be guessed; this keeps a
program that goes on with a revoked one from filling the log, and shows an operator that somebody tries.
"""

import logging

from django.core.cache import cache
from django.utils.translation import gettext as _

from api.errors import Refused

LIMIT = 30
WINDOW_S = 60  # wall time, from the first wrong key of an address
log = logging.getLogger(__name__)


def note(address: str) -> None:
    """Count one. Raises Refused 429 `too_many_wrong_keys` past the limit."""
    name = f"wrong-keys:{address}"
    cache.add(name, 0, WINDOW_S)
    try:
        count = cache.incr(name)
    except ValueError:  # it ran out between the two
        return
    if count <= LIMIT:
        return
    if count == LIMIT + 1:
        log.warning("more than %s wrong API keys from %s in %s s", LIMIT, address, WINDOW_S)
    words = _("Too many wrong keys came from this address. Make a new key under Settings, API keys.")
    raise Refused(429, "too_many_wrong_keys", words, retry_after_s=WINDOW_S)
