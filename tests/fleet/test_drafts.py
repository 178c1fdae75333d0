"""Drafts of commands: kept, looked at, and confirmed once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet import commands, drafts
from fleet.command_options import OF_PAGES, Options
from fleet.command_plan import Outcome
from fleet.models import Account, Command, CommandDraft, CommandItem, Connector, Station, StationSetting
from fleet.models.command import InSession
from people.actor import Actor
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
CLOSED = {"priorityStatus": "unavailable"}


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def actor(owner: Membership) -> Actor:
    return factories.actor(owner)


@pytest.fixture
def account(owner: Membership) -> Account:
    return factories.account(owner.organisation)


@pytest.fixture
def stations(owner: Membership, account: Account) -> list[Station]:
    place = factories.site(owner.organisation)
    return [factories.station(place, account=account) for _ in range(3)]


def draft_of(actor: Actor, stations: list[Station], values: dict[str, str] | None = None, **more: Any) -> CommandDraft:
    group = {"values": values or CLOSED, "station_ids": [row.pk for row in stations]}
    return drafts.make(actor=actor, groups=[group], now=NOW, **more)


def finished(station: Station, value: str, kind: str = "priorityStatus") -> None:
    StationSetting.objects.update_or_create(station=station, kind=kind, defaults={"finished_value": value})


def states(command: Command) -> dict[int, tuple[str, str]]:
    rows = command.items.values_list("station_id", "state", "error_code")
    return {pk: (state, code) for pk, state, code in rows}


def test_confirming_makes_the_command_once(actor: Actor, stations: list[Station]) -> None:
    draft = draft_of(actor, stations)
    look = drafts.look(draft, actor, NOW)
    assert (look.requests, len(look.plan.affected), look.is_late) == (3, 3, False)
    done = drafts.confirm(draft, actor, " 3 ", look.digest, NOW)
    made = done.command
    assert made is not None and drafts.confirm(draft, actor, "", "", NOW) == done
    assert (Command.objects.get(), made.values, made.items.count()) == (made, CLOSED, 3)
    assert (made.in_session, made.brake_percent, made.expires_at) == ("wait", 10, NOW + timedelta(hours=24))
