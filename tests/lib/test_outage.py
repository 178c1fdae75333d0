"""A database that goes away for a moment is outlasted; one that stays away is told; a transaction is never resumed."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from lib import outage


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PAUSES_S", (0.0, 0.0, 0.0))


def failing(times: int, error: type[Exception] = OperationalError) -> Callable[[], list[int]]:
    tries: list[int] = []

    def write() -> list[int]:
        tries.append(len(tries))
        if len(tries) <= times:
            raise error("server closed the connection unexpectedly")
        return tries

    return write


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_it_is_written_when_the_database_is_back(error: type[Exception]) -> None:
    assert outage.outlast(failing(2, error)) == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_is_made_anew() -> None:
    def write() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return int(cursor.fetchone()[0])

    write()
    connection.connection.close()  # as a restarted server leaves it
    assert outage.outlast(write) == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_stays_away_is_told() -> None:
    with pytest.raises(OperationalError):
        outage.outlast(failing(1), within_s=-1)


@pytest.mark.django_db(transaction=True)
def test_what_is_no_outage_is_not_tried_again() -> None:
    write = failing(1, IntegrityError)
    with pytest.raises(IntegrityError):
        outage.outlast(write)
    assert write() == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_tried_again() -> None:
    write = failing(1)
    with pytest.raises(OperationalError), transaction.atomic():
        outage.outlast(write)
    assert write() == [0, 1]
