"""The demo organisation: its people, its account at the sandbox, its tariffs and stations. Made once; again is free."""

import csv
import io
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from fleet import accounts, import_rows, imports
from fleet.models import Account, Station, Tariff
from fleet.models.account import Environment
from people.access import actor_for
from people.actor import Actor
from people.models import Membership, Organisation, User
from people.roles import Role

ORGANISATION = "Demo fleet"
PASSWORD = "demo-charging"  # noqa: S105  published: a demo login is refused off loopback
ACCOUNT = "Sandbox"
API_KEY = "sandbox-production-key"
FEE_BY_LEVEL = {2: "fee_l2_public", 3: "fee_l3_public"}  # as the sandbox's stations begin


class RowsRefused(Exception):
    """A row of the stations could not be imported; the message names it."""


@transaction.atomic
def create(*, stations: bytes, tariffs: bytes, base_url: str, now: datetime) -> Organisation:
    """Whatever of the demo is not there yet. Raises RowsRefused, import_rows.Unreadable."""
    organisation, _made = Organisation.objects.get_or_create(is_demo=True, defaults={"name": ORGANISATION})
    actor = _people(organisation)
    account = Account.objects.filter(organisation=organisation, name=ACCOUNT).first() or accounts.create(
        actor=actor,
        organisation=organisation,
        name=ACCOUNT,
        base_url=base_url,
        environment=Environment.PRODUCTION,
        api_key=API_KEY,
        now=now,
    )
    _tariffs(account, import_rows.decode(tariffs)[0])
    _stations(actor, account, import_rows.decode(stations)[0], now)
    return organisation


def logins() -> str:
    """The sentence that ./run prints with its ready line."""
    addresses = ", ".join(f"{role}@example.com" for role in Role.values)
    return f"Demo logins (this machine only): {addresses}; password {PASSWORD}"


def _people(organisation: Organisation) -> Actor:
    """One login a role; returns the owner as actor."""
    for role in Role:
        email = f"{role}@example.com"
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, PASSWORD, name=f"Demo {role}", is_demo=True)
        Membership.objects.get_or_create(user=user, organisation=organisation, defaults={"role": role})
    owner = Membership.objects.select_related("user").filter(organisation=organisation, role=Role.OWNER)
    return actor_for(owner.order_by("pk")[0])


def _tariffs(account: Account, text: str) -> None:
    prices = ("price_per_kwh", "price_per_minute", "price_per_start")
    for row in csv.DictReader(io.StringIO(text)):
        Tariff.objects.get_or_create(
            account=account,
            fee_id=row["fee_id"],
            defaults={
                "organisation_id": account.organisation_id,
                "name": row["name"],
                "currency": row["currency"],
                **{name: Decimal(row[name]) for name in prices},
            },
        )


def _stations(actor: Actor, account: Account, text: str, now: datetime) -> None:
    """By the same code as the page. What an earlier run imported is left as it is."""
    there = Station.objects.filter(account=account).exists()
    if there:
        return
    found = imports.preview(actor=actor, account=account, text=text, defaults=import_rows.Defaults())
    if found.bad_rows:
        bad = found.bad_rows[0]
        raise RowsRefused(f"line {bad.line}: {'; '.join(bad.problems)}")
    imports.apply(actor=actor, account=account, rows=found.rows, now=now)
    for level, fee_id in FEE_BY_LEVEL.items():
        tariff = Tariff.objects.filter(account=account, fee_id=fee_id).first()
        Station.objects.filter(account=account, level=level).update(tariff=tariff)
