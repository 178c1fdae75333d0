"""The pages of scheduled starts: made, refused where the person looks, listed, cancelled."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from charging.models import PlannedStart, StartPlan
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
        ({"connector": 9}, "The station has no connector 9."),
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


def test_an_empty_list_says_what_it_is_for(client: Client) -> None:
    assert "Nothing is planned" in client.get("/starts/planned/").content.decode()
