"""The gate of the API: the key's actor, held to its role. What is foreign is absent (404); a lacking right says so."""

from django.utils.translation import gettext as _
from rest_framework.request import Request

from api.errors import Refused
from people.actor import Actor
from people.roles import Permission


def require(request: Request, permission: Permission) -> Actor:
    """Raises Refused 403 `forbidden` when the role of the key's owner does not allow it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can(permission):
        raise Refused(
            403, "forbidden", _("The role of this key's owner does not allow it: ask an owner of the organisation.")
        )
    return actor
