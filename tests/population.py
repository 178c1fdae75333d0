"""One of everything that a page may list, at one site: for tests that compare pages of few and of many rows."""

from datetime import time, timedelta
from decimal import Decimal
from itertools import count

from charging.models import PlannedStart, Reading, SessionEvent, StationException
from charging.models.session import State
from fleet import commands
from fleet.models import (
    ApiCall,
    DriftNotice,
    HookToken,
    RawMessage,
    ScheduledRun,
    Site,
    Station,
    StationSetting,
    UnknownStation,
)
from lib import clock
from people import api_keys, invitations
from people.models import Membership
from people.roles import Role
from reporting.models import DayRollup, VendorTotal
from tests import factories

_numbers = count(1)


def at_site(owner: Membership, site: Site, words: str = "plain") -> Station:
    """A station and what happened there; `words` stand wherever a name or a text of it may show."""
    number, now = next(_numbers), clock.now()
    account = factories.account(owner.organisation)
    station = factories.station(site, account=account, vendor_id=f"{words}-{number}", name=f"{words} station")
    first, second = station.connectors.order_by("number")
    charging = factories.session(
        station, connector=first, reference=f"{words} driver", started_at=now, requested_at=now,
        power_kw=Decimal("7.1"), energy_kwh=Decimal("3.3"), cost=Decimal("1.2"), vendor_session_id=f"{words}-v{number}",
    )  # fmt: skip
    factories.session(station, connector=second, state=State.UNKNOWN, reference=f"{words} unknown", requested_at=now)
    factories.session(
        station, connector=first, state=State.COMPLETED, reference=f"{words} past", ended_at=now, completed_at=now,
        final_at=now, energy_kwh=Decimal("987.654"), cost=Decimal("321.09"),
    )  # fmt: skip
    Reading.objects.create(
        session=charging, received_at=now, confirmed_at=now, power_kw=7, document_sha256="0" * 64, document="{}"
    )
    SessionEvent.objects.create(session=charging, occurred_at=now, kind="state", text=f"{words} event")
    plan = factories.plan(station, reference=f"{words} plan")
    PlannedStart.objects.create(plan=plan, due_at=now, reason=f"{words} reason", settled_at=now)
    StationException.objects.create(
        organisation=owner.organisation, account=account, site=site, station=station, connector=first, session=charging,
        vendor_exception_id=f"e{number}", type="connectorFaulted", message=f"{words} fault", received_at=now,
        vendor_station_id=station.vendor_id, document="{}",
    )  # fmt: skip
    wishes = commands.for_all([station], {"setMessage": f"{words} message"})
    commands.request(actor=factories.actor(owner), wishes=wishes, now=now)
    schedule = factories.command_schedule(
        station, name=f"{words} schedule", values={"setMessage": f"{words} later"}, until_time=time(23, 30)
    )
    ScheduledRun.objects.create(
        schedule=schedule, due_at=now, outcome="missed", reason=f"{words} reason", return_reason=f"{words} end"
    )
    left = commands.request(
        actor=factories.actor(owner), wishes=commands.for_all([station], {"setMessage": "z"}), now=now
    )
    left.items.update(state="finished", finished_at=now)
    ScheduledRun.objects.create(
        schedule=schedule, due_at=now - timedelta(days=1), outcome="fired", command=left, return_outcome="missed"
    )
    StationSetting.objects.create(
        station=station, kind="tariffId", wanted_value=f"{words} fee", wanted_at=now, finished_value=f"{words} old fee",
        finished_at=now, finished_by="portal",
    )  # fmt: skip
    today = now.astimezone(site.zone).date()
    DayRollup.objects.create(
        organisation=owner.organisation, site=site, day_date=today - timedelta(days=number % 25), currency="CAD",
        sessions=1, energy_kwh=Decimal("987.654"), revenue=Decimal("321.09"), uncosted=0, connected_s=60,
    )  # fmt: skip
    VendorTotal.objects.create(
        organisation=owner.organisation, account=account, site=site,
        vendor_station_id=station.vendor_id, day_date=today, currency="CAD", sessions=1, energy_kwh=Decimal("987.654"),
        revenue=Decimal("321.09"), fetched_at=now,
    )  # fmt: skip
    return station


def beside(owner: Membership, station: Station, words: str = "plain") -> None:
    """What belongs to the organisation or its account rather than to a site."""
    number, now, actor = next(_numbers), clock.now(), factories.actor(owner)
    account = station.account
    factories.tariff(account, name=f"{words} tariff {number}")
    UnknownStation.objects.create(
        account=account, vendor_id=f"{words}-new-{number}", seen_in="reporting", first_seen_at=now, last_seen_at=now
    )
    DriftNotice.objects.create(
        account=account, document="session", path=f"$.{words}{number}", kind="unknown_key", sample="1",
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    token = HookToken.objects.create(account=account, kind="session", token_hash=f"{number:064d}", created_at=now)
    RawMessage.objects.create(token=token, body=b"{", body_sha256="0" * 64, received_at=now, attempts=8, error="broken")
    ApiCall.objects.create(
        account=account, lane="reads", why="test", endpoint="session", started_at=now, waited_ms=1, duration_ms=1,
        status=200, outcome="ok",
    )  # fmt: skip
    api_keys.create(actor=actor, name=f"{words} key {number}", now=now)
    factories.member(Role.VIEWER, organisation=owner.organisation)
    invitations.create(actor=actor, email=f"{number}@example.com", role=Role.VIEWER, site_ids=None, now=now)
