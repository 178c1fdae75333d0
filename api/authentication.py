"""API keys: `Authorization: Bearer ch_live_…`."""

from rest_framework.authentication import BaseAuthentication


class KeyAuthentication(BaseAuthentication):
    pass
