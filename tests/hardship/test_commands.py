"""Broker, database and workers die while commands go out, a key is taken away, texts are odd: every row ends as it
really went, and nothing is sent twice. The vendor's ledger is the witness.
"""

import csv
import html
import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fleet.budget import Lane
from fleet.senders import CREWS
from tests.hardship.house import LIMIT, House, send, until
from tests.hardship.person import Person

pytestmark = pytest.mark.slow
CROWD = [f"HC-C{number:03d}" for number in range(1, 501)]
UNDER_WAY = ["HC-D01", "HC-D02", "HC-D03", "HC-D04"]  # of the worker that dies
ODD = ["HC-E01", "HC-E02"]
OTHER = ["HC-F01"]  # of an account whose key is good
STAGED = [f"HC-S{number:02d}" for number in range(1, 41)]  # of the account whose key is taken away
SENDERS = CREWS[Lane.COMMANDS].seats  # at once
STOPPED = "the sender stopped before an answer came"
ROWS = (
    "SELECT s.vendor_id, i.kind, i.wanted_value, i.state, c.job_id, i.error_code, c.error"
    " FROM fleet_commanditem i JOIN fleet_command o ON o.id = i.command_id JOIN fleet_station s ON s.id = i.station_id"
    " LEFT JOIN fleet_managecall c ON c.id = i.call_id WHERE o.public_id = %s::uuid ORDER BY s.vendor_id, i.kind"
)
SAID = {"finished": "succeeded", "finished_late": "succeeded", "failed": "failed"}  # the vendor's words for our states
GONE = {(state, "") for state in ("accepted", *SAID)}  # beyond the queue, with nothing to complain of
Line = tuple[str, str, str, str, str]  # station, kind, value, outcome, job


@pytest.fixture(scope="module")
def person(house: House) -> Person:
    """Signed in, once the stations of this module are known on both sides."""
    stations = [*CROWD, *UNDER_WAY, *ODD, *OTHER]
    house.order("stations", stations=[{"station": name, "connectors": 1} for name in stations])
    person = Person(house)
    ((account,),) = house.rows("SELECT id FROM fleet_account WHERE name = 'Sandbox'")
    person.add_stations(account, stations)
    return person


@pytest.fixture
def faults(house: House) -> Iterator[Callable[..., Any]]:
    yield lambda **order: house.order("faults", **order)
    house.order("faults", clear=True)


def ask(house: House, stations: list[str], **values: str) -> str:
    """As a program does. Returns the command's id."""
    answer = house.api("commands", {"stations": stations, **values})
    assert answer.status == 202, answer
    return str(answer.json()["id"])


def states(house: House, command: str) -> Counter[str]:
    return Counter(row[3] for row in house.rows(ROWS, command))


def queued(house: House, command: str, count: float) -> None:
    until(lambda: states(house, command)["queued"] <= count, f"{count:g} wait, the others are sent", step_s=0.02)


def read_history(house: House) -> None:
    """Now, and not within the next minute."""
    house.stack.manage("shell", "-v", "0", "-c", "from fleet import tasks; tasks.read_history()")


def settled(house: House, command: str, within_s: float = 90) -> list[Line]:
    """What the product says of each row, once all have their last word. Fails with those that have not."""
    try:
        until(lambda: states(house, command).keys() <= SAID.keys(), "every row has ended", within_s)
    except AssertionError as error:
        raise AssertionError([row for row in house.rows(ROWS, command) if row[3] not in SAID]) from error
    return [(name, kind, value, SAID[state], job) for name, kind, value, state, job, *_ in house.rows(ROWS, command)]


