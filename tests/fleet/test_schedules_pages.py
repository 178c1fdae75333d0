"""The pages of scheduled commands: listed, shown, cancelled, written as a file; an end that was missed is loud."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from fleet import schedule_runs, schedules, schedules_list
from fleet.command_options import OF_PAGES
from fleet.models import CommandDraft, CommandItem, CommandSchedule, Station
from fleet.models.command import ItemState
from fleet.schedules import When
from people.models import AuditEntry, Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2026, 6, 5, 16, 0, tzinfo=UTC)
CLOSES = datetime(2026, 6, 7, 4, 0, tzinfo=UTC)  # Sunday, 00:00 in Toronto
OPENS = datetime(2026, 6, 8, 10, 0, tzinfo=UTC)
LIST = "/commands/scheduled/"
WORDS = "every Sunday at 00:00 until 06:00 the next day"


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


@pytest.fixture
def station(owner: Membership) -> Station:
    return factories.station(factories.site(owner.organisation))


def scheduled(owner: Membership, *stations: Station, **fields: Any) -> CommandSchedule:
    values: dict[str, Any] = {
        "at_time": time(0), "weekdays": (7,), "until_time": time(6), "until_days": 1, "name": "Sundays",
        "back_values": {"priorityStatus": "available"},
    }  # fmt: skip
    groups = [{"values": {"priorityStatus": "unavailable"}, "station_ids": [row.pk for row in stations]}]
    (made,) = schedules.create(
        actor=factories.actor(owner), groups=groups, options=OF_PAGES, when=When(**(values | fields)), now=FRIDAY
    )
    return made


def left_open(owner: Membership, station: Station) -> CommandSchedule:
    """It closed, and nothing was running when it was to open."""
    made = scheduled(owner, station)
    (first,) = schedule_runs.fire(CLOSES)
    CommandItem.objects.filter(command=first).update(state=ItemState.FINISHED, finished_at=CLOSES)
    schedule_runs.fire(OPENS + timedelta(hours=2))
    return made


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_what_is_to_come_is_listed(client: Client, owner: Membership, station: Station) -> None:
    scheduled(owner, station)
    html = text(client, LIST)
    shown = ["Sundays", "Unavailable", "every Sunday at 00:00 until 06:00 the next day", "7 Jun 2026, 00:00", "EDT"]
    assert [words for words in shown if words not in html] == []


def test_an_empty_list_says_what_it_is_for(client: Client) -> None:
    assert "Nothing is scheduled" in text(client, LIST)


def test_one_schedule_tells_its_stations_and_its_times(client: Client, owner: Membership, station: Station) -> None:
    made = scheduled(owner, station)
    schedule_runs.fire(CLOSES)
    html = text(client, f"{LIST}{made.public_id}/")
    shown = [station.vendor_id, "14 Jun 2026, 00:00", "15 Jun 2026, 06:00", "In its window", "Afterwards", "10 %"]
    assert [words for words in shown if words not in html] == []


def test_a_night_without_the_hour_is_told_as_it_comes(client: Client, owner: Membership, station: Station) -> None:
    made = scheduled(owner, station, at_time=time(2, 30), until_time=time(2, 45), until_days=0)
    CommandSchedule.objects.update(next_at=datetime(2027, 3, 14, 7, 0, tzinfo=UTC))
    html = text(client, f"{LIST}{made.public_id}/")
    assert ("14 Mar 2027, 03:00" in html, "14 Mar 2027, 03:15" in html, "21 Mar 2027, 02:30" in html) == (True,) * 3


def test_cancelling_asks_first(client: Client, owner: Membership, station: Station) -> None:
    made = scheduled(owner, station)
    address = f"{LIST}{made.public_id}/cancel"
    assert "every Sunday at 00:00" in text(client, address)
    made.refresh_from_db()
    assert made.cancelled_at is None
    answer = client.post(address)
    made.refresh_from_db()
    assert (answer.status_code, made.next_at, made.cancelled_at is None) == (302, None, False)
    assert "Cancelled" in text(client, f"{LIST}{made.public_id}/")


@pytest.mark.parametrize(("data", "pending"), [({}, 1), ({"with_end": "on"}, 0)])
def test_the_end_of_an_open_window_is_asked_about(
    client: Client, owner: Membership, station: Station, data: dict[str, str], pending: int
) -> None:
    made = scheduled(owner, station)
    schedule_runs.fire(CLOSES)
    address = f"{LIST}{made.public_id}/cancel"
    assert "Cancel that end too" in text(client, address)
    client.post(address, data)
    assert made.runs.filter(returns_at__isnull=False).count() == pending


def test_a_lot_left_closed_is_loud_and_one_step_from_its_end(
    client: Client, owner: Membership, station: Station
) -> None:
    made = left_open(owner, station)
    for address in (LIST, f"{LIST}{made.public_id}/"):
        assert "has begun and not ended" in text(client, address)
    answer = client.post(f"{LIST}{made.public_id}/end")
    draft = CommandDraft.objects.get()
    assert answer.headers["Location"] == f"/commands/drafts/{draft.public_id}/"
    assert draft.groups == [{"values": {"priorityStatus": "available"}, "station_ids": [station.pk]}]
    assert (draft.origin, draft.parent) == ("undo", made.runs.get().command)


def test_a_lot_left_closed_can_be_left_as_it_is_with_a_name_to_it(
    client: Client, owner: Membership, station: Station
) -> None:
    made = left_open(owner, station)
    run = made.runs.get()
    assert "Leave it as it is" in text(client, LIST)
    answer = client.post(f"{LIST}{made.public_id}/leave", {"run": run.pk}, follow=True).content.decode()
    name = factories.actor(owner).label
    assert "noted with your name" in answer and f"{name} has left it as it is." in answer
    for address in (LIST, f"{LIST}{made.public_id}/"):
        assert "has begun and not ended" not in text(client, address)
    run.refresh_from_db()
    assert (run.return_outcome, run.return_reason) == (
        "left",
        f"{name} has left it as it is. Nothing was running when the window was to end, and the deadline has passed.",
    )
    entry = AuditEntry.objects.get(verb="command_schedule.left")
    assert (entry.subject, entry.details["due_at"]) == ("Sundays", CLOSES.isoformat())
    again = client.post(f"{LIST}{made.public_id}/leave", {"run": run.pk}, follow=True).content.decode()
    assert "somebody has seen to it already" in again
    assert AuditEntry.objects.filter(verb="command_schedule.left").count() == 1


def test_who_sees_some_of_its_stations_cannot_leave_it_for_the_others(owner: Membership, station: Station) -> None:
    made = left_open(owner, station)
    made.stations.add(factories.station(factories.site(owner.organisation)))
    some = factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=[station.site_id])
    client = factories.client_for(some)
    html = text(client, LIST)
    assert ("See what would end it" in html, "Leave it as it is" in html) == (True, False)
    answer = client.post(f"{LIST}{made.public_id}/leave", follow=True).content.decode()
    assert "Who sees them all can leave it as it is." in answer
    assert made.runs.get().return_outcome == "missed"


def test_nothing_left_open_makes_no_draft(client: Client, owner: Membership, station: Station) -> None:
    made = scheduled(owner, station)
    answer = client.post(f"{LIST}{made.public_id}/end", follow=True)
    assert "No window of this schedule is left open" in answer.content.decode()
    assert CommandDraft.objects.count() == 0


def test_who_has_left_stands_beside_what_they_set_up(client: Client, owner: Membership, station: Station) -> None:
    leaver = factories.member(Role.MANAGER, organisation=owner.organisation)
    made = scheduled(leaver, station)
    assert (
        schedules_list.rows(factories.actor(owner), [schedules_list.found(factories.actor(owner)).get()])[0].standing
        == ""
    )
    for changed, words in (
        ({"site_ids": [factories.site(owner.organisation).pk]}, "limited to other sites now"),
        ({"role": Role.VIEWER}, "not allowed to command stations any more"),
    ):
        Membership.objects.filter(pk=leaver.pk).update(**changed)
        assert words in text(client, f"{LIST}{made.public_id}/")
    leaver.delete()
    assert "no longer in this organisation" in text(client, LIST)


class TestLimits:
    """Somebody who sees one of two sites of a schedule."""

    @pytest.fixture
    def far(self, owner: Membership) -> Station:
        return factories.station(factories.site(owner.organisation, name="Zanzibar"), vendor_id="HC-FAR")

    @pytest.fixture
    def limited(self, owner: Membership, station: Station) -> Client:
        member = factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[station.site_id])
        return factories.client_for(member)

    def test_they_see_their_stations_and_cannot_cancel_it(
        self, limited: Client, owner: Membership, station: Station, far: Station
    ) -> None:
        made = scheduled(owner, station, far)
        html = text(limited, f"{LIST}{made.public_id}/")
        assert (station.vendor_id in html, "HC-FAR" in html, "Zanzibar" in html) == (True, False, False)
        assert ("Cancel it" in html, "sites that you do not see" in html) == (False, True)
        limited.post(f"{LIST}{made.public_id}/cancel")
        made.refresh_from_db()
        assert made.cancelled_at is None

    def test_reasons_name_no_station_out_of_reach(
        self, limited: Client, client: Client, owner: Membership, station: Station, far: Station
    ) -> None:
        made = scheduled(owner, station, far)
        Station.objects.filter(pk=far.pk).update(lifecycle="decommissioned")
        schedule_runs.fire(CLOSES)
        for address in (LIST, f"{LIST}{made.public_id}/"):
            assert "HC-FAR: no longer in service" in text(client, address)
            html = text(limited, address)
            assert ("HC-FAR" in html, "Some stations were left out" in html) == (False, True)

    def test_a_schedule_of_other_sites_is_absent(self, limited: Client, owner: Membership, far: Station) -> None:
        made = scheduled(owner, far)
        assert limited.get(f"{LIST}{made.public_id}/").status_code == 404
        assert "Sundays" not in text(limited, LIST)


def test_the_file_holds_all_of_them(client: Client, owner: Membership, station: Station) -> None:
    scheduled(owner, station, name="=cmd()")
    over = scheduled(owner, station, back_values=None)
    schedules.cancel(actor=factories.actor(owner), schedule=over, now=FRIDAY)
    answer = client.get(f"{LIST}csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].split(",")[:4] == ["schedule", "name", "asks", "when"]
    assert lines[1].split(",")[1:] == [
        "Sundays", "Availability: Unavailable", WORDS, "America/Toronto", "1", "", "",
        "as before", str(owner.user), "2026-06-05T16:00:00Z", "2026-06-05T16:00:00Z",
    ]  # fmt: skip
    assert lines[2].split(",")[1:] == [
        "'=cmd()", "Availability: Unavailable", WORDS, "America/Toronto", "1",
        "2026-06-07T04:00:00Z", "", "Availability: Available", str(owner.user), "2026-06-05T16:00:00Z", "",
    ]  # fmt: skip


def test_a_viewer_reads_and_finds_no_buttons(owner: Membership, station: Station) -> None:
    made = left_open(owner, station)
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    for address in (LIST, f"{LIST}{made.public_id}/"):
        html = text(viewer, address)
        assert [words for words in ("Schedule a command", "Cancel it", "See what would end it") if words in html] == []
    assert (viewer.get(f"{LIST}{made.public_id}/cancel").status_code, viewer.get(f"{LIST}csv").status_code) == (
        404,
        404,
    )
