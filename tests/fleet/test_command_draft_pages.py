"""The last step before a command: what would happen, confirmed by the number of stations affected."""

import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fleet import drafts, schedules
from fleet.command_options import OF_PAGES, Options
from fleet.models import Account, Command, CommandDraft, CommandSchedule, Connector, Station, StationSetting
from fleet.models.command import InSession
from fleet.models.station import Lifecycle
from lib import clock
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
CLOSED = {"priorityStatus": "unavailable"}


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


@pytest.fixture
def stations(account: Account) -> list[Station]:
    place = factories.site(account.organisation)
    return [factories.station(place, account=account) for _ in range(3)]


def draft_of(
    owner: Membership, stations: list[Station], values: dict[str, str] | None = None, options: Options = OF_PAGES
) -> CommandDraft:
    group = {"values": values or CLOSED, "station_ids": [row.pk for row in stations]}
    return drafts.make(actor=factories.actor(owner), groups=[group], options=options, now=clock.now())


def url(draft: CommandDraft) -> str:
    return f"/commands/drafts/{draft.public_id}/"


def page(answer: Any) -> str:
    return str(answer.content.decode())


def finished(station: Station, value: str, kind: str = "priorityStatus") -> None:
    StationSetting.objects.update_or_create(station=station, kind=kind, defaults={"finished_value": value})


def test_typing_the_number_sends_it_and_twice_finds_the_same(
    client: Client, owner: Membership, stations: list[Station]
) -> None:
    draft = draft_of(owner, stations)
    shown = client.get(url(draft))
    assert "Change 3 stations?" in page(shown)
    seen = shown.context["look"].digest
    wrong = client.post(url(draft), {"typed": "2", "seen": seen})
    assert "Type 3, the number of stations that are changed" in page(wrong) and 'name="typed" value="2"' in page(wrong)
    assert Command.objects.count() == 0
    done = client.post(url(draft), {"typed": "3", "seen": seen})
    made = Command.objects.get()
    assert (done.status_code, done.url) == (302, f"/commands/{made.public_id}/")
    assert client.post(url(draft), {"typed": "3", "seen": seen}).url == done.url
    assert client.get(url(draft)).url == done.url
    assert (Command.objects.count(), made.items.count()) == (1, 3)


def test_only_the_affected_are_counted(client: Client, owner: Membership, stations: list[Station]) -> None:
    finished(stations[0], "unavailable")
    finished(stations[1], "available")
    draft = draft_of(owner, stations)
    Station.objects.filter(pk=stations[2].pk).update(lifecycle=Lifecycle.DECOMMISSIONED)
    shown = page(client.get(url(draft)))
    assert "Change 1 station?" in shown and "1 station is right already" in shown
    assert "1 station is not in service any more" in shown and "cannot be undone" not in shown
    rows = {key: client.get(url(draft), {"show": key}).context["rows"] for key in ("", "already", "gone")}
    assert {key: [row.station.pk for row in found] for key, found in rows.items()} == {
        "": [stations[1].pk], "already": [stations[0].pk], "gone": [stations[2].pk],
    }  # fmt: skip


def test_a_station_that_left_in_between_is_told_and_asked_again(
    client: Client, owner: Membership, stations: list[Station]
) -> None:
    draft = draft_of(owner, stations)
    seen = client.get(url(draft)).context["look"].digest
    Station.objects.filter(pk=stations[1].pk).update(lifecycle=Lifecycle.DECOMMISSIONED)
    answer = client.post(url(draft), {"typed": "3", "seen": seen})
    assert "Something has changed" in page(answer) and Command.objects.count() == 0
    assert f"{stations[1].vendor_id}: it is not in service any more, and left out" in page(answer)
    assert "Change 2 stations?" in page(answer) and 'name="typed" value=""' in page(answer)
    client.post(url(draft), {"typed": "2", "seen": answer.context["look"].digest})
    assert Command.objects.get().items.count() == 2


def test_what_somebody_else_asks_in_between_is_told(
    client: Client, owner: Membership, account: Account, stations: list[Station]
) -> None:
    other = factories.member(Role.OPERATOR, organisation=owner.organisation)
    mine, theirs = draft_of(owner, stations), draft_of(other, stations[:1], {"priorityStatus": "outOfService"})
    seen = client.get(url(mine)).context["look"].digest
    their_client = factories.client_for(other)
    their_client.post(url(theirs), {"typed": "1", "seen": their_client.get(url(theirs)).context["look"].digest})
    answer = page(client.post(url(mine), {"typed": "3", "seen": seen}))
    assert Command.objects.count() == 1
    told = f"{stations[0].vendor_id}: Availability is not known now, replaces Out of service, which {other.user}"
    assert told in answer


