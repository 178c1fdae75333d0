"""API keys: `Authorization: Bearer ch_live_…`. The key's membership becomes the request's actor."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api import wrong_keys
from lib import clock
from people import api_keys
from people.access import actor_for
from people.models import ApiKey, User

SCHEME = "Bearer"


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """None without the header. Raises AuthenticationFailed for a key that is unknown or revoked, and after too many
        of them Refused 429."""
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        key = api_keys.find(plain.strip()) if scheme.lower() == SCHEME.lower() else None
        if key is None:
            wrong_keys.note(request.META.get("REMOTE_ADDR", ""))
            raise AuthenticationFailed
        api_keys.note_use(key=key, now=clock.now())
        request.actor = actor_for(key.membership, api_key=key)  # type: ignore[attr-defined]
        return key.membership.user, key

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key made under Settings, API keys."}
