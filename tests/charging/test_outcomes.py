"""What an answer does to a start or a stop that somebody else has moved on meanwhile: a reading, or the sweep."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

import eevion
from charging import starts, stops
from charging.models import Session
from charging.models.session import State
from eevion.sessions import read_stopped
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def left_behind(**fields: object) -> Session:
    return factories.session(claimed_until=Now() - timedelta(seconds=1), attempts=1, **fields)  # type: ignore[arg-type]


def told(session: Session) -> tuple[str, str]:
    session.refresh_from_db()
    return session.state, session.stop_state


def test_a_refusal_that_comes_after_the_sweep_still_settles_the_start() -> None:
    session = left_behind(state=State.REQUESTED)
    assert starts.settle_stale(NOW) == 1
    starts._settle(session, NOW, partial(starts._rejected, error=eevion.Rejected("No.", status=422)))
    assert told(session) == ("failed", "")


def while_open(first: Callable[[], object], second: Callable[[], object]) -> None:
    """The second looks while the first has written and not committed yet, and waits for its lock."""
    written = threading.Event()

    def look() -> None:
        assert written.wait(10)
        second()
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    with transaction.atomic():
        first()
        written.set()
        _wait_for_a_lock()
    thread.join(10)


def _wait_for_a_lock() -> None:
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_stop_whose_sender_comes_back_as_the_sweep_looks_is_not_in_doubt() -> None:
    session = left_behind(vendor_session_id="ses_1", stop_state="wanted")
    answer = read_stopped({"sessionID": "ses_1", "status": "stopping"}, asked_id="ses_1")
    while_open(
        lambda: stops._settle(session, NOW, partial(stops._accepted, answer=answer)), lambda: stops.settle_stale(NOW)
    )
    assert told(session) == ("stopping", "sent")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_start_that_was_not_sent_after_all_is_sent_again_and_blocks_nothing() -> None:
    session = left_behind(state=State.REQUESTED)
    error = eevion.NotSent("no connection")
    while_open(
        lambda: starts._settle(session, NOW, partial(starts._not_sent, error=error)), lambda: starts.settle_stale(NOW)
    )
    assert told(session) == ("requested", "")
