"""The rows of the benchmark of the board: organisations with live sessions, who looks at them, and what changes them.

Django must have been set up before this is imported. The run and its figures stand in board.py.
"""

import random
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client

from charging.models import Reading, Session
from charging.models.session import Origin, State
from fleet import accounts, stations
from fleet.models import Connector, Site, Station
from lib import clock
from people.models import Membership, Organisation, User
from people.roles import Role

CLIENTS = 50
CHANGES_PER_S = 20
SITES = 8
READINGS = 6  # a session, over the half hour that its trace shows
TARIFF = {
    "fee_id": "bench", "name": "bench", "currency": "CAD", "price_per_kwh": "0.35", "price_per_minute": "0",
    "price_per_start": "0",
}  # fmt: skip


def build(size: int) -> tuple[list[int], list[str]]:
    """An organisation with live sessions, and the cookies of its members."""
    dice = random.Random(size)
    organisation = Organisation.objects.create(name=f"Bench {size}")
    account = accounts.create(
        actor=None, organisation=organisation, name=f"bench {size}", base_url="http://127.0.0.1:9",
        environment="production", api_key=f"bench-{size}", request_limit=60, window_s=60, now=clock.now(),
    )  # fmt: skip
    sites = [
        Site.objects.create(
            organisation=organisation, name=f"Site {n}", timezone="America/Toronto", currency="CAD",
            grid_limit_kw=Decimal(size),
        )
        for n in range(SITES)
    ]  # fmt: skip
    rows = stations.create_many(
        stations=[
            (
                Station(
                    organisation=organisation, account=account, site=sites[n % SITES], vendor_id=f"B{size}-{n:04d}",
                    rated_kw=Decimal(11),
                ),
                1,
            )
            for n in range(size)
        ]
    )  # fmt: skip
    connectors = {row.station_id: row for row in Connector.objects.filter(station__account=account)}
    now = clock.now()
    Connector.objects.filter(station__account=account).update(session_state=State.CHARGING, busy_since=now)
    sessions = Session.objects.bulk_create(
        [
            Session(
                organisation=organisation, site_id=row.site_id, station=row, connector=connectors[row.pk],
                state=State.CHARGING, origin=Origin.PERSON, currency="CAD", reference=f"van-{n:04d}", tariff=TARIFF,
                requested_at=now - timedelta(minutes=40 + n % 90), started_at=now - timedelta(minutes=39),
                power_kw=Decimal(7), energy_kwh=Decimal(5), cost=Decimal("1.75"), read_at=Now(),
                vendor_session_id=f"bench-{size}-{n}",
            )
            for n, row in enumerate(rows)
        ]
    )  # fmt: skip
    step = timedelta(minutes=30) / READINGS
    Reading.objects.bulk_create(
        (
            reading(session.pk, now - step * (READINGS - n), dice.uniform(3, 11), n / 2)
            for session in sessions
            for n in range(READINGS)
        ),
        batch_size=2000,
    )
    return [session.pk for session in sessions], [cookie(organisation, size, n) for n in range(CLIENTS)]


def reading(session_id: int, at: Any, power_kw: float, energy_kwh: float) -> Reading:
    return Reading(
        session_id=session_id, measured_at=at, received_at=at, confirmed_at=at, power_kw=round(Decimal(power_kw), 3),
        energy_kwh=round(Decimal(energy_kwh), 3), document_sha256="0" * 64, document="{}",
    )  # fmt: skip


def cookie(organisation: Organisation, size: int, number: int) -> str:
    user = User.objects.create(email=f"bench{size}-{number}@example.com", name=f"Bench {number}", password="!")  # noqa: S106  none
    Membership.objects.create(user=user, organisation=organisation, role=Role.OPERATOR)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def change_for_ever(ids: list[int]) -> None:
    """What a worker does with a reading: one row more, and the session written, in one transaction."""
    dice, power_kw = random.Random(1), 7.0
    due_s = time.monotonic()
    while True:
        session_id, power_kw = dice.choice(ids), dice.uniform(3, 11)
        with transaction.atomic():
            reading(session_id, clock.now(), power_kw, 6).save(force_insert=True)
            Session.objects.filter(pk=session_id).update(
                power_kw=round(Decimal(power_kw), 3), energy_kwh=F("energy_kwh") + Decimal("0.02"),
                cost=F("cost") + Decimal("0.007"), read_at=Now(),
            )  # fmt: skip
        due_s += 1 / CHANGES_PER_S
        time.sleep(max(0.0, due_s - time.monotonic()))
