"""An organisation and its first owner, made at the server before anybody can invite."""

from datetime import datetime

from django.db import transaction

from people import audit
from people.access import actor_for
from people.models import Membership, Organisation, User
from people.roles import Role


class UserExists(Exception):
    """The address has an account already."""


@transaction.atomic
def found(
    *, name: str, email: str, password: str, now: datetime, owner_name: str = "", staff: bool = False
) -> Membership:
    """A new organisation with a new owner. Raises UserExists."""
    if User.objects.filter(email=email.strip().lower()).exists():
        raise UserExists
    user = User.objects.create_user(email, password, name=owner_name, is_staff=staff, is_superuser=staff)
    membership = Membership.objects.create(
        user=user, organisation=Organisation.objects.create(name=name), role=Role.OWNER
    )
    audit.record(actor=actor_for(membership), verb="organisation.founded", subject=name, now=now)
    return membership