def test_nobody_affected_has_no_button(client: Client, owner: Membership, stations: list[Station]) -> None:
    for row in stations:
        finished(row, "unavailable")
    draft = draft_of(owner, stations)
    shown = client.get(url(draft))
    assert "Nothing to send" in page(shown) and 'name="typed"' not in page(shown)
    answer = client.post(url(draft), {"typed": "0", "seen": shown.context["look"].digest})
    assert "No station would be changed" in page(answer) and Command.objects.count() == 0
    again = draft_of(owner, stations, options=Options(send_equal=True))
    assert "Change 3 stations?" in page(client.get(url(again)))


@pytest.mark.parametrize(
    ("guard", "affected", "words"),
    [
        (InSession.PROCEED, 3, "In session: sent all the same"),
        (InSession.WAIT, 3, "In session: sent when it is free"),
        (InSession.SKIP, 2, "In session: left out"),
    ],
)
def test_a_station_in_session_is_guarded(
    client: Client, owner: Membership, stations: list[Station], guard: InSession, affected: int, words: str
) -> None:
    Connector.objects.filter(station=stations[0], number=1).update(session_state="charging")
    Connector.objects.filter(station=stations[1], number=1).update(
        blocked_until=clock.now() + timedelta(minutes=1), busy_since=clock.now()
    )
    Station.objects.filter(pk=stations[1].pk).update(offline_since=clock.now())
    Connector.objects.filter(station=stations[1]).update(blocked_until=None)
    draft = draft_of(owner, stations, options=Options(in_session=guard))
    shown = client.get(url(draft), {"show": "held"})
    assert (len(shown.context["look"].plan.affected), words in page(shown)) == (affected, True)
    assert "Unreachable" in page(client.get(url(draft), {"show": "offline"}))


def test_a_thousand_stations_stay_readable(client: Client, owner: Membership, account: Account) -> None:
    place = factories.site(account.organisation)
    rows = Station.objects.bulk_create(
        Station(organisation=account.organisation, account=account, site=place, vendor_id=f"HC-{n:05d}")
        for n in range(1000)
    )
    draft = draft_of(owner, rows)
    first, last = client.get(url(draft)), client.get(url(draft), {"after": "900"})
    assert [row.station.vendor_id for row in first.context["rows"]] == [f"HC-{n:05d}" for n in range(100)]
    assert [row.station.vendor_id for row in last.context["rows"]] == [f"HC-{n:05d}" for n in range(900, 1000)]
    assert (first.context["label"], first.context["after"], last.context["after"]) == ("1–100 of 1000", "100", "")
    assert len(first.context["look"].digest) < 12_000 and len(page(first)) < 150_000
    client.post(url(draft), {"typed": "1,000", "seen": first.context["look"].digest})
    assert Command.objects.get().items.count() == 1000


def test_three_stations_cost_the_queries_of_one(client: Client, owner: Membership, account: Account) -> None:
    def asked(rows: list[Station]) -> int:
        draft = draft_of(owner, rows, {"priorityStatus": "unavailable", "tariffId": "fee"})
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(draft)).status_code == 200
        return len(queries)

    rows = [factories.station(factories.site(account.organisation), account=account)]
    asked(rows)
    one = asked(rows)
    for _ in range(2):
        other = factories.account(owner.organisation)
        rows.append(factories.station(factories.site(account.organisation), account=other))
        finished(rows[-1], "available")
    assert asked(rows) == one


def test_a_draft_is_its_authors_alone(client: Client, owner: Membership, stations: list[Station]) -> None:
    draft = draft_of(owner, stations)
    for member in (factories.member(organisation=owner.organisation), factories.member()):
        other = factories.client_for(member)
        assert (other.get(url(draft)).status_code, other.post(url(draft), {"typed": "3"}).status_code) == (404, 404)
    owner.role = Role.VIEWER
    owner.save()
    assert client.get(url(draft)).status_code == 404
    assert Command.objects.count() == 0


def test_stations_out_of_reach_by_now_are_not_sent_to(owner: Membership, stations: list[Station]) -> None:
    elsewhere = factories.site(owner.organisation)
    draft = draft_of(owner, stations)
    owner.site_ids = [elsewhere.pk]
    owner.save()
    shown = factories.client_for(owner).get(url(draft))
    assert "3 stations are not to be found any more" in page(shown) and stations[0].vendor_id not in page(shown)


