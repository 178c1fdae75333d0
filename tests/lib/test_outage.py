"""A database that goes away for a moment is outlasted; one that stays away is told; a transaction is never resumed."""

import logging
from collections.abc import Callable, Iterator

import psycopg
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


# --- telling of it once -----------------------------------------------------------------------------------------------
def caused(error: psycopg.Error) -> OperationalError:
    """As Django wraps what the driver says."""
    wrapped = OperationalError(str(error))
    wrapped.__cause__ = error
    return wrapped


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("connection failed: connection refused"), True),
        (caused(psycopg.OperationalError("consuming input failed: server closed the connection")), True),
        (caused(psycopg.errors.AdminShutdown("terminating connection")), True),
        (caused(psycopg.errors.CannotConnectNow("the database system is starting up")), True),
        (caused(psycopg.errors.ConnectionFailure("gone")), True),
        (InterfaceError("connection already closed"), True),
        (InterfaceError("cursor already closed"), False),
        (caused(psycopg.errors.DeadlockDetected("deadlock detected")), False),
        (caused(psycopg.errors.LockNotAvailable("lock timeout")), False),
        (caused(psycopg.errors.DiskFull("no space left")), False),
        (IntegrityError("duplicate key"), False),
        (None, False),
    ],
)
def test_only_a_database_that_cannot_be_reached_is_away(error: BaseException | None, away: bool) -> None:
    assert outage.is_away(error) is away


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def moment() -> list[float]:
    return [1000.0]


@pytest.fixture
def handler(moment: list[float]) -> Iterator[Kept]:
    handler = Kept()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(outage.OncePerOutage(lambda: moment[0]))
    logger = logging.getLogger("worker")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def met(error: BaseException, words: str = "a step failed") -> None:
    try:
        raise error
    except type(error):
        logging.getLogger("worker").exception(words)


SAID = "WARNING the database is away, and work goes on when it is back: gone"


def test_one_line_tells_of_an_outage_whoever_meets_it(handler: Kept, moment: list[float]) -> None:
    for _ in range(30):  # a minute of sweeps
        met(OperationalError("gone\n\tIs the server running?"))
        logging.getLogger("worker").warning("trying again in %s s: %s", 2, OperationalError("gone"))
        moment[0] += 2
    assert handler.lines == [SAID]


def test_the_next_outage_is_told_again(handler: Kept, moment: list[float]) -> None:
    met(OperationalError("gone"))
    moment[0] += outage.QUIET_S
    met(OperationalError("gone"))
    assert handler.lines == [SAID]
    moment[0] += outage.QUIET_S + 1
    met(OperationalError("gone"))
    assert handler.lines == [SAID, SAID]


def test_everything_else_is_told_as_it_was_with_its_traceback(handler: Kept) -> None:
    met(OperationalError("gone"))
    met(caused(psycopg.errors.DeadlockDetected("deadlock detected")))
    met(ValueError("a defect"))
    logging.getLogger("worker").error("%(name)s failed", {"name": "sweep"})
    assert [line.splitlines()[0] for line in handler.lines] == [
        SAID, "ERROR a step failed", "ERROR a step failed", "ERROR sweep failed",
    ]  # fmt: skip
    assert ["Traceback" in line for line in handler.lines] == [False, True, True, False]