def jobs(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = send(f"{house.stack.sandbox_url}/_sandbox/ledger").json()["jobs"]
    return found


def truth(house: House, stations: Iterable[str]) -> list[Line]:
    """What really happened at these stations: a line for each time that a command came to one."""
    wanted = set(stations)
    return sorted(
        (line["stationId"], line["command"], job[line["command"]], line["status"], job["jobId"])
        for job in jobs(house)
        for line in job["results"]
        if line["stationId"] in wanted
    )


def arrived(house: House, stations: Iterable[str]) -> Counter[str]:
    """How often a job was made for each of these stations, ended or not."""
    wanted = set(stations)
    return Counter(name for job in jobs(house) for name in job["stationIds"] if name in wanted)


def nothing_left(house: House) -> None:
    until(lambda: not house.undigested(), "every message is digested")
    assert house.rows("SELECT 1 FROM fleet_commanditem WHERE state IN ('queued', 'sending', 'unknown')") == []


def test_the_broker_is_wiped_and_the_database_killed_while_500_go_out(
    house: House, person: Person, faults: Callable[..., Any]
) -> None:
    faults(script=[{"endpoint": "job", "fault": "fail", "stationId": name} for name in CROWD[::100]])
    command = ask(house, CROWD, setMessage="Closed on Sunday")
    queued(house, command, len(CROWD) - 40)
    shutil.rmtree(house.folder / "valkey" / "appendonlydir")
    broker = house.kill("valkey")
    assert states(house, command)["queued"] > len(CROWD) / 2
    house.wait_back("valkey", broker)
    queued(house, command, len(CROWD) / 2)
    database = house.kill("postgres")
    house.wait_back("postgres", database)
    house.wait_ready()
    assert states(house, command)["queued"] > 0
    until(lambda: not states(house, command).keys() & {"queued", "sending"}, "all are sent", 90)
    read_history(house)  # for the calls whose answer met no database
    said = settled(house, command)
    assert said == truth(house, CROWD)
    assert [(line[0], line[3]) for line in said] == [
        (name, "failed" if number % 100 == 0 else "succeeded") for number, name in enumerate(CROWD)
    ]
    assert arrived(house, CROWD) == Counter(CROWD)  # none sent twice
    nothing_left(house)


def test_a_worker_is_killed_with_calls_in_flight(house: House, person: Person, faults: Callable[..., Any]) -> None:
    """Two of its calls had arrived and two had not: the management history tells them apart."""
    lost = UNDER_WAY[2:]
    faults(
        probabilities={"manage": {"slow": 1}, "webhook.job": {"lost": 1}, "history": {"error": 1}},
        options={"slow_s": 30},
        script=[{"endpoint": "manage", "fault": "lostRequest", "stationId": name} for name in lost],
    )
    command = ask(house, UNDER_WAY, priorityStatus="unavailable", setMessage="Closed")
    until(lambda: states(house, command) == {"sending": 8}, "all are in flight", step_s=0.02)
    until(lambda: arrived(house, UNDER_WAY) == Counter(UNDER_WAY[:2]), "two have arrived", step_s=0.02)
    until(lambda: house.order("faults")["drawn"].get("manage:lostRequest") == 2, "two have not", step_s=0.02)
    old = house.kill("worker-bulk")
    until(lambda: states(house, command) == {"unknown": 8}, "nobody knows what became of them")
    assert {row[6] for row in house.rows(ROWS, command)} == {STOPPED}
    house.wait_back("worker-bulk", old)
    assert arrived(house, UNDER_WAY) == Counter(UNDER_WAY[:2])  # nothing is sent again on a guess
    faults(probabilities={"manage": {}, "webhook.job": {}, "history": {}})
    read_history(house)
    assert settled(house, command) == truth(house, UNDER_WAY)
    assert arrived(house, UNDER_WAY) == Counter(UNDER_WAY)
    nothing_left(house)


def test_a_key_is_taken_away_half_way(house: House, person: Person, faults: Callable[..., Any]) -> None:
    """The rows in flight are refused, the rest wait and say why, and with a new key all goes on."""
    taken = {"key": "taken-away", "environment": "staging", "limit": LIMIT}
    house.order("keys", **taken)
    house.order("stations", stations=[{"station": name, "environment": "staging"} for name in STAGED])
    form = {"name": "Staging", "base_url": house.stack.sandbox_url, "environment": "staging"}
    form |= {"request_limit": str(LIMIT), "stations_per_call": "1"}
    page = person.send("/settings/accounts/new/", api_key=taken["key"], **form).url.removeprefix(person.url)
    account = int(page.rstrip("/").rpartition("/")[2])
    person.add_stations(account, STAGED)
    faults(probabilities={"manage": {"slow": 1}}, options={"slow_s": 0.5})
    command = ask(house, STAGED, setMessage="Half way")
    until(lambda: arrived(house, STAGED), "the first ones have arrived", step_s=0.02)
    house.order("keys", **taken, revoked=True)
    waits = {("queued", "key_refused")}
    until(lambda: {(row[3], row[5]) for row in house.rows(ROWS, command)} - GONE == waits, "the rest wait and say why")
    refusals = refused(house, account)
    before = arrived(house, STAGED)
    assert 0 < refusals <= SENDERS
    assert 0 < len(before) < len(STAGED)
    assert "Waits: the vendor refused the API key" in person.look(f"/commands/{command}/")
    other = ask(house, OTHER, priorityStatus="available")
    assert settled(house, other) == truth(house, OTHER)  # nobody else waits for it
    assert (refused(house, account), arrived(house, STAGED)) == (refusals, before)
    faults(probabilities={"manage": {}})
    house.order("keys", key="new", environment="staging", limit=LIMIT)
    person.send(page, api_key="new", **form)
    assert settled(house, command) == truth(house, STAGED)
    assert arrived(house, STAGED) == Counter(STAGED)
    nothing_left(house)


def refused(house: House, account: int) -> int:
    """Commands of this account that the vendor answered with 401."""
    query = "SELECT count(*) FROM fleet_apicall WHERE account_id = %s AND endpoint = 'manage' AND status = 401"
    ((count,),) = house.rows(query, account)
    return int(count)


def test_a_tariff_unknown_to_the_vendor_is_refused_alone(house: House, person: Person) -> None:
    """The text that was asked for in the same breath goes out."""
    command = ask(house, ODD[1:], tariffId="fee_nowhere", setMessage="New prices")
    until(lambda: states(house, command) == {"rejected": 1, "finished": 1}, "both have ended")
    (message, tariff) = house.rows(ROWS, command)
    assert (tariff[1], tariff[3], tariff[5]) == ("tariffId", "rejected", "rejected")
    assert truth(house, ODD[1:]) == [(ODD[1], "setMessage", "New prices", "succeeded", message[4])]
    assert "There is no fee structure &#x27;fee_nowhere&#x27;" in person.look(f"/commands/{command}/")


def test_an_odd_text_arrives_as_it_was_written_and_is_shown_as_text(house: House, person: Person) -> None:
    text = "=1+1 🚗🔌 <script>alert('x')</script> &amp; \"zu\"\nسلام 充電"
    text += "é" * (500 - len(text))
    command = ask(house, ODD[:1], setMessage=text)
    ((_name, _kind, _value, _said, job),) = settled(house, command)
    assert [line[2] for line in truth(house, ODD[:1]) if line[4] == job] == [text]
    for path in (f"/commands/{command}/", "/commands/", "/settings/audit/"):
        page = person.look(path)
        assert html.escape(text[:40]) in page and "<script>alert" not in page
    lines = list(csv.DictReader(io.StringIO(person.look(f"/commands/{command}/csv"), newline="")))
    assert [line["wanted_value"] for line in lines] == [f"'{text}"]


@pytest.mark.parametrize(
    ("stations", "message", "field"), [([], "Closed", "stations"), (ODD, "é" * 5000, "setMessage")]
)
def test_no_station_and_5000_characters_are_refused_whole(
    house: House, person: Person, stations: list[str], message: str, field: str
) -> None:
    count = "SELECT count(*) FROM fleet_command"
    before = house.rows(count)
    answer = house.api("commands", {"stations": stations, "setMessage": message})
    error = answer.json()["error"]
    assert (answer.status, error["code"], list(error["fields"])) == (400, "invalid", [field])
    assert house.rows(count) == before
