"""The page of drift: what it lists, its two buttons, its CSV, and who may."""

import csv
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from fleet.models import CommandDraft, StationSetting
from people.roles import Role
from tests import factories
from tests.factories import NOW
from tests.fleet.test_drift import Fleet, S, item

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def client(fleet: Fleet) -> Client:
    return factories.client_for(fleet.member)


def page(client: Client, **query: str) -> str:
    return client.get(reverse("command_drift"), query).content.decode()


def test_nothing_drifts(client: Client) -> None:
    assert "Nothing drifts" in page(client)
    assert "Repair" not in page(client)


def test_a_row_says_what_is_wanted_what_is_there_and_by_whom(client: Client, fleet: Fleet) -> None:
    setting = fleet.setting()
    last = item(setting, S.TIMED_OUT)
    text = page(client)
    for words in (setting.station.vendor_id, "Availability", "Available", "Out of service", "portal or other user"):
        assert words in text
    assert reverse("command", args=[last.command.public_id]) in text
    assert "Accepted, no word in time" in text


def test_a_tariff_is_shown_by_its_name(client: Client, fleet: Fleet) -> None:
    factories.tariff(fleet.account, fee_id="fee_night", name="Night price")
    fleet.setting(kind="tariffId", wanted_value="fee_night", finished_value="fee_day")
    assert "Night price" in page(client)
    assert "fee_day" in page(client)


def test_filter_and_its_emptiness(client: Client, fleet: Fleet) -> None:
    setting = fleet.setting()
    assert setting.station.vendor_id not in page(client, kind="setMessage")
    assert "Nothing drifts here" in page(client, kind="setMessage")


def test_pages_are_counted(client: Client, fleet: Fleet) -> None:
    for _ in range(101):
        fleet.setting()
    text = page(client)
    assert "1–100 of 101" in text
    assert "Repair all 101" in text


def test_repair_goes_to_the_dry_run(client: Client, fleet: Fleet) -> None:
    one, _two = fleet.setting(), fleet.setting()
    answer = client.post(reverse("command_drift_repair"), {"only": one.pk, "setting": []})
    draft = CommandDraft.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("command_draft", args=[draft.public_id]))
    assert draft.groups == [{"values": {"priorityStatus": "available"}, "station_ids": [one.station_id]}]
    assert client.get(answer["Location"]).status_code == 200


def test_repair_all_keeps_to_the_filter(client: Client, fleet: Fleet) -> None:
    message = fleet.setting(kind="setMessage", wanted_value="Hi", finished_value="")
    fleet.setting()
    client.post(reverse("command_drift_repair"), {"all": "1", "kind": "setMessage"})
    assert [group["station_ids"] for group in CommandDraft.objects.get().groups] == [[message.station_id]]


def test_take_ticked_ones_as_they_are(client: Client, fleet: Fleet) -> None:
    one, two, three = (fleet.setting() for _ in range(3))
    data = {"setting": [one.pk, two.pk], "kind": "priorityStatus"}
    answer = client.post(reverse("command_drift_accept"), data, follow=True)
    assert answer.redirect_chain == [(f"{reverse('command_drift')}?kind=priorityStatus", 302)]
    assert "2 settings are wanted as they are." in answer.content.decode()
    assert list(StationSetting.objects.order_by("pk").values_list("wanted_value", flat=True)) == [
        "outOfService", "outOfService", "available",
    ]  # fmt: skip
    assert three.station.vendor_id in answer.content.decode()


def test_all_of_it_is_taken_as_it_is_only_after_a_question(client: Client, fleet: Fleet) -> None:
    for _ in range(2):
        fleet.setting()
    url, data = reverse("command_drift_accept"), {"all": "1", "kind": "priorityStatus"}
    for sure in ({}, {"sure": "1"}):  # not asked yet; another number drifts by now than the page had
        html = client.post(url, data | sure).content.decode()
        assert "at 2 settings" in html and 'name="sure" value="2"' in html and 'value="priorityStatus"' in html
        assert set(StationSetting.objects.values_list("wanted_value", flat=True)) == {"available"}
    answer = client.post(url, data | {"sure": "2"}, follow=True)
    assert "2 settings are wanted as they are." in answer.content.decode()
    assert set(StationSetting.objects.values_list("wanted_value", flat=True)) == {"outOfService"}


@pytest.mark.parametrize("name", ["command_drift_repair", "command_drift_accept"])
def test_without_a_choice_it_says_what_to_do(client: Client, fleet: Fleet, name: str) -> None:
    fleet.setting()
    answer = client.post(reverse(name), {"setting": "x"}, follow=True)
    assert "Tick those to mend, and try again." in answer.content.decode()
    assert StationSetting.objects.get().wanted_value == "available"


@pytest.mark.parametrize("name", ["command_drift_repair", "command_drift_accept"])
def test_foreign_settings_are_not_touched(client: Client, name: str) -> None:
    foreign = Fleet().setting()
    client.post(reverse(name), {"setting": [foreign.pk]})
    foreign.refresh_from_db()
    assert (foreign.wanted_value, CommandDraft.objects.count()) == ("available", 0)


def test_a_viewer_sees_no_buttons(fleet: Fleet) -> None:
    setting = fleet.setting()
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=fleet.member.organisation))
    text = page(viewer)
    assert setting.station.vendor_id in text
    assert "Repair" not in text
    assert "checkbox" not in text
    assert "CSV" not in text


def test_csv_has_the_vendors_values_and_no_formulas(client: Client, fleet: Fleet) -> None:
    setting = fleet.setting(kind="setMessage", wanted_value="=1+1", finished_value="", wanted_at=NOW)
    fleet.setting()
    answer = client.get(reverse("command_drift_csv"), {"kind": "setMessage"})
    head, line = csv.reader(b"".join(answer).decode().splitlines())  # type: ignore[arg-type]
    said = dict(zip(head, line, strict=True))
    assert (said["station"], said["wanted_value"], said["finished_value"], said["finished_by"]) == (
        setting.station.vendor_id, "'=1+1", "", "portal",
    )  # fmt: skip
    assert said["wanted_at"] == "2026-06-01T12:00:00-04:00"
    assert said["finished_at"] == (NOW + timedelta(hours=1)).astimezone(fleet.site.zone).isoformat(timespec="seconds")
