"""The rows of both sides for the benchmark of commands: stations of one key, live sessions, and who commands.

Django must have been set up before this is imported. The run and its figures stand in fanout.py.
"""

import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import eevion
from bench._vendor import Vendor
from charging.models import Session
from charging.models.session import Origin, State
from fleet import accounts, budget, commands, stations
from fleet.budget import Lane
from fleet.command_options import Options
from fleet.models import Command, Connector, Site, Station
from fleet.models.station import Level
from people.actor import Actor
from people.models import Membership, Organisation, User
from people.roles import Role

LIMIT = 60
LIVE = 30  # sessions that are read meanwhile
PEOPLE = 6  # single commands in each window, what the people's lane promises
ROUND_TRIP_S = (0.03, 0.08)
CHARGE = {"energy_kwh": 70, "duration_s": 36_000}
SETUP_KEY = "bench-setup"


@dataclass(frozen=True)
class Plan:
    stations: int
    window_s: int
    timeout_s: float  # a call's deadline, in proportion to the window
    ratio: float = 1.02  # what the run may take, as a share of the bound


class World:
    """The rows of both sides: stations of one key, live sessions, and who commands."""

    def __init__(self, vendor: Vendor, plan: Plan) -> None:
        self.vendor, self.plan, self.key = vendor, plan, f"bench-fanout-{os.getpid()}"
        vendor.order("keys", [{"key": SETUP_KEY, "limit": 1_000_000, "window_s": 1}])
        vendor.order("keys", {"key": self.key, "limit": LIMIT, "window_s": plan.window_s})
        organisation = Organisation.objects.create(name="Benchmark")
        user = User.objects.create(email="bench@example.com")
        member = Membership.objects.create(user=user, organisation=organisation, role=Role.OWNER)
        self.actor = Actor(organisation.pk, Role.OWNER, None, "Benchmark", user.pk, member.pk)
        self.account = accounts.create(
            actor=None, organisation=organisation, name="fanout", base_url=vendor.url, environment="production",
            api_key=self.key, request_limit=LIMIT, window_s=plan.window_s, now=datetime.now(UTC),
        )  # fmt: skip
        self.site = Site.objects.create(organisation=organisation, name="F", timezone="America/Toronto", currency="CAD")
        self.many = self._stations("lot", plan.stations)
        self.few = self._stations("one", PEOPLE * (self.windows + 4))
        self._charge(self._stations("car", LIVE))
        vendor.order("faults", {"probabilities": {"manage": {"slow": 1.0}}, "options": {"slow_s": ROUND_TRIP_S}})

    @property
    def windows(self) -> int:
        return math.ceil(self.plan.stations / capacity(Lane.COMMANDS))

    def _stations(self, name: str, count: int) -> list[Station]:
        rows = [
            Station(
                organisation=self.site.organisation, account=self.account, site=self.site, vendor_id=f"{name}-{n:04d}",
                rated_kw=Decimal(7), level=Level.LEVEL_2,
            )
            for n in range(count)
        ]  # fmt: skip
        made = stations.create_many(stations=[(row, 1) for row in rows])
        self.vendor.order("stations", [{"station": row.vendor_id} for row in made])
        return made

    def _charge(self, rows: list[Station]) -> None:
        client = eevion.Client(self.vendor.url, SETUP_KEY, timeout_s=10)
        connectors = {row.station_id: row for row in Connector.objects.filter(station__in=rows)}
        for row in rows:
            self.vendor.order("plug", {"stationId": row.vendor_id, "connectorId": 1, "plan": CHARGE})
            started = client.start_session(station_id=row.vendor_id, connector_id=1)
            Session.objects.create(
                organisation=self.site.organisation, site=self.site, station=row, connector=connectors[row.pk],
                state=State.CHARGING, origin=Origin.PERSON, currency="CAD", requested_at=datetime.now(UTC),
                vendor_session_id=started.session_id,
            )  # fmt: skip

    def command(self, rows: list[Station], message: str) -> Command:
        wishes = commands.for_all(rows, {"setMessage": message})
        return commands.request(actor=self.actor, wishes=wishes, now=datetime.now(UTC), options=Options())


def bound_s(calls: int, window_s: float, round_trip_s: float) -> float:
    """T*: docs/algorithms/budget.md."""
    return (window_s + round_trip_s) * (math.ceil(calls / capacity(Lane.COMMANDS)) - 1) + round_trip_s


def capacity(lane: Lane) -> int:
    return sum(slot in budget.SLOTS[lane] for slot in budget.lanes(LIMIT))