@pytest.mark.parametrize("seen", ["", "x", "x.y", "x.eNo=", "\x00", "🚗.🚗"])
def test_a_digest_that_makes_no_sense_asks_again(
    client: Client, owner: Membership, stations: list[Station], seen: str
) -> None:
    draft = draft_of(owner, stations)
    assert "Something has changed" in page(client.post(url(draft), {"typed": "3", "seen": seen}))
    assert Command.objects.count() == 0


LATER = {
    "availability": "outOfService", "in_session": "wait", "patience": "3600", "brake_percent": "10", "start": "weekly",
    "weekdays": ["7"], "at_time": "02:30", "ends": "before", "until_time": "06:00", "until_days": "1",
    "name": "Sundays",
}  # fmt: skip


def test_later_makes_a_schedule_for_each_zone_once(client: Client, owner: Membership, account: Account) -> None:
    zones = ("America/Toronto", "America/Vancouver")
    rows = [factories.station(factories.site(owner.organisation, timezone=zone), account=account) for zone in zones * 2]
    finished(rows[0], "outOfService")  # it may be otherwise by then, so it is not left out
    Connector.objects.filter(station=rows[1]).update(session_state="charging")
    answer = client.post("/commands/new/", LATER | {"station": [row.pk for row in rows]})
    shown = client.get(answer.url)
    words = page(shown)
    assert "Schedule this for 4 stations?" in words and "Every Sunday at 02:30 until 06:00 the next day" in words
    assert "gets back what it had before" in words
    assert re.search(r"\bE[SD]T\b", words) and re.search(r"\bP[SD]T\b", words)
    assert "In session" not in words and Command.objects.count() == 0
    typed = {"typed": "4", "seen": shown.context["look"].digest}
    done = client.post(answer.url, typed)
    again = client.post(answer.url, typed)
    assert (done.url, again.url, client.get(answer.url).url) == ("/commands/scheduled/",) * 3
    made = CommandSchedule.objects.order_by("timezone").values_list("timezone", "values", "weekdays", "name")
    assert list(made) == [(zone, {"priorityStatus": "outOfService"}, [7], "Sundays") for zone in zones]
    assert {row.stations.count() for row in CommandSchedule.objects.all()} == {2}
    assert Command.objects.count() == 0


def test_a_moment_that_has_passed_cannot_be_scheduled(
    client: Client, owner: Membership, stations: list[Station]
) -> None:
    past = LATER | {"start": "once", "on_date": "2020-01-01", "station": stations[0].pk}
    assert "That moment has passed" in page(client.post("/commands/new/", past))
    assert CommandDraft.objects.count() == 0
    schedule = schedules.dump(schedules.When(at_time=time(8), on_date=date(2020, 1, 1)))
    group = {"values": CLOSED, "station_ids": [stations[0].pk]}
    draft = drafts.make(actor=factories.actor(owner), groups=[group], schedule=schedule, now=clock.now())
    shown = client.get(url(draft))
    assert "That moment has passed" in page(shown) and 'name="typed"' not in page(shown)
    client.post(url(draft), {"typed": "1", "seen": shown.context["look"].digest})
    assert CommandSchedule.objects.count() == 0


def test_back_from_a_schedule_finds_it_as_it_was(client: Client, account: Account, stations: list[Station]) -> None:
    tariff = factories.tariff(account)
    chosen = LATER | {"ends": "chosen", "back_tariff": tariff.pk, "station": stations[0].pk, "tariff": tariff.pk}
    answer = client.post("/commands/new/", chosen)
    assert f"Tariff: </span> <b>{tariff.name}" in page(client.get(answer.url)).replace(
        "Tariff:</span>", "Tariff: </span>"
    )
    form = client.get("/commands/new/", {"draft": answer.url.split("/")[3]}).context["when_form"]
    assert (form["start"].value(), form["ends"].value(), form["back_tariff"].value()) == ("weekly", "chosen", tariff.pk)


def test_a_refused_key_is_said_before(
    client: Client, owner: Membership, account: Account, stations: list[Station]
) -> None:
    draft = draft_of(owner, stations)
    assert "refused the key" not in page(client.get(url(draft)))
    Account.objects.update(key_refused_at=clock.now())
    assert f"The vendor refused the key of {account.name}" in page(client.get(url(draft)))
