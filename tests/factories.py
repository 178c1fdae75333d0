"""Small true rows for tests. Each call makes what it needs and nothing more; names are unique by a counter."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client

from charging.models import Session, StartPlan
from charging.models.session import OPEN, Origin, State
from fleet.models import Account, CommandSchedule, Connector, RequestBudget, RequestSlot, Site, Station, Tariff
from people.access import actor_for
from people.actor import Actor
from people.models import Membership, Organisation, User
from people.roles import Role

NOW = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
_numbers = count(1)


@cache
def hashed_password() -> str:
    """Hashed as in production, but once: it takes a third of a second on purpose."""
    return make_password(PASSWORD)


def organisation(name: str = "") -> Organisation:
    return Organisation.objects.create(name=name or f"Organisation {next(_numbers)}")


def member(
    role: Role = Role.OWNER, *, organisation: Organisation | None = None, site_ids: list[int] | None = None
) -> Membership:
    number = next(_numbers)
    email, name = f"{role}{number}@example.com", f"{role.label} {number}"
    user = User.objects.create(email=email, name=name, password=hashed_password())
    home = organisation or globals()["organisation"]()
    return Membership.objects.create(user=user, organisation=home, role=role, site_ids=site_ids)


def actor(membership: Membership | None = None, role: Role = Role.OWNER) -> Actor:
    return actor_for(membership or member(role))


def client_for(membership: Membership, **extra: Any) -> Client:
    client = Client(**extra)
    client.force_login(membership.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def account(
    organisation: Organisation | None = None,
    *,
    base_url: str = "http://127.0.0.1:9",
    api_key: str = "",
    slots: int = 60,
    **fields: Any,
) -> Account:
    number = next(_numbers)
    budget = RequestBudget.objects.create(base_url=base_url, key_fingerprint=f"{number:064d}", request_limit=slots)
    lanes = ["people"] * 6 + ["history"] + ["reads"] * 5 + ["shared"] * max(0, slots - 12)
    RequestSlot.objects.bulk_create(
        RequestSlot(budget=budget, number=n, lane=lane) for n, lane in enumerate(lanes[:slots])
    )
    return Account.objects.create(
        organisation=organisation or globals()["organisation"](),
        name=f"Account {number}",
        base_url=base_url,
        api_key=api_key or f"key-{number}",
        budget=budget,
        **fields,
    )


def site(organisation: Organisation | None = None, **fields: Any) -> Site:
    values = {"name": f"Site {next(_numbers)}", "timezone": "America/Toronto", "currency": "CAD"} | fields
    return Site.objects.create(organisation=organisation or globals()["organisation"](), **values)


def tariff(account: Account, **fields: Any) -> Tariff:
    number = next(_numbers)
    values = {"fee_id": f"fee_{number}", "name": f"Tariff {number}", "price_per_kwh": Decimal("0.35")} | fields
    return Tariff.objects.create(organisation=account.organisation, account=account, **values)


def station(site: Site | None = None, *, account: Account | None = None, connectors: int = 2, **fields: Any) -> Station:
    place = site or globals()["site"]()
    values = {"vendor_id": f"HC-{next(_numbers):04d}", "rated_kw": Decimal("7.2")} | fields
    row = Station.objects.create(
        organisation=place.organisation,
        site=place,
        account=account or globals()["account"](place.organisation),
        **values,
    )
    Connector.objects.bulk_create(Connector(station=row, number=n) for n in range(1, connectors + 1))
    return row


def session(station: Station | None = None, *, state: State = State.CHARGING, **fields: Any) -> Session:
    where = station or globals()["station"]()
    is_open = state in OPEN
    values: dict[str, Any] = {
        "origin": Origin.PERSON,
        "currency": where.site.currency,
        "requested_at": NOW,
        "holds_connector": is_open,
        "ended_at": None if is_open else NOW,
        "reference": f"driver-{next(_numbers)}",
    }
    return Session.objects.create(
        organisation=where.organisation, site=where.site, station=where, state=state, **(values | fields)
    )


def plan(station: Station, **fields: Any) -> StartPlan:
    values: dict[str, Any] = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "at_time": time(23), "next_at": NOW, "created_at": NOW}
    return StartPlan.objects.create(
        organisation=station.organisation, site=station.site, station=station, **(values | fields)
    )


def command_schedule(*stations: Station, **fields: Any) -> CommandSchedule:
    """Every day at 23:00 by the clock of the first one's site."""
    first = stations[0]
    values: dict[str, Any] = {
        "values": {"setMessage": "Closed"},
        "timezone": first.site.timezone,
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "at_time": time(23),
        "requested_by_label": "Somebody",
        "created_at": NOW,
        "next_at": NOW,
    }
    row = CommandSchedule.objects.create(organisation=first.organisation, **(values | fields))
    row.stations.set(stations)
    return row
