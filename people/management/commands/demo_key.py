"""`demo_key`: a fresh API key for the demo's drivers, printed as the last line; the one before stops working."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lib import clock
from people import api_keys
from people.access import actor_for
from people.models import ApiKey, Membership
from people.roles import Role

NAME = "Demo drivers"


class Command(BaseCommand):
    help = "Revokes the demo's API key and prints a fresh one."

    def handle(self, *args: Any, **options: Any) -> None:
        owners = Membership.objects.filter(organisation__is_demo=True, role=Role.OWNER).select_related("user")
        owner = owners.order_by("pk").first()
        if owner is None:
            raise CommandError("There is no demo organisation: ./run makes one.")
        now, actor = clock.now(), actor_for(owner)
        before = list(
            ApiKey.objects.filter(membership__organisation_id=owner.organisation_id, name=NAME, revoked_at=None)
        )
        _key, plain = api_keys.create(actor=actor, name=NAME, now=now)
        for key in before:
            api_keys.revoke(actor=actor, key=key, now=now)
        self.stdout.write(plain)
