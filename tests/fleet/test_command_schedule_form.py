"""The form of when: what it reads, what it refuses and where it says so."""

from datetime import date, time, timedelta
from typing import Any

import pytest

from fleet.forms import CommandScheduleForm
from fleet.schedule_times import When
from people.actor import Actor
from tests import factories

pytestmark = pytest.mark.django_db
ONCE = {"start": "once", "on_date": "2026-06-07", "at_time": "22:00"}
WEEKLY = {"start": "weekly", "weekdays": ["7", "1"], "at_time": "00:00"}
END = {"ends": "before", "until_time": "06:00", "until_days": "1"}


@pytest.fixture
def actor() -> Actor:
    return factories.actor()


def read(actor: Actor, data: dict[str, Any]) -> tuple[When | None, dict[str, list[str]]]:
    form = CommandScheduleForm(data, actor=actor, account_ids={1})
    return (form.when(timedelta(hours=2)), {}) if form.is_valid() else (None, dict(form.errors))


@pytest.mark.parametrize(
    ("data", "when"),
    [
        ({}, None),
        ({"start": "now", "on_date": "rubbish", "at_time": "25:00", "ends": "before"}, None),
        (ONCE, When(time(22), date(2026, 6, 7), patience_minutes=120)),
        (ONCE | {"weekdays": ["1"]}, When(time(22), date(2026, 6, 7), patience_minutes=120)),
        (WEEKLY | {"name": "Lot"}, When(time(0), weekdays=(1, 7), patience_minutes=120, name="Lot")),
        (ONCE | END, When(time(22), date(2026, 6, 7), (), time(6), 1, None, 120)),
        (
            ONCE | END | {"ends": "chosen", "back_availability": "available", "back_message": "Open again"},
            When(
                time(22), date(2026, 6, 7), (), time(6), 1,
                {"priorityStatus": "available", "setMessage": "Open again"}, 120,
            ),
        ),
        (
            ONCE | END | {"ends": "chosen", "back_set_message": "on"},
            When(time(22), date(2026, 6, 7), (), time(6), 1, {"setMessage": ""}, 120),
        ),
    ],
)  # fmt: skip
def test_what_it_reads(actor: Actor, data: dict[str, Any], when: When | None) -> None:
    assert read(actor, data) == (when, {})


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (ONCE | {"on_date": ""}, {"on_date": ["Choose a date."]}),
        (WEEKLY | {"weekdays": []}, {"weekdays": ["Choose at least one weekday."]}),
        (ONCE | {"at_time": ""}, {"at_time": ["Choose a time."]}),
        (ONCE | {"ends": "before"}, {"until_time": ["Choose when it ends."]}),
        (
            ONCE | END | {"ends": "chosen"},
            {"ends": ["Choose below what is set afterwards, or another of these."]},
        ),
        (
            ONCE | END | {"until_days": "0"},
            {"until_time": ["The end must come after the beginning: choose a later time or a later day."]},
        ),
        (
            WEEKLY | END | {"weekdays": ["1", "2"]},
            {
                "until_days": [
                    "The window would still be open when the next one begins: let it end earlier, or choose fewer days."
                ]
            },
        ),
        (ONCE | END | {"until_days": "-1"}, {"until_days": ["Write a whole number from 0 to 366."]}),
    ],
)
def test_what_is_missing_is_said_at_its_field(actor: Actor, data: dict[str, Any], errors: dict[str, list[str]]) -> None:
    assert read(actor, data) == (None, errors)


def test_coming_back_it_is_as_it_was_left(actor: Actor) -> None:
    for data in (ONCE, WEEKLY | END | {"weekdays": ["7"]}, ONCE | END | {"ends": "chosen", "back_message": "Open"}):
        when, errors = read(actor, data)
        assert errors == {}
        form = CommandScheduleForm(initial=CommandScheduleForm.initial_of(when), actor=actor, account_ids={1})
        again = {name: form[name].value() for name in form.fields}
        assert read(actor, {name: value for name, value in again.items() if value}) == (when, {})


def test_a_tariff_afterwards_is_one_of_the_account_of_the_stations() -> None:
    owner = factories.member()
    mine, other = (factories.tariff(factories.account(owner.organisation)) for _n in range(2))
    data = ONCE | END | {"ends": "chosen", "back_tariff": mine.pk}
    actor = factories.actor(owner)
    form = CommandScheduleForm(data, actor=actor, account_ids={mine.account_id})
    assert form.is_valid()
    when = form.when(timedelta(hours=1))
    assert when is not None
    assert when.back_values == {"tariffId": mine.fee_id}
    assert not CommandScheduleForm(data, actor=actor, account_ids={other.account_id}).is_valid()
