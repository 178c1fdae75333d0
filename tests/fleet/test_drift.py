"""Drift: which settings it is, what mends them, and wanting what is there."""

from datetime import timedelta
from typing import Any

import pytest

from fleet import drift
from fleet.models import Command, CommandDraft, CommandItem, Station, StationSetting
from fleet.models.command import ItemState, Origin
from fleet.models.station import Lifecycle
from people.actor import Actor
from people.models import AuditEntry
from people.roles import Role
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
S = ItemState
LATER = NOW + timedelta(hours=1)


class Fleet:
    def __init__(self) -> None:
        self.member = factories.member()
        self.site = factories.site(self.member.organisation)
        self.account = factories.account(self.member.organisation)

    @property
    def actor(self) -> Actor:
        return factories.actor(self.member)

    def station(self, **fields: Any) -> Station:
        return factories.station(self.site, account=self.account, **fields)

    def setting(self, station: Station | None = None, **fields: Any) -> StationSetting:
        values = {
            "kind": "priorityStatus", "wanted_value": "available", "wanted_at": NOW, "finished_value": "outOfService",
            "finished_at": LATER, "finished_by": "portal",
        } | fields  # fmt: skip
        return StationSetting.objects.create(station=station or self.station(), **values)

    def found(self, **filters: str) -> list[StationSetting]:
        return list(drift.matching(self.actor, filters).order_by("vendor_id", "pk"))


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def item(setting: StationSetting, state: ItemState) -> CommandItem:
    command = Command.objects.create(
        organisation=setting.station.organisation, requested_by_label="test", requested_at=NOW, values={}
    )
    return CommandItem.objects.create(
        command=command, station=setting.station, kind=setting.kind, wanted_value="available", state=state
    )


def test_what_the_portal_changed_drifts(fleet: Fleet) -> None:
    setting = fleet.setting()
    (row,) = drift.rows(fleet.found())
    assert (row.setting, row.last, row.since) == (setting, None, LATER)


@pytest.mark.parametrize(
    ("fields", "drifts"),
    [
        ({"finished_value": "available"}, False),
        ({"finished_value": None, "finished_at": None}, True),  # a wish that never came true
        ({"wanted_at": None}, False),  # nobody wants anything of it
        ({"wanted_value": "", "finished_value": ""}, False),
        ({"wanted_value": "", "finished_value": None}, True),
    ],
)
def test_which_settings_drift(fleet: Fleet, fields: dict[str, Any], drifts: bool) -> None:
    fleet.setting(**fields)
    assert (len(fleet.found()) == 1) is drifts


@pytest.mark.parametrize("state", list(ItemState))
def test_not_while_something_is_on_its_way(fleet: Fleet, state: ItemState) -> None:
    item(fleet.setting(), state)
    is_coming = state in (S.QUEUED, S.SENDING, S.UNKNOWN, S.ACCEPTED)
    assert (fleet.found() == []) is is_coming


def test_a_command_of_another_kind_or_station_is_not_on_its_way_here(fleet: Fleet) -> None:
    setting = fleet.setting()
    item(fleet.setting(kind="setMessage", wanted_value="Hi"), S.QUEUED)
    assert fleet.found() == [setting]


def test_stations_out_of_service_and_out_of_reach_are_not_listed(fleet: Fleet) -> None:
    fleet.setting(fleet.station(lifecycle=Lifecycle.DECOMMISSIONED))
    Fleet().setting()  # another organisation's
    elsewhere = factories.station(factories.site(fleet.member.organisation), account=fleet.account)
    there = fleet.setting(elsewhere)
    limited = factories.member(Role.OPERATOR, organisation=fleet.member.organisation, site_ids=[elsewhere.site_id])
    fleet.setting()
    assert list(drift.matching(factories.actor(limited), {})) == [there]


def test_filters(fleet: Fleet) -> None:
    here = fleet.setting()
    message = fleet.setting(here.station, kind="setMessage", wanted_value="Hi", finished_value="")
    other = fleet.setting(factories.station(factories.site(fleet.member.organisation), account=fleet.account))
    assert fleet.found(kind="setMessage") == [message]
    assert fleet.found(site=str(other.station.site_id)) == [other]
    assert len(fleet.found(site="nonsense", kind="nonsense")) == 3


def test_the_last_command_is_the_newest(fleet: Fleet) -> None:
    setting = fleet.setting()
    item(setting, S.FINISHED)
    newest = item(setting, S.FAILED)
    assert [row.last for row in drift.rows(fleet.found())] == [newest]


def test_repair_is_a_draft_of_what_is_wanted(fleet: Fleet) -> None:
    one, two, three = (fleet.setting() for _ in range(3))
    fleet.setting(three.station, kind="setMessage", wanted_value="Hi", finished_value="")
    draft = drift.repair(actor=fleet.actor, found=drift.matching(fleet.actor, {}), now=LATER)
    assert (draft.origin, draft.groups) == (
        Origin.REPAIR,
        [
            {"values": {"priorityStatus": "available"}, "station_ids": [one.station_id, two.station_id]},
            {"values": {"priorityStatus": "available", "setMessage": "Hi"}, "station_ids": [three.station_id]},
        ],
    )
    assert Command.objects.count() == 0


def test_taken_as_it_is_wants_what_is_there(fleet: Fleet) -> None:
    setting = fleet.setting()
    assert drift.accept(actor=fleet.actor, found=drift.matching(fleet.actor, {}), now=LATER) == 1
    setting.refresh_from_db()
    assert (setting.wanted_value, setting.wanted_at, fleet.found()) == ("outOfService", LATER, [])
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.subject, entry.details) == (
        "drift.accepted",
        setting.station.vendor_id,
        {
            "before": {"wanted": "priorityStatus available"},
            "after": {"wanted": "priorityStatus outOfService"},
            "stations": 1,
        },
    )


def test_what_never_finished_is_no_longer_wanted(fleet: Fleet) -> None:
    setting = fleet.setting(finished_value=None, finished_at=None, finished_by="")
    drift.accept(actor=fleet.actor, found=drift.matching(fleet.actor, {}), now=LATER)
    setting.refresh_from_db()
    assert (setting.wanted_value, setting.wanted_at, fleet.found()) == ("", None, [])


def test_nothing_chosen(fleet: Fleet) -> None:
    nothing = drift.matching(fleet.actor, {}).none()
    with pytest.raises(drift.NothingChosen):
        drift.accept(actor=fleet.actor, found=nothing, now=LATER)
    with pytest.raises(drift.NothingChosen):
        drift.repair(actor=fleet.actor, found=nothing, now=LATER)
    assert (AuditEntry.objects.count(), CommandDraft.objects.count()) == (0, 0)
