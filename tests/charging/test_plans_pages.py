"""The pages of scheduled starts: made, refused where the person looks, listed, cancelled."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from charging.models import PlannedStart, Session, StartPlan
from charging.models.session import State
from lib import clock
from people.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db
NEW = "/starts/planned/new"


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def client(owner: Membership) -> Client:
    return factories.client_for(owner)


def filled(owner: Membership, **fields: Any) -> dict[str, Any]:
    station = factories.station(factories.site(owner.organisation))
    tomorrow = (clock.now() + timedelta(days=1)).date()
    values = {"station": station.pk, "connector": 1, "reference": "van-12", "at_time": "23:00", "patience_minutes": 30}
    return values | {"on_date": tomorrow.isoformat()} | fields


def test_a_plan_is_made_and_listed(client: Client, owner: Membership) -> None:
    answer = client.post(NEW, filled(owner), follow=True)
    assert answer.redirect_chain == [("/starts/planned/", 302)]
    text = answer.content.decode()
    assert ("van-12" in text, "once at 23:00" in text, "Planned: HC-" in text) == (True, True, True)
    assert StartPlan.objects.get().requested_by == owner.user


def test_weekdays_make_a_repeating_plan(client: Client, owner: Membership) -> None:
    client.post(NEW, filled(owner, on_date="", weekdays=["1", "3"]))
    plan = StartPlan.objects.get()
    assert (plan.weekdays, plan.on_date, plan.words) == ([1, 3], None, "Mon, Wed at 23:00")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"on_date": ""}, "Choose either a date or weekdays."),
        ({"weekdays": ["1"]}, "Choose either a date or weekdays."),
        ({"on_date": "2020-01-01"}, "That moment has passed. Choose a later one."),
        ({"on_date": "0001-01-01"}, "That moment has passed. Choose a later one."),
        ({"on_date": "9999-12-31"}, "That is more than a year away. Choose an earlier date."),
        ({"connector": 9}, "The station has no connector 9."),
        ({"connector": "²"}, "Enter a whole number."),
        ({"connector": "-1"}, "Ensure this value is greater than or equal to 1."),
        ({"patience_minutes": "1e9"}, "Enter a whole number."),
        ({"patience_minutes": ""}, "This field is required."),
        ({"station": "9" * 30}, "Select a valid choice."),
        ({"station": "abc"}, "Select a valid choice."),
        ({"reference": "van-12\0"}, "Null characters are not allowed."),
        ({"weekdays": ["8"], "on_date": ""}, "Select a valid choice."),
        ({"at_time": "25:00"}, "Enter a valid time."),
    ],
)
def test_what_is_wrong_stands_on_the_form_and_nothing_typed_is_lost(
    client: Client, owner: Membership, fields: dict[str, Any], words: str
) -> None:
    answer = client.post(NEW, filled(owner, **fields))
    text = answer.content.decode()
    assert (answer.status_code, words in text, "van-12" in text) == (422, True, True)
    assert StartPlan.objects.count() == 0


def test_a_plan_is_cancelled_after_a_question(client: Client, owner: Membership) -> None:
    plan = factories.plan(factories.station(factories.site(owner.organisation)))
    address = f"/starts/planned/{plan.public_id}/cancel"
    assert "every day at 23:00" in client.get(address).content.decode()
    plan.refresh_from_db()
    assert plan.cancelled_at is None
    assert client.post(address).status_code == 302
    plan.refresh_from_db()
    assert (plan.next_at, plan.cancelled_at is None) == (None, False)


def test_what_became_of_a_start_is_told(client: Client, owner: Membership) -> None:
    plan = factories.plan(factories.station(factories.site(owner.organisation)), reference="van-7")
    PlannedStart.objects.create(plan=plan, due_at=factories.NOW, outcome="missed", reason="The station is offline.")
    text = client.get("/starts/planned/").content.decode()
    assert ("Missed" in text, "The station is offline." in text) == (True, True)


def test_a_start_that_came_to_nothing_is_not_only_called_started(client: Client, owner: Membership) -> None:
    station = factories.station(factories.site(owner.organisation))
    session = factories.session(station, state=State.FAILED, error="Refused by the vendor: The charger is locked.")
    PlannedStart.objects.create(
        plan=factories.plan(station), due_at=factories.NOW, outcome="started", session=session, settled_at=factories.NOW
    )
    text = client.get("/starts/planned/").content.decode()
    assert ("· Failed" in text, "Refused by the vendor: The charger is locked." in text) == (True, True)


def test_an_empty_list_says_what_it_is_for(client: Client) -> None:
    assert "Nothing is planned" in client.get("/starts/planned/").content.decode()


# --- from the form of a start -----------------------------------------------------------------------------------------
def test_start_later_keeps_what_was_typed(client: Client, owner: Membership) -> None:
    station = factories.station(factories.site(owner.organisation))
    typed = {"station": station.pk, "connector": "2", "reference": "van 7 & co", "stop-energy": "20", "later": "1"}
    answer = client.post("/sessions/start", typed)
    where = f"{NEW}?station={station.pk}&connector=2&reference=van+7+%26+co"
    assert (answer.status_code, answer.headers["Location"]) == (302, where)
    form = client.get(where).context["form"]
    assert [str(form[name].value()) for name in ("station", "connector", "reference")] == [
        str(station.pk),
        "2",
        "van 7 & co",
    ]
    assert not Session.objects.exists()


def test_start_later_with_nothing_typed_is_an_empty_plan(client: Client) -> None:
    answer = client.post("/sessions/start", {"station": "", "reference": " ", "later": "1"})
    assert answer.headers["Location"] == NEW


def test_the_enter_key_starts_and_does_not_plan(client: Client) -> None:
    """A browser presses the first button of the form."""
    form = client.get("/sessions/start").content.decode().split('<form class="card dlg form"')[1].split("</form>")[0]
    buttons = re.findall(r"<button[^>]*>", form)
    assert ["later" in button for button in buttons] == [False, True, False]


def test_a_start_is_offered_with_the_reference_of_its_address(client: Client, owner: Membership) -> None:
    form = client.get("/sessions/start", {"reference": "van 7"}).context["form"]
    assert form["reference"].value() == "van 7"
