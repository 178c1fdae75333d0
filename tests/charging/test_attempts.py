"""Who holds a start or a stop that waits for its slot, and what a worker that died leaves of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from charging import attempts, starts
from charging.models import Session
from charging.models.session import State
from fleet import gateway
from tests import factories

pytestmark = pytest.mark.django_db
REQUESTED = {"state": State.REQUESTED}


def wait_for_a_slot(session: Session) -> None:
    """As a worker does while none is free; short, and in many parts."""
    attempts.call(
        session, lane=gateway.Lane.API, why="", endpoint="", patience_s=0.02, request=lambda client: None, **REQUESTED
    )


@pytest.fixture
def due() -> Session:
    """A start that is due, and no slot to send it with."""
    session = factories.session(state=State.REQUESTED, due_at=Now())
    session.station.account.budget.slots.update(free_at=Now() + timedelta(hours=1))
    return session


def rows(session: Session, **facts: Any) -> int:
    return Session.objects.filter(pk=session.pk, **facts).count()


def test_a_picked_row_is_nobody_elses_until_its_worker_has_died(due: Session) -> None:
    assert attempts.pick(due.pk, **REQUESTED) == due
    assert (attempts.pick(due.pk, **REQUESTED), starts.due()) == (None, [])
    assert rows(due, due_at__lte=Now() + timedelta(seconds=attempts.HOLD_S)) == 1


def test_whoever_waits_keeps_the_row_in_hand(due: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "HOLD_S", 0.01)
    picked = attempts.pick(due.pk, **REQUESTED)
    assert picked is not None
    long_ago = Now() - timedelta(hours=1)
    Session.objects.filter(pk=due.pk).update(due_at=long_ago)
    with pytest.raises(gateway.NoSlot):
        wait_for_a_slot(picked)
    assert rows(due, due_at__gt=Now() - timedelta(minutes=1), claimed_until=None) == 1


def test_waiting_ends_when_the_row_needs_no_sending_any_more(due: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "HOLD_S", 0.01)
    picked = attempts.pick(due.pk, **REQUESTED)
    assert picked is not None
    Session.objects.filter(pk=due.pk).update(state=State.PENDING)
    with pytest.raises(attempts.AlreadyTaken):
        wait_for_a_slot(picked)


def test_a_key_that_is_frozen_is_not_waited_for(due: Session) -> None:
    budget = due.station.account.budget
    budget.frozen_until = Now() + timedelta(minutes=1)
    budget.save()
    picked = attempts.pick(due.pk, **REQUESTED)
    assert picked is not None
    with pytest.raises(gateway.Frozen):
        wait_for_a_slot(picked)


def test_of_two_that_waited_for_the_same_row_one_sends_it(due: Session) -> None:
    first = attempts.pick(due.pk, **REQUESTED)
    Session.objects.filter(pk=due.pk).update(due_at=Now())
    second = attempts.pick(due.pk, **REQUESTED)
    assert first is not None
    assert second is not None
    attempts.claim(first, **REQUESTED)
    with pytest.raises(attempts.AlreadyTaken):
        attempts.claim(second, **REQUESTED)
    assert rows(due, attempts=1, claimed_until__gt=Now()) == 1
